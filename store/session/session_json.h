/* session_json.h - Signal records as Go's encoding/json writes them in whatsmeow's database
 * (P-DB-15..18): same names, same order, so that a hand-over in either direction needs nothing. */
#ifndef STORE_SESSION_SESSION_JSON_H
#define STORE_SESSION_SESSION_JSON_H

#include "base/buf.h"
#include "crypto/signal_types.h"
#include "store/session/limits.h"

/* Appends to out; buf_err(out) tells of failure. */
void session_json_write(const struct signal_session *s, struct buf *out);
void sender_key_json_write(const struct sender_key_record *r, struct buf *out);

/* Is the current state of a written record with the owner of this identity? Looks for the first
 * identity in the text, which is the current state's, without reading the rest: for a look at many
 * records. A text in which it finds no identity counts as true: reading that text will tell. */
bool session_json_is_with(struct span json, const uint8_t identity[static X25519_KEY_BYTES]);

/* Strict in types and sizes, tolerant where Go is: letter case of keys, order, unknown keys, null
 * for empty. MALFORMED, TOO_LARGE (over a limit of signal_types.h), TOO_DEEP. The caller frees. */
enum wb_err session_json_read(struct span json, struct signal_session **ret) WB_MUST_CHECK;
enum wb_err sender_key_json_read(struct span json, struct sender_key_record **ret) WB_MUST_CHECK;

#endif
