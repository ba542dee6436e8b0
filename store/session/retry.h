/* retry.h - what retries need: plaintexts we sent, receipts we owe, how often peers asked (P-DB-24,
 * P-RC-21; rule 1: a message that cannot be read is noted before it is acknowledged). */
#ifndef STORE_SESSION_RETRY_H
#define STORE_SESSION_RETRY_H

#include "base/arena.h"
#include "proto/jid.h"
#include "store/core/store.h"

/* ---- plaintexts of sent messages, for peers that ask again (whatsmeow_retry_buffer) ---- */

/* plaintext: the unpadded Message protobuf, as whatsmeow keeps it. */
enum wb_err store_retry_sent_put(struct store *s, const struct jid *chat, struct span id,
                                 struct span plaintext, int64_t now_ms) WB_MUST_CHECK;
/* Looks under the PN and the LID form of the chat. NOT_FOUND. */
enum wb_err store_retry_sent_get(struct store *s, const struct jid *chat, struct span id,
                                 struct arena *a, struct span *ret_plaintext) WB_MUST_CHECK;
/* Forgets the plaintext under both forms of the chat, because the message is to be sealed anew.
 * WB_OK when there is none. */
enum wb_err store_retry_sent_drop(struct store *s, const struct jid *chat,
                                  struct span id) WB_MUST_CHECK;
/* Removes those from before before_ms, STORE_PRUNE_ROWS at most; *ret_more: there may be more. */
enum wb_err store_retry_sent_prune(struct store *s, int64_t before_ms,
                                   bool *ret_more) WB_MUST_CHECK;

/* ---- retry receipts that we owe or wait for ---- */

enum { STORE_RETRY_RECEIPTS_MAX = 4 }; /* to the sender, for one message (P-RC-35) */

/* Was our phone asked for a placeholder resend? */
enum store_phone_asked {
    STORE_PHONE_NOT_ASKED,
    STORE_PHONE_ASKED, /* the request was made; it may have been lost with its connection */
    STORE_PHONE_ACKED, /* the server has it, or there is nothing to ask the phone for */
};
struct store_retry_owed {
    char id[STORE_MESSAGE_ID_MAX + 1];
    struct jid chat;
    struct jid sender; /* device */
    /* from, participant and recipient of the stanza, which the receipt repeats; JID_NONE: absent */
    struct jid stanza_from, participant, recipient;
    uint32_t count;    /* receipts asked for so far */
    int64_t timestamp; /* the message's t */
    int64_t asked_at;  /* unix seconds of the last receipt, 0: none left yet */
    enum store_phone_asked phone_asked;
    char enc_type[16]; /* "pkmsg", "msg", "skmsg", "" for unavailable */
    char reason[STORE_REASON_MAX + 1];
};
/* Inserts or replaces (keyed by chat, sender's user, id). */
enum wb_err store_retry_owed_put(struct store *s, const struct store_retry_owed *o) WB_MUST_CHECK;
enum wb_err store_retry_owed_get(struct store *s, const struct jid *chat, const struct jid *sender,
                                 struct span id, struct store_retry_owed *ret) WB_MUST_CHECK;
/* Answered (or given up). WB_OK when there was none. */
enum wb_err store_retry_owed_done(struct store *s, const struct jid *chat, const struct jid *sender,
                                  struct span id) WB_MUST_CHECK;
/* The server has the request to our phone: ASKED becomes ACKED. WB_OK when there is no such row. */
enum wb_err store_retry_owed_acked(struct store *s, const struct jid *chat,
                                   const struct jid *sender, struct span id) WB_MUST_CHECK;
/* The message that was asked for longest ago, and not after asked_before (unix seconds): among
 * those whose sender got a receipt and may get another one, or among those in this state with our
 * phone. Strangers decide how many rows there are, so each look is one step along an index, and a
 * caller that takes a row changes its asked_at or state, so that the next look finds the next row.
 * NOT_FOUND. */
enum wb_err store_retry_owed_of_sender(struct store *s, int64_t asked_before,
                                       struct store_retry_owed *ret) WB_MUST_CHECK;
enum wb_err store_retry_owed_of_phone(struct store *s, enum store_phone_asked phone,
                                      int64_t asked_before,
                                      struct store_retry_owed *ret) WB_MUST_CHECK;
/* Is anything owed at all? */
enum wb_err store_retry_owed_any(struct store *s, bool *ret_any) WB_MUST_CHECK;
/* The requests that the server has not acked went down with their connection: ASKED becomes
 * NOT_ASKED. */
enum wb_err store_retry_owed_lost(struct store *s) WB_MUST_CHECK;
/* Removes rows of messages from before `before`, STORE_PRUNE_ROWS at most; *ret_more: there may be
 * more. */
enum wb_err store_retry_owed_prune(struct store *s, int64_t before, bool *ret_more) WB_MUST_CHECK;

/* ---- peers that ask us ---- */

/* Counts one more request of this device for this message; *ret_count includes it. */
enum wb_err store_retry_peer_count(struct store *s, const struct jid *device, struct span id,
                                   int64_t now, uint32_t *ret_count) WB_MUST_CHECK;
/* When the session with this device was last set up anew because of a retry (0: never) and the
 * base key that it had (32 bytes; zeros when unknown): a peer that asks again with the same base
 * key has not got the new one. */
enum wb_err store_retry_rebuild_get(struct store *s, const struct jid *device, int64_t *ret_at,
                                    uint8_t ret_base_key[static 32]) WB_MUST_CHECK;
enum wb_err store_retry_rebuild_put(struct store *s, const struct jid *device, int64_t at,
                                    const uint8_t base_key[static 32]) WB_MUST_CHECK;
/* Removes counts and rebuilds from before `before`, STORE_PRUNE_ROWS of each kind at most;
 * *ret_more: there may be more. */
enum wb_err store_retry_peer_prune(struct store *s, int64_t before, bool *ret_more) WB_MUST_CHECK;

/* ---- ciphertexts seen (whatsmeow_event_buffer) ---- */

enum { STORE_EVENT_HASH_BYTES = 32 };
/* The caller computes the hash (P-RC-21). Insert-or-ignore; plaintext may be SPAN_NULL. */
enum wb_err store_event_put(struct store *s, const uint8_t hash[static STORE_EVENT_HASH_BYTES],
                            struct span plaintext, int64_t server_time,
                            int64_t now_ms) WB_MUST_CHECK;
/* NOT_FOUND: never seen. *ret_plaintext is SPAN_NULL when the message was dealt with. */
enum wb_err store_event_get(struct store *s, const uint8_t hash[static STORE_EVENT_HASH_BYTES],
                            struct arena *a, struct span *ret_plaintext) WB_MUST_CHECK;
enum wb_err store_event_clear(struct store *s,
                              const uint8_t hash[static STORE_EVENT_HASH_BYTES]) WB_MUST_CHECK;
/* Looks at the STORE_PRUNE_ROWS oldest rows, and removes those from before before_ms; *ret_more:
 * all of them were. */
enum wb_err store_event_prune(struct store *s, int64_t before_ms, bool *ret_more) WB_MUST_CHECK;

#endif
