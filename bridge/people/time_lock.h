/* time_lock.h - WhatsApp has restricted this account: it may not write to people first, until a
 * time that WhatsApp names (the "reach-out time-lock", P-X2-06). Whoever tries all the same is
 * restricted for longer. We learn it from a notification, from the refusal of a first message
 * (463), which asks for the state, and at each login while it lasts; it is kept over restarts. What
 * waits for its end is not known here: BRIDGE_EV_TIME_LOCK tells of each change. */
#ifndef BRIDGE_PEOPLE_TIME_LOCK_H
#define BRIDGE_PEOPLE_TIME_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct bridge;
struct mex_time_lock;
struct time_lock;

/* online: can WhatsApp be asked now? */
enum wb_err time_lock_new(struct bridge *b, bool (*online)(struct bridge *b),
                          struct time_lock **ret_l) WB_MUST_CHECK;
void time_lock_free(struct time_lock *l); /* NULL-safe; after iq_free() */

/* When it ends (server time, unix seconds); 0: there is none. Where the end is a guess of ours
 * that has come, and WhatsApp has not said yet whether it is over, some time from now. */
int64_t time_lock_until_s(struct time_lock *l);
/* Is that end a guess of ours, and not WhatsApp's word? */
bool time_lock_guessed(struct time_lock *l);
/* How often that has changed since the start; what was in the file is the first change. */
uint64_t time_lock_changes(const struct time_lock *l);

/* WhatsApp tells the state. In the open batch; errors of the store. */
enum wb_err time_lock_told(struct time_lock *l, const struct mex_time_lock *lock) WB_MUST_CHECK;
/* A message was refused with 463: nobody is written to first before WhatsApp has said until when;
 * if it does not say, for TIME_LOCK_GUESS_S, twice as long after each further refusal and whenever
 * it says that it goes on without saying until when, up to TIME_LOCK_GUESS_MAX_S. In the open
 * batch; errors of the store. */
enum wb_err time_lock_refused(struct time_lock *l) WB_MUST_CHECK;
/* We are online again: does it still last? */
void time_lock_online(struct time_lock *l);
/* Another account, or another file: what is known is read anew. */
void time_lock_forget(struct time_lock *l);

#endif
