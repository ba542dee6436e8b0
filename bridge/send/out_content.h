/* out_content.h - what goes into the encrypted part of a send, and what becomes of it in
 * messages.db. Private to send/. */
#ifndef BRIDGE_SEND_OUT_CONTENT_H
#define BRIDGE_SEND_OUT_CONTENT_H

#include "bridge/send/out_queue.h"
#include "bridge/send/out_work.h"

/* The Message of a request (P-SD-20, P-SD-42, P-SD-43) into w->plain. NOT_FOUND: the message that
 * it answers is not stored. */
enum wb_err out_content_make(struct bridge *b, struct out_work *w) WB_MUST_CHECK;

/* Stores the row of an acked send, made from the very plaintext that was sealed, in the open batch.
 * t: unix seconds of the ack. *ret_said: the message's line for the log, to be written once the
 * batch is committed; empty when the text is not kept any more. */
enum wb_err out_content_store(struct bridge *b, const struct jid *chat, const char *id, int64_t t,
                              struct message_said *ret_said) WB_MUST_CHECK;

#endif
