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
    OUT_QUEUED,    /* for its turn, the connection, or the end of a pause */
    OUT_ASKING,    /* for LIDs, members, devices, prekeys */
    OUT_SEALED,    /* bytes are fixed and committed; to be sent when connected */
    OUT_ON_WIRE,   /* for the ack */
    OUT_SETTLED,   /* acked or refused; for the commit of that */
    OUT_REOPENING, /* refused for its form; for the commit of that */
    OUT_REOPENED,  /* for its place in its lane, where it is made anew */
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
    int64_t seq;         /* of its row: the order of acceptance */
    struct jid chat;     /* as the caller named it, bare */
    bool admitted;       /* not, or no longer, held back by first_contact.c */
    enum out_held held;  /* when its turn came */
    bool locked;         /* held because the account is restricted, or may be */
    unsigned lock_round; /* the last round of first_contact_look() in which it was looked at */
    bool durable;        /* goes out without a caller, too (a key, or wait_s 0) */
    bool orphan;         /* its caller waited without a key, and the process has ended since */
    int64_t deadline_ms; /* monotonic, of the unsealed (out_expiry.c) */
    bool over;           /* its time is; not to be sent */
    bool unproven;       /* the deadline is the latest that can be; not judged by any clock yet */
    int64_t created_at, expires_at; /* as in the row */
    int64_t sealed_at;              /* server time */
    enum out_step step;
    bool fresh;          /* SEALED: by this run, and never sent yet */
    bool slow;           /* ON_WIRE: it had not left when the ack was due */
    bool carries;        /* sealed: gives our sender key to devices of the group (or may do so) */
    bool late;           /* its ack was due and did not come */
    int64_t wired_ms;    /* ON_WIRE: since when, monotonic */
    uint64_t mark;       /* ON_WIRE: its end among all that was sent (conn_sent_mark()) */
    uint64_t asked;      /* names the question that it waits for */
    unsigned tries;      /* to seal it; when sealed: on this connection's wire */
    unsigned old_copies; /* of a form that was refused: on this connection's wire, unanswered */
    uint32_t old_code;   /* with which that form was refused */
    enum wb_err trouble; /* why the last try failed */
    struct timer timer;  /* the pause or the turn (QUEUED), the ack (ON_WIRE) */
    struct out_work *work;
    char phash[PHASH_TEXT_BYTES]; /* of the devices it was sealed for; "": not known any more */
    char phash_others[PHASH_TEXT_BYTES]; /* the same without ours (1:1) */
    struct out_outcome outcome;          /* SETTLED */
    struct message_said said;            /* SETTLED: logged when that is committed */
    struct out_caller *callers;          /* that wait for its end */
};

struct out_message_state {
    const struct out_ports *ports;
    struct out_lane *lanes;
    struct out_item *sealed, *last_sealed;
    struct out_item *unsent; /* of the sealed: those before it need not be sent now */
    bool wants_room;         /* preparing stopped for want of room in the socket */
    size_t nopen, npreparing;
    size_t ncarriers; /* of the sealed: those that carry keys */
    bool loaded;      /* what the outbox held is here */
    uint64_t last_asked;
    struct timer kick, expiry, prune, keys;
    timer_fn *pump;  /* what the kick runs (out_pump.c); its argument is the bridge */
    size_t ncallers; /* that wait */
    struct {         /* out_wait_finish() */
        void (*done)(struct bridge *b);
        timer_fn *over; /* what the timer runs, at the latest when no caller waits any more */
        struct timer timer;
    } finish;
    struct first_contact first_contact;
    struct out_retry_pending *retries; /* out_retry.c */
    struct timer retry_pause;          /* those among them that wait for the server's pause */
    size_t nretries;
    struct out_missing *missing; /* out_missing.c */
    size_t nmissing;
    struct out_retry_asked retry_asked[RETRY_ASKED_SLOTS];
    struct out_missed missed[OUT_MISSED_SLOTS];
};

/* What the outbox has from before; again after a logout. */
enum wb_err out_queue_load(struct bridge *b) WB_MUST_CHECK;
/* A fresh QUEUED item at the end of its chat. NOMEM. */
enum wb_err out_queue_add(struct bridge *b, const struct store_outbox_row *row, bool durable,
                          struct out_item **ret_item) WB_MUST_CHECK;
struct out_item *out_queue_find(struct bridge *b, struct span id);
/* The item that asked this, NULL when it is gone or has asked anew. */
struct out_item *out_queue_asked(struct bridge *b, uint64_t key);
/* All lanes are looked after soon: the pump of the state runs. */
void out_queue_kick(struct bridge *b);

/* Ends of the preparation. later: trouble that may pass. fail: nothing was sent and nothing will
 * be. sealed: committed; the caller sends it (out_wire_sealed()). */
void out_queue_later(struct out_item *it, enum wb_err trouble);
/* The server wants a pause, ms of which are left: those that wait for it come back one by one. */
void out_queue_after_pause(struct out_item *it, int64_t ms);
void out_queue_fail(struct out_item *it, enum cmd_result result, uint32_t server_code,
                    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void out_queue_sealed(struct out_item *it);
/* Back to where it was before it was prepared. */
void out_queue_again(struct out_item *it);
/* Those that are REOPENED go back to their lanes. Not from within a seal, which may have committed
 * the refusal and still has the lane's first. */
void out_queue_take_reopened(struct bridge *b);

/* The batch that settled some was committed, or has failed. */
void out_queue_committed(struct bridge *b);
void out_queue_uncommitted(struct bridge *b);
/* What becomes of a send that is not over when the number is not linked any more. */
void out_queue_never(const struct out_item *it, struct out_outcome *ret);
/* The account is gone, or its file: callers are told, rows stay with their file. */
void out_queue_clear(struct bridge *b, bool tell);

#endif
