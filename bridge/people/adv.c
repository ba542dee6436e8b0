#include "bridge/people/adv.h"

#include "base/secret.h"
#include "crypto/pair_crypt.h"

const char *adv_verdict_text(enum adv_verdict v)
{
    static const char *const texts[] = {
#define X(name, text) [ADV_##name] = text,
        ADV_VERDICT_LIST(X)
#undef X
    };

    return texts[v];
}

/* The account's key for the check: the known one, else the one that the statement names. NULL: it
 * names none, so nothing can be checked. */
static const uint8_t *key_for(const struct adv_signed_identity *id, const uint8_t *account_key)
{
    if (account_key)
        return account_key;
    return span_is_null(id->account_key) ? NULL : id->account_key.p;
}

enum adv_verdict adv_judge_device(struct span statement,
                                  const uint8_t identity[static X25519_KEY_BYTES],
                                  const uint8_t *account_key, struct arena *a,
                                  struct adv_identity *ret_details)
{
    struct adv_signed_identity id;
    struct adv_identity details;
    const uint8_t *key;
    bool hosted;

    if (statement.n == 0)
        return ADV_MISSING;
    if (adv_signed_identity_decode(statement, a, &id) != WB_OK ||
        adv_identity_decode(id.details, a, &details) != WB_OK)
        return ADV_MALFORMED;
    if (account_key && !span_is_null(id.account_key) &&
        !secret_eq(account_key, id.account_key.p, X25519_KEY_BYTES))
        return ADV_OTHER_ACCOUNT;
    key = key_for(&id, account_key);
    if (key) {
        hosted = details.device_type == ADV_HOSTED;
        if (adv_check_account_signature(key, id.details, hosted, identity, id.account_signature) !=
            WB_OK)
            return ADV_BAD_ACCOUNT_SIGNATURE;
        if (adv_check_companion_signature(identity, id.details, hosted, key, id.device_signature) !=
            WB_OK)
            return ADV_BAD_DEVICE_SIGNATURE;
    }
    *ret_details = details;
    return account_key ? ADV_GENUINE : ADV_UNKNOWN;
}

enum adv_verdict adv_judge_list(struct span bytes, const uint8_t *account_key, struct arena *a)
{
    struct adv_signed_key_list list;
    struct adv_key_list keys;

    if (adv_signed_key_list_decode(bytes, a, &list) != WB_OK ||
        adv_key_list_decode(list.details, a, &keys) != WB_OK)
        return ADV_MALFORMED;
    if (!account_key)
        return ADV_UNKNOWN;
    return adv_check_key_list_signature(account_key, list.details, list.account_signature) == WB_OK
               ? ADV_GENUINE
               : ADV_BAD_LIST;
}
