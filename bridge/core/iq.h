/* iq.h - requests to the server and their answers, matched by id (P-LG-25, P-LG-26). When we ask
 * too much the server demands a pause, which holds for all requests of that kind (iq_pause.h,
 * P-X2-05). */
#ifndef BRIDGE_CORE_IQ_H
#define BRIDGE_CORE_IQ_H

#include "base/rng.h"
#include "bridge/core/iq_pause.h"
#include "bridge/core/limits.h"
#include "bridge/platform/timers.h"
#include "proto/node.h"

struct bridge;
struct iq_pending;

/* How a request ended. OK: node is the whole <iq type=result>. REFUSED: the server said type=error;
 * code and text (either may be missing: 0, empty). RATE_LIMITED: the same, but for now only: a 429,
 * or an error of 500 and above with a `backoff`. The question is still open; iq_pause_left_ms()
 * tells when it may be asked again. TIMEOUT: nothing within the time. NET: the connection went away
 * first. CANCELLED: shutting down. PROTOCOL: an answer that is neither result nor error. node and
 * text live until the callback returns; node is NULL for TIMEOUT, NET and CANCELLED. */
struct iq_reply {
    enum wb_err err;
    uint32_t code;
    struct span text;
    const struct node *node;
    struct arena *arena; /* of the reply's frame; NULL when node is NULL */
    unsigned refusals;   /* refusals of its kind in a row that came before this answer */
};

/* key is the caller's name for its request, never a pointer to memory that may be gone: the
 * callback looks up its own state by it. Called exactly once per successful iq_send(), never from
 * within iq_send(). */
typedef void iq_fn(struct bridge *b, uint64_t key, const struct iq_reply *reply);

/* Where a request leaves: outgoing_send() in the bridge, a fake in tests. */
struct iq_port {
    enum wb_err (*send)(struct bridge *b, const struct node *n);
    struct bridge *b;
};

struct iq_table {
    struct iq_port port;
    struct timers *timers;
    struct timer timer; /* for the earliest deadline */
    struct iq_pending *first;
    size_t n;
    char prefix[16]; /* random per connection */
    uint64_t counter;
    bool closed; /* being freed */
    struct iq_pauses pauses;
    /* A pause has begun or is over; NULL: nobody is told. */
    void (*pauses_changed)(struct bridge *b);
    bool pauses_unwritten; /* changed since the last committed batch that wrote them
                              (iq_pause_keep.h) */
};

/* Kinds of requests (iq_pause.h) that callers ask about. */
#define IQ_KIND_USYNC         "usync get"
#define IQ_KIND_PREKEYS       "encrypt get"
#define IQ_KIND_PREKEY_UPLOAD "encrypt set"
#define IQ_KIND_GROUPS        "w:g2 get"
#define IQ_KIND_MEDIA         "w:m set"

void iq_init(struct iq_table *t, struct iq_port port, struct timers *timers);
/* Ends all requests with CANCELLED. */
void iq_free(struct iq_table *t);
/* A new connection: a fresh random prefix for ids. */
void iq_new_connection(struct iq_table *t, const struct rng *rng);
/* A stanza id that is unique on this connection, NUL-terminated. Also for our own stanzas whose id
 * has no prescribed form. */
void iq_new_id(struct iq_table *t, char out[static IQ_ID_MAX]);

/* <iq to=s.whatsapp.net (or `to`) type=get|set xmlns=...>; the id is added by iq_send(). NULL on
 * no memory (flows through node functions). */
struct node *iq_new(struct arena *a, const char *type, const char *xmlns, const struct jid *to);
/* Gives n an id, sends it and remembers the caller. timeout_ms 0: IQ_TIMEOUT_MS. Errors (nothing
 * was sent, fn is never called): STATE not connected, NOMEM, TOO_LARGE, RATE_LIMITED during a pause
 * that the server has asked for. The arena is the one n was made in. */
enum wb_err iq_send(struct iq_table *t, struct arena *a, struct node *n, int64_t timeout_ms,
                    iq_fn *fn, uint64_t key) WB_MUST_CHECK;

/* How long no request of a kind may leave, in milliseconds; 0: one may now. */
int64_t iq_pause_left_ms(const struct iq_table *t, const char *kind);
/* For an <iq type=result> that holds an error which passes: a pause begins all the same (backoff_s
 * 0: the server names no time). The pause is longer than the one before, if nothing but the reply r
 * had ended that pause. */
void iq_refused_within(struct iq_table *t, const char *kind, const struct iq_reply *r,
                       uint64_t backoff_s);
/* For another account: the pauses of the one before do not concern it. */
void iq_forget_pauses(struct iq_table *t);

/* An incoming <iq type=result|error>: true when it answered one of ours. */
bool iq_handle(struct iq_table *t, const struct node *n, struct arena *a);
/* The connection went away: ends all requests with `why` (NET, CANCELLED). */
void iq_fail_all(struct iq_table *t, enum wb_err why);

/* Reads <error code= text= backoff=/> of a refused iq; *ret_backoff_s is 0 when the server names
 * none. */
void iq_error_of(const struct node *iq, struct arena *a, uint32_t *ret_code, struct span *ret_text,
                 uint64_t *ret_backoff_s);

#endif
