/* admin_passkey.c - the calls for accounts that demand a passkey, and for their phones. */
#include "base/text.h"
#include "tools/mock/admin/admin.h"
#include "tools/mock/link/passkey.h"
#include "tools/mock/service/names.h"
#include "tools/mock/wire/client.h"

static bool b64_member(const json_t *body, const char *key, uint8_t *out, size_t max,
                       struct span *ret_v)
{
    size_t n;

    if (b64url_decode(span_cstr(admin_text(body, key)), out, max, &n) != WB_OK)
        return false;
    *ret_v = SPAN(out, n);
    return true;
}

int admin_passkey_set(struct mock *m, const struct http_request *q, const json_t *body,
                      json_t **ret_out)
{
    (void)q;
    struct mock_account *a = names_of_number(m, admin_text(body, "phone"));
    uint8_t id_bytes[WEBAUTHN_ID_MAX], key_bytes[P256_POINT_BYTES];
    struct span id, key;
    if (!a)
        return admin_bad(ret_out, 400, "bad phone number");
    if (json_object_get(body, "public_key") != NULL &&
        (!b64_member(body, "credential_id", id_bytes, sizeof id_bytes, &id) ||
         !b64_member(body, "public_key", key_bytes, sizeof key_bytes, &key) ||
         !passkey_register(a, id, key)))
        return admin_bad(ret_out, 400,
                         "credential_id and public_key (04, x, y of P-256) in base64url");
    if (a->passkey.nid == 0)
        return admin_bad(ret_out, 400, "no passkey is registered: give credential_id, public_key");
    a->passkey.demanded = admin_bool(body, "demanded", a->passkey.demanded);
    a->passkey.timeout_ms = admin_int(body, "timeout_ms", a->passkey.timeout_ms);
    a->passkey.omit_options = admin_bool(body, "omit_options", a->passkey.omit_options);
    a->passkey.silent = admin_bool(body, "silent", a->passkey.silent);
    return admin_ok(ret_out);
}

int admin_passkey_get(struct mock *m, const struct http_request *q, const json_t *body,
                      json_t **ret_out)
{
    struct mock_account *a = admin_account(m, q, body, "phone", ret_out);
    struct passkey_link_view v;

    if (!a)
        return 404;
    if (!passkey_view(m, a, &v))
        return admin_bad(ret_out, 404, "no link of this account waits for a passkey");
    *ret_out = json_pack("{s:b,s:s,s:s,s:s,s:b}", "ok", 1, "stage", v.stage, "refused", v.refused,
                         "code", v.code, "proof", (int)v.proof);
    return 200;
}

int admin_passkey_again(struct mock *m, const struct http_request *q, const json_t *body,
                        json_t **ret_out)
{
    struct mock_account *a = admin_account(m, q, body, "phone", ret_out);

    if (!a)
        return 404;
    struct client *c = passkey_client(m, a);
    if (!c || !passkey_ask_again(c))
        return admin_bad(ret_out, 404, "no link of this account waits for a passkey");
    return admin_ok(ret_out);
}
