/* mex.h - what WhatsApp's GraphQL ("mex") says of our account. Its JSON comes in stanzas:
 * <notification type=mex><update op_name=…>, and the <result> of an iq of xmlns w:mex. */
#ifndef BRIDGE_PEOPLE_MEX_H
#define BRIDGE_PEOPLE_MEX_H

#include "base/err.h"
#include "base/span.h"

/* Under which name the state of the account comes (P-X2-06; whatsmeow's, Baileys' and
 * whatsapp-rust's sources agree), and the number of the stored query that asks for it. */
#define MEX_LOCK_NOTIFIED "xwa2_notify_account_reachout_timelock"
#define MEX_LOCK_ASKED    "xwa2_fetch_account_reachout_timelock"
#define MEX_LOCK_QUERY    "23983697327930364"

/* The reach-out time-lock: may the account write to people first? */
struct mex_time_lock {
    bool active;
    int64_t ends_s; /* unix seconds; 0: not said, or not in a way that is understood */
};

/* json: the whole text, at most MEX_JSON_MAX bytes (else TOO_LARGE); name: one of those above.
 * NOT_FOUND: it says nothing of that. REFUSED: it reports errors. MALFORMED: not JSON as it should
 * be. */
enum wb_err mex_time_lock_parse(struct span json, const char *name,
                                struct mex_time_lock *ret_lock) WB_MUST_CHECK;

#endif
