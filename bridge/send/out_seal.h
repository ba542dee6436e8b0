/* out_seal.h - encrypting a message for its devices: the stanza, the moved ratchets and the
 * outbox row commit together, and only then it leaves (design rule 2). */
#ifndef BRIDGE_SEND_OUT_SEAL_H
#define BRIDGE_SEND_OUT_SEAL_H

#include "bridge/send/out_queue.h"
#include "bridge/send/out_work.h"

/* Our sender key of a group is kept under our own LID device, also in groups by phone number
 * (P-SG-31). */
struct jid out_seal_key_owner(const struct bridge *b);

/* Those of w->devices that must be given our sender key of the group with the next message: all of
 * them when it will be a new one. *ret_devices in the arena. */
enum wb_err out_seal_lacking(struct out_item *it, const struct jid **ret_devices,
                             size_t *ret_n) WB_MUST_CHECK;

/* Seals, commits, sends. Ends in out_queue_sealed(), or out_queue_later() with nothing changed. */
void out_seal(struct out_item *it);

#endif
