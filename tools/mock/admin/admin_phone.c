/* admin_phone.c - the phones of accounts that pair clients. */
#include <stdlib.h>

#include "tools/mock/admin/admin.h"
#include "tools/mock/devices/devices.h"
#include "tools/mock/devices/prekeys.h"
#include "tools/mock/link/pair.h"
#include "tools/mock/wire/client.h"

static int paired(const struct pair_answer *a, json_t **ret_out)
{
    char jid[JID_TEXT_MAX], lid[JID_TEXT_MAX];

    if (a->status != 200)
        return admin_bad(ret_out, a->status, "%s", a->message);
    *ret_out = json_pack("{s:b,s:s,s:s}", "ok", 1, "jid", jid_text(&a->jid, jid), "lid",
                         jid_text(&a->lid, lid));
    return 200;
}

int admin_scan_qr(struct mock *m, const struct http_request *q, const json_t *body,
                  json_t **ret_out)
{
    (void)body;
    char phone[64];
    struct pair_answer a = pair_scan_qr(m, q->body, http_query(q, "phone", phone, sizeof phone));
    return paired(&a, ret_out);
}

int admin_enter_code(struct mock *m, const struct http_request *q, const json_t *body,
                     json_t **ret_out)
{
    (void)body;
    char phone[64], code[64];
    (void)snprintf(code, sizeof code, "%.*s", (int)(q->body.n < 60 ? q->body.n : 60),
                   q->body.p != NULL ? (const char *)q->body.p : "");
    struct pair_answer a = pair_enter_code(m, code, http_query(q, "phone", phone, sizeof phone));
    return paired(&a, ret_out);
}

/* Unlinks all companions of the account that are real clients, or one of them. */
int admin_unlink(struct mock *m, const struct http_request *q, const json_t *body, json_t **ret_out)
{
    const char *jid = admin_text(body, "jid");
    struct device *one = admin_device(m, jid);
    json_int_t n = 0;

    if (jid[0] != '\0' && (!one || one->number == 0))
        return admin_bad(ret_out, 404, "jid: no such linked device: '%s'", jid);
    if (one) {
        devices_logout(m, one);
        n++;
    } else {
        struct mock_account *a = admin_account(m, q, body, "phone", ret_out);

        if (!a)
            return 404;
        for (size_t i = a->ndevices; i-- > 1;) {
            if (!world_is_played(a->devices[i])) {
                devices_logout(m, a->devices[i]);
                n++;
            }
        }
    }
    *ret_out = json_pack("{s:b,s:I}", "ok", 1, "devices", n);
    return 200;
}

int admin_phone_history(struct mock *m, const struct http_request *q, const json_t *body,
                        json_t **ret_out)
{
    static const char *const words[] = {"inline", "file", "silent"};
    struct mock_account *a = admin_account(m, q, body, "phone", ret_out);
    const char *answers = admin_text(body, "answers");

    if (!a)
        return 404;
    for (size_t i = 0; answers != NULL && i < 3; i++) {
        if (strcmp(answers, words[i]) == 0) {
            a->history = i == 0   ? PHONE_HISTORY_INLINE
                         : i == 1 ? PHONE_HISTORY_FILE
                                  : PHONE_HISTORY_SILENT;
            return admin_ok(ret_out);
        }
    }
    return admin_bad(ret_out, 400, "answers: inline, file or silent");
}

int admin_expire_refs(struct mock *m, const struct http_request *q, const json_t *body,
                      json_t **ret_out)
{
    (void)q;
    (void)body;
    for (struct client *c = m->clients; c != NULL; c = c->next) {
        if (c->state == CLIENT_REGISTERING && !c->pairing && !c->passkey)
            client_close(c);
    }
    return admin_ok(ret_out);
}

int admin_login_script(struct mock *m, const struct http_request *q, const json_t *body,
                       json_t **ret_out)
{
    struct mock_account *a = admin_account(m, q, body, "phone", ret_out);

    if (!a)
        return 404;
    int64_t times = admin_int(body, "times", -1);
    a->login = (struct login_script){.reason = (int)admin_int(body, "reason", 0),
                                     .code = (uint32_t)admin_int(body, "code", 0),
                                     .expire = (uint32_t)admin_int(body, "expire", 0),
                                     .times = times < 0 ? UINT32_MAX : (unsigned)times};
    return admin_ok(ret_out);
}

int admin_client_prekeys(struct mock *m, const struct http_request *q, const json_t *body,
                         json_t **ret_out)
{
    (void)q;
    struct device *d = admin_device(m, admin_text(body, "jid"));
    if (!d || world_is_played(d))
        return admin_bad(ret_out, 404, "jid: no such client device");
    int64_t keep = admin_int(body, "keep", (int64_t)d->nprekeys);
    if (keep < 0)
        return admin_bad(ret_out, 400, "keep: not below 0");
    if (admin_bool(body, "skey_back", false) && !prekeys_skey_back(d))
        return admin_bad(ret_out, 409, "skey_back: this client has not rotated its signed prekey");
    d->withheld = admin_bool(body, "withhold", false);
    if ((size_t)keep < d->nprekeys) {
        size_t gone = d->nprekeys - (size_t)keep;

        memmove(d->prekeys, d->prekeys + gone, (size_t)keep * sizeof d->prekeys[0]);
        d->nprekeys = (size_t)keep;
    }
    prekeys_tell_if_low(m, d);
    if (admin_bool(body, "compare", false))
        prekeys_ask_compare(m, d);
    return admin_ok(ret_out);
}
