/* commands.h - the port that api/ (and the tools behind it) works through. Everything is called on
 * the loop's thread; what takes time answers by callback. */
#ifndef BRIDGE_CALLS_COMMANDS_H
#define BRIDGE_CALLS_COMMANDS_H

#include "base/arena.h"
#include "proto/jid.h"

struct bridge;

/* Outcome of a command. X(name, code in the JSON, HTTP status); ACCEPTED is 'queued'. */
#define CMD_RESULT_LIST(X)                                                                         \
    X(OK, "", 200)                                                                                 \
    X(ACCEPTED, "", 202)                                                                           \
    X(BAD_REQUEST, "bad_request", 400)                                                             \
    X(BAD_RECIPIENT, "bad_recipient", 400)                                                         \
    X(UNAUTHORIZED, "unauthorized", 401)                                                           \
    X(FORBIDDEN_ORIGIN, "forbidden_origin", 403)                                                   \
    X(NOT_FOUND, "not_found", 404)                                                                 \
    X(NOT_ON_WHATSAPP, "not_on_whatsapp", 404)                                                     \
    X(METHOD_NOT_ALLOWED, "method_not_allowed", 405)                                               \
    X(KEY_REUSED, "key_reused", 409)                                                               \
    X(CONFLICT, "conflict", 409)                                                                   \
    X(NOT_QUEUED, "not_queued", 409)                                                               \
    X(CANCELLED, "cancelled", 409)                                                                 \
    X(RESTRICTED, "restricted", 409)                                                               \
    X(TOO_LARGE, "too_large", 413)                                                                 \
    X(UNSUPPORTED_MEDIA, "unsupported_media_type", 415)                                            \
    X(ABSENT_MENTION, "absent_mention", 422)                                                       \
    X(IS_COMMUNITY, "is_community", 422)                                                           \
    X(BAD_PASSKEY, "bad_passkey", 422)                                                             \
    X(WRONG_CODE, "wrong_code", 422)                                                               \
    X(NOT_YET, "not_yet", 422)                                                                     \
    X(RATE_LIMITED, "rate_limited", 429)                                                           \
    X(INTERNAL, "internal", 500)                                                                   \
    X(REFUSED, "refused", 502)                                                                     \
    X(STORE_ERROR, "store_error", 503)                                                             \
    X(NOT_CONNECTED, "not_connected", 503)                                                         \
    X(NOT_SENT, "not_sent", 503)                                                                   \
    X(EXPIRED, "expired", 503)                                                                     \
    X(OUTCOME_UNKNOWN, "outcome_unknown", 504)

enum cmd_result {
#define X(name, code, status) CMD_##name,
    CMD_RESULT_LIST(X)
#undef X
        CMD_RESULT_COUNT
};
const char *cmd_result_code(enum cmd_result r);
int cmd_result_http_status(enum cmd_result r);

/* ---- sending -------------------------------------------------------------------------------- */

enum { SEND_KEY_CHARS_MAX = 128, SEND_MENTIONS_MAX = 1024 };

/* Everything as the caller wrote it; borrowed until bridge_send() returns. */
struct send_request {
    struct span recipient;       /* phone number or JID of a person or group */
    struct span message;         /* UTF-8 text */
    struct span media_path;      /* SPAN_NULL: none */
    const struct span *mentions; /* phone number, phone JID or LID each; "all" sets mention_all */
    size_t nmentions;
    bool mention_all;
    bool allow_absent_mentions;
    struct span reply_to; /* id of a stored message of that chat; SPAN_NULL: none */
    struct span key;      /* `id` / Idempotency-Key; SPAN_NULL: none */
    int64_t wait_s;       /* how long the caller waits; 0: not at all */
    bool wait_is_default; /* it did not say so itself: without a connection it waits
                           * SEND_OFFLINE_WAIT_S */
    int64_t expires_s;    /* seconds from now; 0: the default of the outbox */
};

