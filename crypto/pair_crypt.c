#include "crypto/pair_crypt.h"

#include "base/secret.h"
#include "crypto/prim_hash.h"

enum { FIRST_SIGNED_PREKEY_ID = 1 };

/* The two bytes in front of the signed data tell what an ADV MAC or signature is about. */
static const uint8_t PREFIX_ACCOUNT[2] = {6, 0};
static const uint8_t PREFIX_DEVICE[2] = {6, 1};
static const uint8_t PREFIX_KEY_LIST[2] = {6, 2};
static const uint8_t PREFIX_HOSTED[2] = {6, 5};
static const uint8_t PREFIX_HOSTED_DEVICE[2] = {6, 6};

_Static_assert((int)ADV_SECRET_BYTES == (int)SHA256_BYTES, "ADV HMAC key");

enum wb_err device_keys_generate(const struct rng *rng, struct device_keys *ret_k)
{
    struct device_keys k;
    uint8_t djb[DJB_KEY_BYTES];
    enum wb_err err;

    x25519_generate(rng, &k.noise);
    x25519_generate(rng, &k.identity);
    x25519_generate(rng, &k.signed_prekey);
    k.signed_prekey_id = FIRST_SIGNED_PREKEY_ID;
    k.registration_id = rng_u32(rng);
    rng_fill(rng, k.adv_secret, sizeof k.adv_secret);
    djb_encode(k.signed_prekey.pub, djb);
    TRY(xeddsa_sign(k.identity.priv, SPAN_ARRAY(djb), rng, k.signed_prekey_sig));
    *ret_k = k;
out:
    secret_wipe(&k, sizeof k);
    return err;
}

void adv_make_hmac(const uint8_t adv_secret[static ADV_SECRET_BYTES], struct span details,
                   bool hosted, uint8_t out[static 32])
{
    struct span parts[2] = {hosted ? SPAN_ARRAY(PREFIX_HOSTED) : SPAN_NULL, details};

    hmac_sha256_v(SPAN(adv_secret, ADV_SECRET_BYTES), parts, 2, out);
}

enum wb_err adv_check_hmac(const uint8_t adv_secret[static ADV_SECRET_BYTES], struct span details,
                           bool hosted, struct span hmac)
{
    uint8_t want[SHA256_BYTES];
    bool same;

    if (hmac.n != sizeof want)
        return WB_ERR_BAD_MAC;
    adv_make_hmac(adv_secret, details, hosted, want);
    same = secret_eq(want, hmac.p, sizeof want);
    secret_wipe(want, sizeof want);
    return same ? WB_OK : WB_ERR_BAD_MAC;
}

enum { ACCOUNT_PARTS = 3, DEVICE_PARTS = 4 };

static void account_parts(struct span details, bool hosted, const uint8_t *device_identity,
                          struct span out[static ACCOUNT_PARTS])
{
    out[0] = hosted ? SPAN_ARRAY(PREFIX_HOSTED) : SPAN_ARRAY(PREFIX_ACCOUNT);
    out[1] = details;
    out[2] = SPAN(device_identity, X25519_KEY_BYTES);
}

/* 06 01 also for hosted accounts, as whatsmeow does; others sign 06 06 there (P-PR-11). */
static void device_parts(struct span details, const uint8_t *device_identity,
                         const uint8_t *account_key, struct span out[static DEVICE_PARTS])
{
    out[0] = SPAN_ARRAY(PREFIX_DEVICE);
    out[1] = details;
    out[2] = SPAN(device_identity, X25519_KEY_BYTES);
    out[3] = SPAN(account_key, X25519_KEY_BYTES);
}

static enum wb_err check_signature(const uint8_t key[static X25519_KEY_BYTES],
                                   const struct span *parts, size_t n, struct span sig)
{
    if (sig.n != XEDDSA_SIG_BYTES)
        return WB_ERR_BAD_SIGNATURE;
    return xeddsa_verify_v(key, parts, n, sig.p);
}

enum wb_err adv_check_account_signature(const uint8_t account_key[static X25519_KEY_BYTES],
                                        struct span details, bool hosted,
                                        const uint8_t device_identity[static X25519_KEY_BYTES],
                                        struct span sig)
{
    struct span parts[ACCOUNT_PARTS];

    account_parts(details, hosted, device_identity, parts);
    return check_signature(account_key, parts, ACCOUNT_PARTS, sig);
}

enum wb_err adv_make_account_signature(const struct x25519_pair *account, struct span details,
                                       bool hosted,
                                       const uint8_t device_identity[static X25519_KEY_BYTES],
                                       const struct rng *rng,
                                       uint8_t ret_sig[static XEDDSA_SIG_BYTES])
{
    struct span parts[ACCOUNT_PARTS];

    account_parts(details, hosted, device_identity, parts);
    return xeddsa_sign_v(account->priv, parts, ACCOUNT_PARTS, rng, ret_sig);
}

enum wb_err adv_make_device_signature(const struct x25519_pair *identity, struct span details,
                                      const uint8_t account_key[static X25519_KEY_BYTES],
                                      const struct rng *rng,
                                      uint8_t ret_sig[static XEDDSA_SIG_BYTES])
{
    struct span parts[DEVICE_PARTS];

    device_parts(details, identity->pub, account_key, parts);
    return xeddsa_sign_v(identity->priv, parts, DEVICE_PARTS, rng, ret_sig);
}

enum wb_err adv_check_device_signature(const uint8_t device_identity[static X25519_KEY_BYTES],
                                       struct span details,
                                       const uint8_t account_key[static X25519_KEY_BYTES],
                                       struct span sig)
{
    struct span parts[DEVICE_PARTS];

    device_parts(details, device_identity, account_key, parts);
    return check_signature(device_identity, parts, DEVICE_PARTS, sig);
}

enum wb_err adv_check_companion_signature(const uint8_t device_identity[static X25519_KEY_BYTES],
                                          struct span details, bool hosted,
                                          const uint8_t account_key[static X25519_KEY_BYTES],
                                          struct span sig)
{
    struct span parts[DEVICE_PARTS];
    enum wb_err err;

    err = adv_check_device_signature(device_identity, details, account_key, sig);
    if (err == WB_OK || !hosted)
        return err;
    device_parts(details, device_identity, account_key, parts);
    parts[0] = SPAN_ARRAY(PREFIX_HOSTED_DEVICE);
    return check_signature(device_identity, parts, DEVICE_PARTS, sig);
}

enum wb_err adv_check_key_list_signature(const uint8_t account_key[static X25519_KEY_BYTES],
                                         struct span details, struct span sig)
{
    const struct span parts[2] = {SPAN_ARRAY(PREFIX_KEY_LIST), details};

    return check_signature(account_key, parts, 2, sig);
}
