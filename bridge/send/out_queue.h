/* out_queue.h - sends that are not over: one lane per chat keeps their order, so that no
 * chat waits for another; what is sealed waits for its ack in one list. Private to send/.
 *
 *     QUEUED -> ASKING -> (sealed and committed) -> SEALED -> ON_WIRE -> SETTLED -> gone
 *        ^---------'  trouble that may pass            ^---------'  the connection went away
 *        ^-- REOPENED <- REOPENING <- ON_WIRE, once: the server refused the form of the message
 *
 * SEALED waits for the connection and for room in its socket; its bytes are in the outbox only. */
#ifndef BRIDGE_SEND_OUT_QUEUE_H
#define BRIDGE_SEND_OUT_QUEUE_H

#include "bridge/core/message_log.h"
#include "bridge/people/limits.h"
#include "bridge/people/person_limits.h"
#include "bridge/people/phash.h"
#include "bridge/platform/timers.h"
#include "bridge/send/first_contact.h"
#include "bridge/send/limits.h"
#include "bridge/send/out_message.h"
#include "bridge/send/out_missed.h"
#include "bridge/send/out_outcome.h"
#include "bridge/send/out_retry_devices.h"
#include "bridge/send/send_calls.h"

struct out_item;
struct out_work;   /* out_work.h */
struct out_caller; /* out_caller.h */
struct out_retry_pending;
struct out_missing;

enum out_step {
    OUT_QUEUED,    /* waits for its turn, the connection, or the end of a pause */
    OUT_ASKING,    /* waits for answers: LIDs, members, devices, prekeys */
    OUT_SEALED,    /* its bytes are fixed and committed; to be sent when connected */
    OUT_ON_WIRE,   /* waits for the ack */
    OUT_SETTLED,   /* acked or refused; waits for the commit of that */
    OUT_REOPENING, /* refused for its form; waits for the commit of that */
    OUT_REOPENED,  /* waits for its place in its lane, where it is made anew */
};

struct out_lane {
    struct out_lane *next;
    struct jid chat; /* canonical: both forms of a person are one chat */
    struct out_item *first, *last;
};

struct out_item {
    struct out_item *next; /* in its lane, or among the sealed */
    struct bridge *b;
    struct out_lane *lane; /* NULL when sealed */
    char id[STORE_MESSAGE_ID_MAX + 1];
    int64_t seq;         /* of its outbox row: the order of acceptance */
    struct jid chat;     /* as the caller named it, bare */
    bool admitted;       /* first_contact.c does not hold it back, or no longer */
    enum out_held held;  /* why it waited when its turn came */
    bool locked;         /* held because the account is restricted, or may be */
    unsigned lock_round; /* the last round of first_contact_look() in which it was looked at */
    bool durable;        /* goes out without a caller, too (a key, or wait_s 0) */
    bool orphan;         /* its caller waited without a key, and the process has ended since */
    int64_t deadline_ms; /* monotonic; until when it must be sealed (out_expiry.c) */
    bool over;           /* its time is over; not to be sent */
    bool unproven;       /* the deadline is the latest possible one; no clock has confirmed it
                          * yet */
    int64_t created_at, expires_at; /* as in the row */
    int64_t sealed_at;              /* server time */
    enum out_step step;
    bool fresh;          /* SEALED: sealed by this run, and never sent yet */
    bool slow;           /* ON_WIRE: it had not left when the ack was due */
    bool carries;        /* sealed: gives (or may give) our sender key to devices of the group */
    bool late;           /* its ack was due and did not come */
    int64_t wired_ms;    /* ON_WIRE: since when, monotonic */
    uint64_t mark;       /* ON_WIRE: its end among all that was sent (conn_sent_mark()) */
    uint64_t asked;      /* names the question that it waits for */
    unsigned tries;      /* tries to seal it; when sealed: sends on this connection */
    unsigned old_copies; /* REOPENED: copies of its refused form on this connection, not answered
                          * yet */
    uint32_t old_code;   /* the server's code that refused that form */
    enum wb_err trouble; /* why the last try failed */
    struct timer timer;  /* the pause or the turn (QUEUED), the ack (ON_WIRE) */
    struct out_work *work;
    char phash[PHASH_TEXT_BYTES]; /* of the devices it was sealed for; "": not known any more */
    char phash_others[PHASH_TEXT_BYTES]; /* the same without ours (1:1) */
    struct out_outcome outcome;          /* SETTLED */
    struct message_said said;            /* SETTLED: its line for the log, once that is committed */
    struct out_caller *callers;          /* those that wait for its end */
};

