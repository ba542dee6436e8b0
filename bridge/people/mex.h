/* mex.h - what WhatsApp's GraphQL ("mex") says of our account. Its JSON comes in stanzas:
 * <notification type=mex><update op_name=…>, and the <result> of an iq of xmlns w:mex. */
#ifndef BRIDGE_PEOPLE_MEX_H
#define BRIDGE_PEOPLE_MEX_H

#include "base/err.h"
#include "base/span.h"

/* The JSON names of the account's time-lock, in notifications and answers (P-X2-06; whatsmeow's,
 * Baileys' and whatsapp-rust's sources agree), and the number of the stored query that asks for
 * it. */
#define MEX_LOCK_NOTIFIED "xwa2_notify_account_reachout_timelock"
#define MEX_LOCK_ASKED    "xwa2_fetch_account_reachout_timelock"
#define MEX_LOCK_QUERY    "23983697327930364"

/* The reach-out time-lock: may the account write to people first? */
struct mex_time_lock {
    bool active;
    int64_t ends_s; /* unix seconds; 0: not named, or not readable */
};

/* json: the whole text, at most MEX_JSON_MAX bytes (else TOO_LARGE); name: MEX_LOCK_NOTIFIED or
 * MEX_LOCK_ASKED. NOT_FOUND: the JSON has nothing of that name. REFUSED: it reports errors.
 * MALFORMED: no valid JSON, or of another structure. */
enum wb_err mex_time_lock_parse(struct span json, const char *name,
                                struct mex_time_lock *ret_lock) WB_MUST_CHECK;

#endif
