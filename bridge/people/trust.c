#include "bridge/people/trust.h"

#include "base/secret.h"
#include "bridge/core/context.h"
#include "bridge/people/adv.h"
#include "bridge/people/limits.h"
#include "crypto/pair_crypt.h"
#include "crypto/signal.h"
#include "store/session/account.h"
#include "store/session/devices.h"
#include "store/session/lid_map.h"
#include "store/session/signal_store.h"

/* ---- our own devices ---- */

static bool is_zero(const uint8_t key[static X25519_KEY_BYTES])
{
    static const uint8_t zeros[X25519_KEY_BYTES];

    return secret_eq(key, zeros, sizeof zeros);
}

/* Is this the identity key of the phone that we are linked to? When adv_account_sig_key is missing
 * (zeros, in files of other programs), the key must verify the account's signature over our
 * identity, which only the phone's key does. */
static bool is_phone_key(const struct bridge *b, const uint8_t identity[static X25519_KEY_BYTES])
{
    const struct account *a = b->account;
    const struct span details = SPAN(a->adv_details, a->adv_details_n);
    const struct span sig = SPAN_ARRAY(a->adv_account_sig);

    if (!is_zero(a->adv_account_sig_key))
        return secret_eq(a->adv_account_sig_key, identity, X25519_KEY_BYTES);
    return adv_check_account_signature(identity, details, false, a->keys.identity.pub, sig) ==
               WB_OK ||
           adv_check_account_signature(identity, details, true, a->keys.identity.pub, sig) == WB_OK;
}

static bool belongs_to_phone(void *ctx, const uint8_t identity[static X25519_KEY_BYTES])
{
    return is_phone_key(ctx, identity);
}

enum wb_err trust_own(struct bridge *b, const struct jid *device, const struct jid *address,
                      const uint8_t identity[static X25519_KEY_BYTES])
{
    bool genuine = true;

    if (!b->account || (!bridge_is_self(b, device) && !bridge_is_self(b, address)))
        return WB_OK;
    if (device->device == 0)
        genuine = is_phone_key(b, identity);
    else if (device->device == b->own_pn.device)
        genuine = secret_eq(b->account->keys.identity.pub, identity, X25519_KEY_BYTES);
    if (genuine)
        return WB_OK;
    b->trust.foreign_keys++;
    log_warn(b->log, "trust", "somebody uses another identity key in the name of %s: refused",
             device->device == 0 ? "our own phone" : "this device");
    return WB_ERR_FOREIGN_IDENTITY;
}

/* Corrects the stored identity under this form of the phone's address. */
static enum wb_err pin_form(struct bridge *b, const struct jid *phone)
{
    struct signal_session *session = NULL, *moved;
    uint8_t stored[X25519_KEY_BYTES];
    size_t dropped;
    enum wb_err err = store_identity_get(b->store, phone, stored);

    if (err == WB_OK && !is_phone_key(b, stored)) {
        log_warn(b->log, "trust", "the stored identity of our own phone is another's: put right");
        b->trust.foreign_keys++;
        err = is_zero(b->account->adv_account_sig_key)
                  ? store_signal_forget_device(b->store, phone)
                  : store_identity_put(b->store, phone, b->account->adv_account_sig_key);
    }
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    err = store_session_load(b->store, phone, &session, NULL);
    if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    TRY(err);
    dropped = signal_session_drop_foreign(session, belongs_to_phone, b);
    if (dropped == 0)
        goto out;
    log_warn(b->log, "trust", "%zu session states with somebody else than our phone are dropped",
             dropped);
    if (!session->current && session->narchived == 0) {
        err = store_session_delete(b->store, phone);
        goto out;
    }
    moved = session;
    session = NULL;
    err = store_session_save(b->store, phone, moved);
out:
    signal_session_free(session);
    return err;
}

enum wb_err trust_pin_phone(struct bridge *b)
{
    const struct jid lid = jid_bare(b->own_lid), pn = jid_bare(b->own_pn);
    bool changed = false;
    enum wb_err err = WB_OK;

    if (!b->account)
        return WB_OK;
    if (!jid_is_none(&lid))
        TRY(store_lid_put(b->store, &lid, &pn, &changed));
    if (changed)
        TRY(store_signal_migrate(b->store, &pn, &lid, NULL));
    if (!jid_is_none(&lid))
        TRY(pin_form(b, &lid));
    err = pin_form(b, &pn);
out:
    return err;
}

