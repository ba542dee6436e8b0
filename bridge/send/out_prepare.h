/* out_prepare.h - what must be known before a message can be encrypted: the person's LID,
 * the group's members, everybody's devices, sessions with them. Private to send/. */
#ifndef BRIDGE_SEND_OUT_PREPARE_H
#define BRIDGE_SEND_OUT_PREPARE_H

#include "bridge/send/out_queue.h"
#include "bridge/send/out_work.h"

/* What the group calls this member, by its addressing where that form is known; bare. */
struct jid out_prepare_member_jid(const struct store_group *g, const struct store_group_member *m);

/* Prepares a QUEUED item; ends in out_queue_later(), out_queue_fail() or out_queue_sealed(). */
void out_prepare_start(struct out_item *it);

#endif
