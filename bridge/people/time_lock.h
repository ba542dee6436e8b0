/* time_lock.h - WhatsApp has restricted this account: it may not write to people first, until a
 * time that WhatsApp names (the "reach-out time-lock", P-X2-06). Whoever tries all the same is
 * restricted for longer. We learn it from a notification, from the refusal of a first message
 * (463), which asks for the state, and at each login while it lasts; it is kept over restarts. What
 * waits for its end, first_contact.c says. Inside of out_message*.c, but for the notification. */
#ifndef BRIDGE_PEOPLE_TIME_LOCK_H
#define BRIDGE_PEOPLE_TIME_LOCK_H

#include "base/err.h"
#include "bridge/platform/timers.h"

struct bridge;
struct mex_time_lock;

/* Part of out_message_state; zero-initialised. */
struct time_lock {
    bool loaded;        /* until_s is what the file says */
    bool named;         /* until_s is WhatsApp's word, not our guess */
    bool news;          /* it changed: what is queued is to be looked at (first_contact_look()) */
    int64_t until_s;    /* server time, unix seconds; 0: none */
    int64_t guessed_ms; /* monotonic, of the last end that we guessed, as nobody has named it */
    unsigned guesses;   /* of those, in a row */
    uint64_t asked;     /* the question that is under way; 0: none */
    enum time_lock_why {
        TIME_LOCK_LASTS,   /* does it still last? */
        TIME_LOCK_REFUSAL, /* a message was refused */
    } why;                 /* it was asked */
    uint64_t last_key;
    struct timer end;
};

/* When it ends (server time, unix seconds); 0: there is none. Where the end is a guess of ours
 * that has come, and WhatsApp has not said yet whether it is over, some time from now. */
int64_t time_lock_until_s(struct bridge *b);
/* Is that end a guess of ours, and not WhatsApp's word? */
bool time_lock_guessed(struct bridge *b);

/* WhatsApp tells the state. In the open batch; errors of the store. */
enum wb_err time_lock_told(struct bridge *b, const struct mex_time_lock *lock) WB_MUST_CHECK;
/* A message was refused with 463: nobody is written to first before WhatsApp has said until when;
 * if it does not say, for TIME_LOCK_GUESS_S, twice as long after each further refusal and whenever
 * it says that it goes on without saying until when, up to TIME_LOCK_GUESS_MAX_S. In the open
 * batch; errors of the store. */
enum wb_err time_lock_refused(struct bridge *b) WB_MUST_CHECK;
/* We are online again: does it still last? */
void time_lock_online(struct bridge *b);
/* Another account, or another file: what is known is read anew. */
void time_lock_forget(struct bridge *b);

#endif