/* ---- devices of other people ---- */

static enum adv_check_setting setting(const struct bridge *b)
{
    return b->config ? b->config->adv_check : ADV_CHECK_WARN;
}

/* The key that signs for this person's devices, as far as we know it independently: the identity of
 * their phone. *ret_key points to buf; NULL: not known. */
static enum wb_err account_key(struct bridge *b, const struct jid *address,
                               uint8_t buf[static X25519_KEY_BYTES], const uint8_t **ret_key)
{
    struct jid phone = jid_bare(*address);
    enum wb_err err;

    *ret_key = NULL;
    if (bridge_is_self(b, address) && b->account && !is_zero(b->account->adv_account_sig_key)) {
        *ret_key = b->account->adv_account_sig_key;
        return WB_OK;
    }
    err = store_identity_get(b->store, &phone, buf);
    if (err == WB_OK)
        *ret_key = buf;
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

/* Is the device missing in a list that is newer than its linking? The account and the server set
 * both times, not the device; a list that we do not have, or an older one, says nothing. */
static enum wb_err is_unlisted(struct bridge *b, const struct jid *address,
                               const struct adv_identity *details, struct arena *a, bool *ret)
{
    struct jid user = jid_bare(*address), other;
    struct store_device_list list;
    enum wb_err err = store_devices_get(b->store, &user, a, &list);

    *ret = false;
    if (err == WB_ERR_NOT_FOUND) {
        err = store_other_form(b->store, &user, &other);
        if (err == WB_OK)
            err = store_devices_get(b->store, &other, a, &list);
    }
    if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    TRY(err);
    if (list.checked_at < 0 || details->timestamp >= (uint64_t)list.checked_at)
        return WB_OK;
    for (size_t i = 0; i < list.n; i++)
        if (list.devices[i].id == address->device)
            return WB_OK;
    *ret = true;
out:
    return err;
}

static enum wb_err complain(struct bridge *b, const struct jid *device, enum adv_verdict v)
{
    bool refuse = setting(b) == ADV_CHECK_REFUSE;
    char text[JID_TEXT_MAX], shown[LOG_PHONE_BYTES];

    b->trust.unvouched_devices++;
    b->trust.unvouched_refused += refuse;
    log_warn(b->log, "trust", "device %u of %s %s%s", (unsigned)device->device,
             log_phone(shown, jid_text(device, text)), adv_verdict_text(v),
             refuse ? ": refused" : "");
    return refuse ? WB_ERR_NOT_VOUCHED : WB_OK;
}

enum wb_err trust_companion(struct bridge *b, const struct jid *address,
                            const uint8_t identity[static X25519_KEY_BYTES], struct span statement)
{
    struct arena a = arena_new(TRUST_ARENA_MAX);
    struct adv_identity details = {0};
    uint8_t buf[X25519_KEY_BYTES];
    const uint8_t *key;
    enum adv_verdict v = ADV_MALFORMED;
    bool unlisted = false;
    enum wb_err err = WB_OK;

    if (setting(b) == ADV_CHECK_OFF || address->device == 0 || !jid_is_person(address))
        goto out;
    TRY(account_key(b, address, buf, &key));
    if (statement.n <= ADV_STATEMENT_MAX)
        v = adv_judge_device(statement, identity, key, &a, &details);
    if (!adv_is_complaint(v)) {
        TRY(is_unlisted(b, address, &details, &a, &unlisted));
        if (unlisted)
            v = ADV_UNLISTED;
    }
    if (adv_is_complaint(v))
        err = complain(b, address, v);
out:
    arena_free(&a);
    return err;
}

enum wb_err trust_device_list(struct bridge *b, const struct jid *user, struct span key_list)
{
    struct arena a = arena_new(TRUST_ARENA_MAX);
    struct jid address;
    uint8_t buf[X25519_KEY_BYTES];
    const uint8_t *key;
    enum adv_verdict v = ADV_MALFORMED;
    enum wb_err err = WB_OK;

    if (setting(b) == ADV_CHECK_OFF || key_list.n == 0)
        goto out;
    TRY(store_canonical(b->store, user, &address));
    TRY(account_key(b, &address, buf, &key));
    if (key_list.n <= ADV_LIST_MAX)
        v = adv_judge_list(key_list, key, &a);
    if (adv_is_complaint(v))
        err = complain(b, &address, v);
out:
    arena_free(&a);
    return err;
}