/* message_id and text live until the callback returns. */
struct send_result {
    enum cmd_result result;
    struct span message_id; /* OK, ACCEPTED, OUTCOME_UNKNOWN; else SPAN_NULL */
    int64_t timestamp_s;    /* OK: the server's ack */
    uint32_t server_code;   /* REFUSED */
    int64_t restricted_s;  /* RESTRICTED, ACCEPTED: until when it may not leave (unix); 0: it may */
    struct span recipient; /* JID text of the chat; of a number the one that WhatsApp names */
    struct span text;      /* one sentence: what is wrong and what to do; ACCEPTED: the state */
};
typedef void send_done_fn(void *ctx, const struct send_result *r);

/* Exactly one call of done, perhaps from within bridge_send() (bad requests). The ticket names the
 * wait: *ret_ticket is set before done can be called, never 0. */
void bridge_send(struct bridge *b, const struct send_request *r, send_done_fn *done, void *ctx,
                 uint64_t *ret_ticket);
/* The caller is gone: done is not called any more. The message itself follows its own rules (a send
 * without a key that is not sealed yet is cancelled). */
void bridge_send_abandon(struct bridge *b, uint64_t ticket);

/* ---- groups --------------------------------------------------------------------------------- */

struct group_summary {
    struct jid jid;
    const char *kind;        /* "group", "community" (nobody can write to it) or "announcement" */
    struct jid community;    /* that it is linked to; JID_NONE: none */
    struct jid announcement; /* of a community: the group to write to; JID_NONE: not known */
    struct span name;        /* in the caller's arena */
    size_t members;
    bool lid_addressing, announce_only, we_are_admin, monitored;
};
/* What is known now (filled at login), in arena. NOMEM. */
enum wb_err bridge_groups(struct bridge *b, struct arena *a, struct group_summary **ret_groups,
                          size_t *ret_n) WB_MUST_CHECK;

/* Implementations by the parts that own them (out_message.c, group_info.c), registered once when
 * the bridge is put together. */
struct command_ops {
    void (*send)(struct bridge *b, const struct send_request *r, send_done_fn *done, void *ctx,
                 uint64_t ticket);
    void (*send_abandon)(struct bridge *b, uint64_t ticket);
    enum wb_err (*groups)(struct bridge *b, struct arena *a, struct group_summary **ret_groups,
                          size_t *ret_n);
};

/* ---- pairing and connection -------------------------------------------------------------------
 */

struct qr_current {
    const char *code; /* the text in the QR; lives until the next BRIDGE_EV_QR */
    int64_t expires_in_s;
};
/* False when none is shown; bridge_no_qr_reason() then says why in one sentence. */
bool bridge_qr(struct bridge *b, struct qr_current *ret_qr);
const char *bridge_no_qr_reason(struct bridge *b);
/* The same of a code to type, for when bridge_pair_code() is false. */
const char *bridge_no_code_reason(struct bridge *b);

/* "XXXX-XXXX", NUL-terminated; false when there is none. */
bool bridge_pair_code(struct bridge *b, char out[static 10]);
int64_t bridge_pair_code_expires_in_s(const struct bridge *b); /* of that one */
/* Asks for a new code for `phone` (SPAN_NULL: the configured number). text: why not. */
typedef void pair_code_fn(void *ctx, enum cmd_result r, const char *code, const char *text);
void bridge_pair_code_request(struct bridge *b, struct span phone, pair_code_fn *done, void *ctx);

typedef void command_done_fn(void *ctx, enum cmd_result r, const char *text);
/* Try again now (after replaced, a ban, an outage). */
void bridge_reconnect(struct bridge *b, command_done_fn *done, void *ctx);
/* Show a QR again after a logout. CONFLICT when paired. */
void bridge_pair(struct bridge *b, command_done_fn *done, void *ctx);
/* Unlinks this device (P-PR-28); the account is set aside, never deleted. */
void bridge_unlink(struct bridge *b, command_done_fn *done, void *ctx);

#endif
