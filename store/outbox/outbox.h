/* outbox.h - every send of ours, from the request to the receipts. The row is in whatsapp.db, so
 * that the sealed stanza commits with the ratchet that sealed it (rule 2: no message key makes two
 * ciphertexts). outbox/ knows nothing of backups and of how a store is opened. */
#ifndef STORE_OUTBOX_OUTBOX_H
#define STORE_OUTBOX_OUTBOX_H

#include "base/arena.h"
#include "proto/jid.h"
#include "store/core/store.h"
#include "store/outbox/limits.h"

/* Rising; a row never goes back, but for store_outbox_reopen(). FAILED is final; SEALED rows fail
 * only when refused or given up. */
enum store_outbox_state {
    OUTBOX_QUEUED,    /* accepted, not yet encrypted */
    OUTBOX_SEALED,    /* its bytes are fixed; it may be on the wire */
    OUTBOX_SENT,      /* the server's ack */
    OUTBOX_DELIVERED, /* receipts of everybody it was sealed for (one device each is enough) */
    OUTBOX_READ,      /* everybody has read it */
    OUTBOX_FAILED,
};

enum { OUTBOX_BODY_HASH_BYTES = 32 };

/* What store_outbox_restored() puts as the reason. */
#define OUTBOX_RESTORED_UNKNOWN "restored_unknown"

struct store_outbox_row {
    int64_t seq; /* order of acceptance */
    char message_id[STORE_MESSAGE_ID_MAX + 1];
    char key[STORE_KEY_MAX + 1]; /* the caller's idempotency key, "" when none */
    uint8_t body_hash[OUTBOX_BODY_HASH_BYTES];
    struct jid chat;
    enum store_outbox_state state;
    char reason[STORE_REASON_MAX + 1]; /* FAILED: why, a word of the API's error codes */
    struct span request; /* what is to be sent, in the caller's own form; kept until it is final */
    struct span sealed;  /* the encoded stanza, before Noise */
    struct span content; /* what the messages.db row needs at the ack, in the caller's own form */
    struct span answer;  /* JSON answer given to the HTTP caller; SPAN_NULL until known */
    int64_t created_at, sealed_at, acked_at; /* unix seconds, 0: not yet */
    int64_t expires_at;  /* unix seconds; not later than created_at: the send lives only as long as
                            its caller waits */
    int64_t server_time; /* the ack's t */
    uint32_t recipients; /* people it was sealed for, without ourselves; 0 before that */
    uint32_t delivered, read; /* of these, who has it (those who have read it included) */
};

enum { OUTBOX_ANY_STATE = -1, OUTBOX_LIST_MAX = 500 };

struct store_outbox_filter {
    int state;              /* enum store_outbox_state or OUTBOX_ANY_STATE */
    const struct jid *chat; /* both forms of a person are meant; NULL: all chats */
    bool oldest_first;
    int64_t beyond; /* seq: only rows behind it in that order; 0: from the start */
    size_t limit;   /* 1..OUTBOX_LIST_MAX */
};

/* A new QUEUED row of message_id, key, body_hash, chat, request, content, created_at, expires_at.
 * EXISTS: the message id or the key is there. *ret_seq may be NULL. */
enum wb_err store_outbox_add(struct store *s, const struct store_outbox_row *row,
                             int64_t *ret_seq) WB_MUST_CHECK;
/* Spans of ret live in the arena. NOT_FOUND. */
enum wb_err store_outbox_by_id(struct store *s, const char *message_id, struct arena *a,
                               struct store_outbox_row *ret) WB_MUST_CHECK;
enum wb_err store_outbox_by_key(struct store *s, const char *key, struct arena *a,
                                struct store_outbox_row *ret) WB_MUST_CHECK;
/* The chat alone, as the caller named it. NOT_FOUND. */
enum wb_err store_outbox_chat(struct store *s, const char *message_id,
                              struct jid *ret_chat) WB_MUST_CHECK;
/* The first row of a state behind seq `after` (0: from the start). NOT_FOUND: no more. */
enum wb_err store_outbox_next(struct store *s, enum store_outbox_state state, int64_t after,
                              struct arena *a, struct store_outbox_row *ret) WB_MUST_CHECK;

