/* out_seal.h - encrypting a message for its devices: the stanza, the moved ratchets and the outbox
 * row commit together, and only then the stanza leaves (design rule 2: ratchet, then wire). */
#ifndef BRIDGE_SEND_OUT_SEAL_H
#define BRIDGE_SEND_OUT_SEAL_H

#include "bridge/send/out_queue.h"
#include "bridge/send/out_work.h"

/* Our sender key of a group is kept under our own LID device, also in groups by phone number
 * (P-SG-31). */
struct jid out_seal_key_owner(const struct bridge *b);

/* The devices of w->devices that must be given our sender key of the group with the next message:
 * all of them when that key will be a new one. *ret_devices in the arena. */
enum wb_err out_seal_lacking(struct out_item *it, const struct jid **ret_devices,
                             size_t *ret_n) WB_MUST_CHECK;

/* Seals, commits, sends. Ends in out_queue_sealed(), or out_queue_later() with nothing changed. */
void out_seal(struct out_item *it);

#endif
