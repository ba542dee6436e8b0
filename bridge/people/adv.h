/* adv.h - does an account vouch for its devices? Each linked device has a statement that the
 * account's key (the phone's identity key) has signed, and each account has a signed list of the
 * statements that still hold (P-RC-14, P-US-07, P-PR-10, P-PR-11). Pure: bytes in, a verdict out.
 */
#ifndef BRIDGE_PEOPLE_ADV_H
#define BRIDGE_PEOPLE_ADV_H

#include "crypto/prim_x25519.h"
#include "proto/pair_wire.h"

/* X(name, what the log says of the device). The first two are no complaint. */
#define ADV_VERDICT_LIST(X)                                                                        \
    X(GENUINE, "vouched for by its account")                                                       \
    X(UNKNOWN, "consistent in itself; the key of its account is not known")                        \
    X(MISSING, "came without a statement of its account")                                          \
    X(MALFORMED, "has a statement that cannot be read")                                            \
    X(OTHER_ACCOUNT, "is vouched for by another key than its account's")                           \
    X(BAD_ACCOUNT_SIGNATURE, "has a statement that its account has not signed")                    \
    X(BAD_DEVICE_SIGNATURE, "has a statement that it has not signed itself")                       \
    X(UNLISTED, "is not among the devices that its account lists")                                 \
    X(BAD_LIST, "stands in a list that its account has not signed")

enum adv_verdict {
#define X(name, text) ADV_##name,
    ADV_VERDICT_LIST(X)
#undef X
};
/* Static text, never NULL. */
const char *adv_verdict_text(enum adv_verdict v);
static inline bool adv_is_complaint(enum adv_verdict v)
{
    return v != ADV_GENUINE && v != ADV_UNKNOWN;
}

/* statement: the content of <device-identity>; SPAN_NULL or empty: MISSING. identity: the key that
 * the device uses. account_key: NULL when it is not known; then the key inside the statement is
 * used, which reveals a partly forged statement but not one that is forged whole: the verdict is
 * UNKNOWN at best. *ret_details is set for GENUINE and UNKNOWN. Too little memory gives MALFORMED:
 * the arena is bounded by the frame's. */
enum adv_verdict adv_judge_device(struct span statement,
                                  const uint8_t identity[static X25519_KEY_BYTES],
                                  const uint8_t *account_key, struct arena *a,
                                  struct adv_identity *ret_details);

/* bytes: the content of <key-index-list>. GENUINE, UNKNOWN (no account_key), MALFORMED or BAD_LIST.
 */
enum adv_verdict adv_judge_list(struct span bytes, const uint8_t *account_key, struct arena *a);

#endif
