/* out_receipt.h - the receipts that we send for received messages (P-RC-23, 24, 33, 34, 51:
 * delivery, retry and own-device receipts). */
#ifndef BRIDGE_RECEIVE_OUT_RECEIPT_H
#define BRIDGE_RECEIVE_OUT_RECEIPT_H

#include "bridge/receive/in_message.h"
#include "crypto/media_crypt.h"
#include "store/session/retry.h"

/* <receipt id to [recipient] [participant] [type]> for a message that was decrypted or may be
 * passed over. type: sender or peer_msg for our own messages, else inactive unless we are shown as
 * available. A status has its own context, and is never inactive (as WhatsApp Web does; whatsmeow
 * differs). NULL on no memory. */
struct node *out_receipt_delivery(const struct bridge *b, struct arena *a,
                                  const struct in_message *m);
/* <receipt id type to=<own number>>: hist_sync, peer_msg. */
struct node *out_receipt_own(const struct bridge *b, struct arena *a, struct span id,
                             const char *type);
/* <receipt type=server-error category=peer>: the media hosts do not have the file that our phone
 * named in message `id`, with the media key `key` (P-HI-12). The phone then uploads the file again
 * and names it in another message. */
enum wb_err out_receipt_missing(struct bridge *b, struct arena *a, struct span id,
                                const uint8_t key[static MEDIA_KEY_BYTES],
                                struct node **ret_n) WB_MUST_CHECK;
/* The request to send a message again. o: the row as it will be stored, with this receipt counted.
 * why: gives the error code. peer: category=peer. with_keys: a fresh one-time prekey goes along,
 * marked as offered in the open batch, so the stanza may leave only after its commit. */
enum wb_err out_receipt_retry(struct bridge *b, struct arena *a, const struct store_retry_owed *o,
                              enum wb_err why, bool peer, bool with_keys,
                              struct node **ret_n) WB_MUST_CHECK;

#endif