struct out_message_state {
    const struct out_ports *ports;
    struct out_lane *lanes;
    struct out_item *sealed, *last_sealed;
    struct out_item *unsent; /* first of the sealed that is not on this wire; those before it need
                              * not be sent now */
    bool wants_room;         /* preparing stopped for want of room in the socket */
    size_t nopen, npreparing;
    size_t ncarriers; /* sealed items with .carries */
    bool loaded;      /* what the outbox held is here */
    uint64_t last_asked;
    struct timer kick, expiry, prune, keys;
    timer_fn *pump;  /* what the kick runs (out_pump.c); its argument is the bridge */
    size_t ncallers; /* callers that wait */
    struct {         /* out_wait_finish() */
        void (*done)(struct bridge *b);
        timer_fn *over; /* what the timer runs, at the latest when no caller waits any more */
        struct timer timer;
    } finish;
    struct first_contact first_contact;
    struct out_retry_pending *retries; /* out_retry.c */
    struct timer retry_pause;          /* runs for the retries that wait for the server's pause */
    size_t nretries;
    struct out_missing *missing; /* out_missing.c */
    size_t nmissing;
    struct out_retry_asked retry_asked[RETRY_ASKED_SLOTS];
    struct out_missed missed[OUT_MISSED_SLOTS];
};

/* Loads the open sends of earlier runs from the outbox; also once more after a logout. */
enum wb_err out_queue_load(struct bridge *b) WB_MUST_CHECK;
/* Puts a new QUEUED item at the end of its chat's lane. NOMEM. */
enum wb_err out_queue_add(struct bridge *b, const struct store_outbox_row *row, bool durable,
                          struct out_item **ret_item) WB_MUST_CHECK;
struct out_item *out_queue_find(struct bridge *b, struct span id);
/* The item that asked the question `key`; NULL when the item is gone or has asked anew. */
struct out_item *out_queue_asked(struct bridge *b, uint64_t key);
/* Has the pump look over all lanes soon. */
void out_queue_kick(struct bridge *b);

/* Ends of the preparation. later: trouble that may pass. fail: nothing was sent and nothing will
 * be. sealed: it is committed; the caller sends it (out_wire_sealed()). */
void out_queue_later(struct out_item *it, enum wb_err trouble);
/* The server wants a pause, ms of which are left: items that wait for it come back one by one. */
void out_queue_after_pause(struct out_item *it, int64_t ms);
void out_queue_fail(struct out_item *it, enum cmd_result result, uint32_t server_code,
                    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void out_queue_sealed(struct out_item *it);
/* Puts the item back to where it was before its preparation. */
void out_queue_again(struct out_item *it);
/* Puts REOPENED items back into their lanes. Not to be called from within a seal, which may have
 * committed the refusal and still holds the first item of the lane. */
void out_queue_take_reopened(struct bridge *b);

/* The batch that settled some items was committed, or has failed. */
void out_queue_committed(struct bridge *b);
void out_queue_uncommitted(struct bridge *b);
/* What becomes of a send that is not over when the number is not linked any more. */
void out_queue_never(const struct out_item *it, struct out_outcome *ret);
/* The account is gone, or its file: callers are told if `tell`; the rows stay in their file. */
void out_queue_clear(struct bridge *b, bool tell);

#endif
