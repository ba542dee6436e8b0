/* in_message_decrypt.h - decrypts one <enc>. Changes of sessions, identities, prekeys and sender
 * keys go into the open batch, so that they are committed after the message (rule 1). */
#ifndef BRIDGE_RECEIVE_IN_MESSAGE_DECRYPT_H
#define BRIDGE_RECEIVE_IN_MESSAGE_DECRYPT_H

#include "base/buf.h"
#include "bridge/receive/in_message.h"
#include "crypto/prim_hash.h"

/* *ret_result is the verdict on this enc alone: WB_OK (the unpadded plaintext is ret_content, which
 * borrows from plain, cleared first), or an error of class PEER: NO_SESSION, NO_SENDER_KEY,
 * OLD_COUNTER, BASE_KEY_USED (a pkmsg whose session was there before and is gone), BAD_MAC,
 * BAD_KEY_ID ... VERSION for an enc of a version that we do not read. The
 * return value speaks of us: memory and the store. */
enum wb_err in_message_decrypt(struct bridge *b, const struct in_message *m, const struct in_enc *e,
                               struct buf *plain, struct span *ret_content,
                               enum wb_err *ret_result) WB_MUST_CHECK;

/* Stores the sender key that came with a group message (P-RC-16). The caller has checked that the
 * key is for m->chat. *ret_result as above. */
enum wb_err in_message_decrypt_sender_key(struct bridge *b, const struct in_message *m,
                                          struct span skdm, enum wb_err *ret_result) WB_MUST_CHECK;

/* The hash under which whatsmeow_event_buffer keeps a ciphertext (P-RC-21: whatsmeow's memory of
 * what it has decrypted). */
void in_message_decrypt_enc_hash(const struct in_message *m, const struct in_enc *e,
                                 uint8_t ret_hash[static SHA256_BYTES]);
/* Was this ciphertext decrypted before, by us or by whatsmeow? ret_hash: the name of its row.
 * *ret_content: the plaintext (in the arena) when whatsmeow's process ended before handling it;
 * SPAN_NULL when it was handled. NOT_FOUND: no row. */
enum wb_err in_message_decrypt_buffered(struct bridge *b, struct arena *a,
                                        const struct in_message *m, const struct in_enc *e,
                                        uint8_t ret_hash[static SHA256_BYTES],
                                        struct span *ret_content) WB_MUST_CHECK;

#endif
