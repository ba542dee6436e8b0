/* app_state.h - the room appstate/: settings that our phone shares with its companions (P-AS ids).
 * Of all collections it reads the two that hold our own name and the salt for cstokens, and never
 * writes one. It fetches them when the phone has shared its keys, when the server says that
 * something changed, and again at the next login after a failure. It knows nothing of messages. */
#ifndef BRIDGE_APPSTATE_APP_STATE_H
#define BRIDGE_APPSTATE_APP_STATE_H

#include "base/err.h"
#include "bridge/core/own_message.h"
#include "bridge/core/stanza.h"
#include "proto/node.h"

struct app_state;
struct bridge;

/* NOMEM. */
enum wb_err app_state_new(struct bridge *b, struct app_state **ret_s) WB_MUST_CHECK;
void app_state_free(struct app_state *s); /* NULL-safe */

/* Our phone has shared keys, stored in the open batch: fetches collections that were never fetched
 * or wait for a key. Errors of the store. */
enum wb_err app_state_keys_came(struct bridge *b) WB_MUST_CHECK;

/* <notification type=server_sync>: the row of in_notification.c. */
extern const struct stanza_handler in_notification_server_sync_handler;

/* Keys that our phone shares (in_app_state_keys.c): a row of own_messages.c. */
extern const struct own_message_row own_message_app_state_keys;

#endif
