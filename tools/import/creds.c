#include "tools/import/creds.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "proto/pair_wire.h"
#include "store/session/prekeys.h"
#include "tools/import/value.h"

void creds_wipe(struct creds *c)
{
    secret_wipe(c, sizeof *c);
}

/* Notes the field's name for people before the field is read. */
#define FIELD(name, expr)                                                                          \
    do {                                                                                           \
        *what = (name);                                                                            \
        TRY(expr);                                                                                 \
    } while (0)

static const json_t *at(const json_t *v, const char *name)
{
    return json_object_get(v, name);
}

static enum wb_err read_keys(const json_t *root, struct device_keys *k, const char **what)
{
    const json_t *signed_prekey = at(root, "signedPreKey");
    uint8_t djb[DJB_KEY_BYTES];
    enum wb_err err;

    FIELD("noiseKey", value_pair(at(root, "noiseKey"), "private", "public", &k->noise));
    FIELD("signedIdentityKey",
          value_pair(at(root, "signedIdentityKey"), "private", "public", &k->identity));
    FIELD("signedPreKey.keyPair",
          value_pair(at(signed_prekey, "keyPair"), "private", "public", &k->signed_prekey));
    FIELD("signedPreKey.keyId", value_u32(at(signed_prekey, "keyId"), &k->signed_prekey_id));
    FIELD("signedPreKey.signature", value_exact(at(signed_prekey, "signature"),
                                                k->signed_prekey_sig, sizeof k->signed_prekey_sig));
    djb_encode(k->signed_prekey.pub, djb);
    FIELD("signedPreKey.signature",
          xeddsa_verify(k->identity.pub, SPAN_ARRAY(djb), k->signed_prekey_sig));
    FIELD("registrationId", value_u32(at(root, "registrationId"), &k->registration_id));
    FIELD("advSecretKey",
          value_exact(at(root, "advSecretKey"), k->adv_secret, sizeof k->adv_secret));
out:
    return err;
}

static enum wb_err read_jid(const json_t *v, enum jid_server server, struct jid *ret)
{
    const char *text = value_text(v);
    struct jid j;
    enum wb_err err = text ? jid_parse_cstr(text, &j) : WB_ERR_MALFORMED;

    if (err == WB_OK && (j.server != server || !j.user[0]))
        err = WB_ERR_MALFORMED;
    if (err == WB_OK)
        *ret = j;
    return err;
}

static void copy_name(const json_t *v, char out[STORE_NAME_MAX + 1])
{
    const char *text = value_text(v);

    snprintf(out, STORE_NAME_MAX + 1, "%s", text ? text : "");
}

static enum wb_err read_me(const json_t *root, struct account *a, const char **what)
{
    const json_t *me = at(root, "me");
    enum wb_err err;

    *what = "me";
    if (!json_is_object(me) || !json_is_object(at(root, "account")))
        return WB_ERR_STATE;
    FIELD("me.id", read_jid(at(me, "id"), JID_PN, &a->jid));
    /* Device 0 is the phone: a linked device has a number of its own. */
    FIELD("me.id", a->jid.device == 0 ? WB_ERR_MALFORMED : WB_OK);
    if (value_text(at(me, "lid")) && value_text(at(me, "lid"))[0]) {
        FIELD("me.lid", read_jid(at(me, "lid"), JID_LID, &a->lid));
        a->lid.device = a->jid.device;
    }
    copy_name(at(me, "name"), a->push_name);
    copy_name(at(root, "platform"), a->platform);
out:
    return err;
}

static enum wb_err read_details(const json_t *v, struct account *a)
{
    struct buf details = buf_new(sizeof a->adv_details);
    enum wb_err err = value_bytes(v, &details);

    if (err == WB_OK && details.n == 0)
        err = WB_ERR_MALFORMED;
    if (err == WB_OK) {
        memcpy(a->adv_details, details.p, details.n);
        a->adv_details_n = details.n;
    }
    buf_free(&details);
    return err;
}

static enum wb_err read_adv(const json_t *root, struct account *a, const char **what)
{
    const json_t *v = at(root, "account");
    struct arena arena = arena_new(4096);
    struct adv_identity identity;
    struct span details;
    enum wb_err err;

    FIELD("account.details", read_details(at(v, "details"), a));
    FIELD("account.accountSignatureKey",
          value_public(at(v, "accountSignatureKey"), a->adv_account_sig_key));
    FIELD("account.accountSignature",
          value_exact(at(v, "accountSignature"), a->adv_account_sig, sizeof a->adv_account_sig));
    FIELD("account.deviceSignature",
          value_exact(at(v, "deviceSignature"), a->adv_device_sig, sizeof a->adv_device_sig));
    details = SPAN(a->adv_details, a->adv_details_n);
    FIELD("account.details", adv_identity_decode(details, &arena, &identity));
    FIELD("account.accountSignature",
          adv_check_account_signature(a->adv_account_sig_key, details,
                                      identity.device_type == ADV_HOSTED, a->keys.identity.pub,
                                      SPAN_ARRAY(a->adv_account_sig)));
    /* Baileys has had two prefixes for hosted ones (P-PR-11). */
    if (identity.device_type != ADV_HOSTED)
        FIELD("account.deviceSignature",
              adv_check_device_signature(a->keys.identity.pub, details, a->adv_account_sig_key,
                                         SPAN_ARRAY(a->adv_device_sig)));
out:
    arena_free(&arena);
    return err;
}

/* Routing info that is too large is ignored: the server tells it again. */
static void read_routing(const json_t *v, struct creds *c)
{
    struct buf bytes = buf_new(sizeof c->routing);

    if (value_bytes(v, &bytes) == WB_OK && bytes.n) {
        memcpy(c->routing, bytes.p, bytes.n);
        c->routing_n = bytes.n;
    }
    buf_free(&bytes);
}

enum wb_err creds_read(struct span json, struct creds *ret, const char **ret_what)
{
    const char *unused, **what = ret_what ? ret_what : &unused;
    struct creds c;
    json_t *root = NULL;
    int64_t next = 0;
    enum wb_err err;

    memset(&c, 0, sizeof c);
    FIELD("its JSON", value_parse(json, &root));
    FIELD("its JSON", json_is_object(root) ? WB_OK : WB_ERR_MALFORMED);
    TRY(read_me(root, &c.account, what));
    TRY(read_keys(root, &c.account.keys, what));
    TRY(read_adv(root, &c.account, what));
    FIELD("nextPreKeyId", value_int(at(root, "nextPreKeyId"), 1, PREKEY_ID_MAX, &next));
    c.next_prekey_id = (uint32_t)next;
    read_routing(at(root, "routingInfo"), &c);
    *ret = c;
out:
    json_decref(root);
    creds_wipe(&c);
    return err;
}
