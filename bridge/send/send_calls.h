/* send_calls.h - sending, as api/ sees it. */
#ifndef BRIDGE_SEND_SEND_CALLS_H
#define BRIDGE_SEND_SEND_CALLS_H

#include "base/span.h"
#include "bridge/core/command.h"

struct bridge;

enum { SEND_KEY_CHARS_MAX = 128, SEND_MENTIONS_MAX = 1024 };

/* A request, everything as the caller wrote it; borrowed until bridge_send() returns. */
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
    bool wait_is_default; /* the caller named no wait_s: without a connection it waits
                           * SEND_OFFLINE_WAIT_S */
    int64_t expires_s;    /* seconds from now; 0: the default of the outbox */
};

/* message_id and text live until the callback returns. */
struct send_result {
    enum cmd_result result;
    struct span message_id; /* OK, ACCEPTED, OUTCOME_UNKNOWN; else SPAN_NULL */
    int64_t timestamp_s;    /* OK: the server's ack */
    uint32_t server_code;   /* REFUSED */
    int64_t restricted_s;   /* RESTRICTED, ACCEPTED: until when the message may not leave (unix); 0:
                             * it may */
    struct span recipient;  /* JID text of the chat; for a phone number, of the number that WhatsApp
                             * names */
    struct span text;       /* one sentence: what is wrong and what to do; ACCEPTED: the state
                             * ("queued", "sealed") */
};
typedef void send_done_fn(void *ctx, const struct send_result *r);

/* Calls done exactly once, perhaps from within bridge_send() (bad requests). The ticket names the
 * wait for bridge_send_abandon(): *ret_ticket is set before done can be called, never 0. */
void bridge_send(struct bridge *b, const struct send_request *r, send_done_fn *done, void *ctx,
                 uint64_t *ret_ticket);
/* The caller is gone: done is not called any more. The message itself follows its own rules (a send
 * without a key that is not sealed yet is cancelled). */
void bridge_send_abandon(struct bridge *b, uint64_t ticket);

#endif
