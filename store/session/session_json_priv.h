/* session_json_priv.h - what signal_store.c needs of the writer besides session_json.h; private to
 * store/. */
#ifndef STORE_SESSION_SESSION_JSON_PRIV_H
#define STORE_SESSION_SESSION_JSON_PRIV_H

#include "store/session/session_json.h"

/* Only the newest narchived archived states. */
void session_json_write_some(const struct signal_session *s, size_t narchived, struct buf *out);
/* libsignal for Go takes a missing current state or sender chain for granted and dies on null. */
bool session_json_fit_for_whatsmeow(const struct signal_session *s);

#endif
