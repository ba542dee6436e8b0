/* out_retry_gone.h - what a retry receipt says about its device, whether or not we still have the
 * message that it asks for: the device cannot read what we write (P-X2-11). Without this the next
 * message would not reach the device either. Private to send/. */
#ifndef BRIDGE_SEND_OUT_RETRY_GONE_H
#define BRIDGE_SEND_OUT_RETRY_GONE_H

#include "proto/node.h"

struct bridge;

/* In a group: the device is given our sender key with the next message, if it was given one before.
 * In the open batch; errors of the store. */
enum wb_err out_retry_gone_doubt(struct bridge *b, const struct jid *group,
                                 const struct jid *device) WB_MUST_CHECK;

/* The message `id` is not kept: the <keys> of the receipt, if there are any, become the session
 * with the device. recipient: our notes say that the message was sealed for this very device; then
 * the keys are taken as with a message that we have (prekey_start_session()), up to
 * RETRY_REQUESTS_MAX times for one message. Else nothing shows that there ever was such a message,
 * and anybody may write an id: the keys must be of the identity that we know, there must be a
 * session that they replace (a device without one gets a new one with the next message anyhow), and
 * they are taken once in RETRY_REBUILD_S. Keys that are not taken are logged; the request is to be
 * acked. In the open batch; errors of the store. */
enum wb_err out_retry_gone(struct bridge *b, const struct node *receipt, struct span id,
                           const struct jid *device, bool recipient) WB_MUST_CHECK;

/* A member of a group asked without keys, and is not answered now. The device gets our sender key
 * with the next message instead, but cannot read that key either if it has lost the session. So the
 * session is archived (it still reads what the device sends), and the next message starts a new
 * one; that message fetches the prekeys of all devices without a session in one question. Not
 * within RETRY_REBUILD_S after the last new session because of a request: one-time prekeys are
 * precious. The caller has checked that the device may have the message. In the open batch; errors
 * of the store. */
enum wb_err out_retry_gone_renew_later(struct bridge *b, const struct jid *device) WB_MUST_CHECK;

#endif