/* Rows in order of seq, without request, sealed and content; in the arena. */
enum wb_err store_outbox_list(struct store *s, const struct store_outbox_filter *f, struct arena *a,
                              struct store_outbox_row **ret_rows, size_t *ret_n) WB_MUST_CHECK;

/* Other instants for a QUEUED row, when the clock that they were read from was wrong. A row that
 * is not QUEUED (any more) stays as it is. */
enum wb_err store_outbox_shift(struct store *s, const char *message_id, int64_t created_at,
                               int64_t expires_at) WB_MUST_CHECK;
/* Another chat for a QUEUED row: the server knows this person by another number than the caller. A
 * row that is not QUEUED (any more) stays as it is. */
enum wb_err store_outbox_rename(struct store *s, const char *message_id,
                                const struct jid *chat) WB_MUST_CHECK;
/* QUEUED -> SEALED with its bytes, in the batch of the ratchets (rule 2: ratchet, then wire). STATE
 * when the row is not QUEUED: sealing twice would use two keys for one message. */
enum wb_err store_outbox_seal(struct store *s, const char *message_id, struct span sealed,
                              uint32_t recipients, int64_t now) WB_MUST_CHECK;
enum { OUTBOX_REOPENED = 1 };
/* SEALED -> QUEUED: the server has refused the bytes for their form, so nobody has them, and the
 * same message may be sealed once more under its id, with other keys. how: OUTBOX_REOPENED, or
 * something larger that the caller wants to know at the next refusal. Once in the life of a row:
 * STATE the second time, when the row is not SEALED, or when an older bridge has not kept its
 * request. */
enum wb_err store_outbox_reopen(struct store *s, const char *message_id, int64_t how) WB_MUST_CHECK;
/* *ret_how: as reopened; 0: it was not, or there is no such row. */
enum wb_err store_outbox_reopened(struct store *s, const char *message_id,
                                  int64_t *ret_how) WB_MUST_CHECK;
/* The ack: SEALED -> SENT; the sealed bytes are dropped. Again: WB_OK, nothing changes. */
enum wb_err store_outbox_acked(struct store *s, const char *message_id, int64_t server_time,
                               int64_t now) WB_MUST_CHECK;
/* A receipt of a person for what was sealed: DELIVERED or READ. The caller has looked whether it
 * was sealed for them, and names them always in the same form (store_sealed_find() says how the
 * list calls them): each person counts once. The row moves when the last of them has confirmed, and
 * never back. What is not sealed, or failed: WB_OK, nothing changes. NOT_FOUND: no such row. */
enum wb_err store_outbox_receipt(struct store *s, const char *message_id, const struct jid *person,
                                 enum store_outbox_state state) WB_MUST_CHECK;
/* QUEUED or SEALED -> FAILED. STATE when it was sent already. Its key is kept from now on, or from
 * its creation or sealing when that is later: `now` may come from a clock that is behind. */
enum wb_err store_outbox_fail(struct store *s, const char *message_id, const char *reason,
                              int64_t now) WB_MUST_CHECK;
enum wb_err store_outbox_answer(struct store *s, const char *message_id,
                                struct span answer) WB_MUST_CHECK;
enum wb_err store_outbox_count(struct store *s, enum store_outbox_state state,
                               size_t *ret_n) WB_MUST_CHECK;
/* For a file that was restored, before anything else uses it (rule 9: restored state is old): every
 * QUEUED or SEALED row, of every account in it, is FAILED with OUTBOX_RESTORED_UNKNOWN from now on:
 * it may have been sent after the copy was made. Within the caller's transaction; *ret_n (may be
 * NULL): how many. A file without our tables: none. */
struct db;
enum wb_err store_outbox_restored(struct db *whatsapp, int64_t now, size_t *ret_n) WB_MUST_CHECK;
/* Removes rows that became final (SENT and later, FAILED) more than keep_s ago, with their
 * receipts: the oldest, STORE_PRUNE_ROWS at most; *ret_more: there may be more. A row that became
 * final in the future was noted by a wrong clock, and counts from now. */
enum wb_err store_outbox_prune(struct store *s, int64_t now, int64_t keep_s,
                               bool *ret_more) WB_MUST_CHECK;

#endif
