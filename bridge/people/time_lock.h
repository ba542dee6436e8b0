/* time_lock.h - WhatsApp has restricted this account: it may not write to people first, until a
 * time that WhatsApp names (the "reach-out time-lock", P-X2-06). An account that tries all the same
 * is restricted for longer. We learn it from a notification, from the refusal of a first message
 * (463), which asks for the state, and at each login while it lasts; the lock is kept over
 * restarts. This file does not know what waits for the end of the lock: BRIDGE_EV_TIME_LOCK tells
 * of each change. */
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

/* When the lock ends (server time, unix seconds); 0: there is none. When our guessed end has come
 * and WhatsApp has not answered yet, a time shortly from now. */
int64_t time_lock_until_s(struct time_lock *l);
/* Is that end a guess of ours, and not WhatsApp's word? */
bool time_lock_guessed(struct time_lock *l);
/* How often the end has changed since the start; reading it from the file is the first change. */
uint64_t time_lock_changes(const struct time_lock *l);

/* WhatsApp tells the state. In the open batch; errors of the store. */
enum wb_err time_lock_told(struct time_lock *l, const struct mex_time_lock *lock) WB_MUST_CHECK;
/* A message was refused with 463: WhatsApp is asked for the end, and no first message leaves before
 * it. If WhatsApp names no end, it is guessed: TIME_LOCK_GUESS_S, doubled up to
 * TIME_LOCK_GUESS_MAX_S after each further refusal or answer without an end. In the open batch;
 * errors of the store. */
enum wb_err time_lock_refused(struct time_lock *l) WB_MUST_CHECK;
/* We are online again: asks WhatsApp whether the lock still lasts. */
void time_lock_online(struct time_lock *l);
/* Another account or file is in use: the lock is read from the file again. */
void time_lock_forget(struct time_lock *l);

#endif
