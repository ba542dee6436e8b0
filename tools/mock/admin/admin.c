#include "tools/mock/admin/admin.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/text.h"
#include "tools/mock/admin/admin_fields.h"
#include "tools/mock/service/media.h"
#include "tools/mock/service/webpage.h"

static const struct admin_route {
    const char *method, *path;
    admin_call *call;
    bool text_body;
} calls[] = {
    {"POST", "/admin/mock-phone/scan-qr", admin_scan_qr, true},
    {"POST", "/admin/mock-phone/enter-code", admin_enter_code, true},
    {"POST", "/admin/mock-phone/unlink", admin_unlink, false},
    {"POST", "/admin/mock-phone/expire-refs", admin_expire_refs, false},
    {"POST", "/admin/mock-phone/refresh", admin_refresh, false},
    {"POST", "/admin/mock-phone/settings", admin_settings, false},
    {"POST", "/admin/mock-phone/history", admin_phone_history, false},
    {"POST", "/admin/mock-phone/past", admin_phone_past, false},
    {"POST", "/admin/mock-phone/timelock", admin_phone_timelock, false},
    {"POST", "/admin/mock-phone/passkey", admin_passkey_set, false},
    {"GET", "/admin/mock-phone/passkey", admin_passkey_get, false},
    {"POST", "/admin/mock-phone/passkey-again", admin_passkey_again, false},
    {"POST", "/admin/mock-phone/lid-migration", admin_lid_migration, false},
    {"POST", "/admin/login", admin_login_script, false},
    {"POST", "/admin/prekeys", admin_client_prekeys, false},
    {"POST", "/admin/contacts", admin_contact_add, false},
    {"POST", "/admin/contact/send", admin_contact_send, false},
    {"POST", "/admin/contact/release", admin_contact_release, false},
    {"POST", "/admin/contact/blast", admin_contact_blast, false},
    {"GET", "/admin/contact/messages", admin_contact_messages, false},
    {"GET", "/admin/contact/receipts", admin_contact_receipts, false},
    {"GET", "/admin/contact/failures", admin_contact_failures, false},
    {"POST", "/admin/contact/clear", admin_contact_clear, false},
    {"POST", "/admin/contact/script", admin_contact_script, false},
    {"POST", "/admin/contact/device", admin_contact_device, false},
    {"POST", "/admin/contact/address", admin_contact_address, false},
    {"POST", "/admin/contact/reinstall", admin_contact_reinstall, false},
    {"POST", "/admin/contact/receipt", admin_contact_receipt, false},
    {"POST", "/admin/contact/retry", admin_contact_retry, false},
    {"POST", "/admin/contact/forget", admin_contact_forget, false},
    {"POST", "/admin/contact/sealed", admin_contact_sealed, false},
    {"POST", "/admin/contact/bot", admin_contact_bot, false},
    {"POST", "/admin/contact/bare", admin_contact_bare, false},
    {"POST", "/admin/contact/status", admin_contact_status, false},
    {"POST", "/admin/mock-phone/manner", admin_phone_manner, false},
    {"POST", "/admin/token", admin_token, false},
    {"POST", "/admin/forge", admin_forge, false},
    {"GET", "/admin/groups", admin_group_list, false},
    {"POST", "/admin/groups", admin_group_add, false},
    {"POST", "/admin/group/member", admin_group_member, false},
    {"POST", "/admin/group/set", admin_group_set, false},
    {"POST", "/admin/communities", admin_community_add, false},
    {"POST", "/admin/community/link", admin_community_link, false},
    {"GET", "/admin/trouble", admin_trouble_get, false},
    {"POST", "/admin/trouble", admin_trouble_set, false},
    {"POST", "/admin/rate", admin_rate, false},
    {"POST", "/admin/web-pages", admin_web_pages, false},
    {"POST", "/admin/offline", admin_offline, false},
    {"POST", "/admin/stream", admin_stream, false},
    {"GET", "/admin/state", admin_state, false},
    {"GET", "/admin/flags", admin_flags, false},
    {"DELETE", "/admin/flags", admin_flags_delete, false},
    {"POST", "/admin/defaults", admin_defaults, false},
};

int admin_bad(json_t **ret_out, int status, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    *ret_out = json_pack("{s:b,s:s}", "ok", 0, "error", text);
    return status;
}

int admin_ok(json_t **ret_out)
{
    *ret_out = json_pack("{s:b}", "ok", 1);
    return 200;
}

const char *admin_text(const json_t *body, const char *key)
{
    const char *s = json_string_value(json_object_get(body, key));

    return s != NULL ? s : "";
}

int64_t admin_int(const json_t *body, const char *key, int64_t dflt)
{
    const json_t *v = json_object_get(body, key);

    return json_is_integer(v) ? (int64_t)json_integer_value(v) : dflt;
}

bool admin_bool(const json_t *body, const char *key, bool dflt)
{
    const json_t *v = json_object_get(body, key);

    return json_is_boolean(v) ? json_is_true(v) : dflt;
}

static struct mock_account *account_of(struct mock *m, const char *text)
{
    struct jid j;

    if (strchr(text, '@') == NULL)
        return jid_from_phone(span_cstr(text), &j) == WB_OK ? world_account_phone(&m->world, j.user)
                                                            : NULL;
    return jid_parse_cstr(text, &j) == WB_OK ? world_account(&m->world, &j) : NULL;
}

struct mock_account *admin_account(struct mock *m, const struct http_request *q, const json_t *body,
                                   const char *key, json_t **ret_out)
{
    char buf[JID_TEXT_MAX];
    const char *text = admin_text(body, key);

    if (text[0] == '\0') {
        const char *from_query = http_query(q, key, buf, sizeof buf);

        text = from_query != NULL ? from_query : "";
    }
    struct mock_account *a = text[0] != '\0' ? account_of(m, text) : NULL;
    if (!a)
        (void)admin_bad(ret_out, 404, "%s: no such account: '%s'", key, text);
    return a;
}

bool admin_bytes(const json_t *body, const char *key, char *out, size_t size)
{
    char name[64];
    size_t n;
    const char *text = admin_text(body, key);

    (void)snprintf(name, sizeof name, "%s_hex", key);
    const char *hex = admin_text(body, name);
    if (hex[0] != '\0') {
        if (hex_decode(span_cstr(hex), (uint8_t *)out, size - 1, &n) != WB_OK)
            return false;
        out[n] = '\0';
        return true;
    }
    if (text[0] == '\0')
        return false;
    (void)snprintf(out, size, "%s", text);
    return true;
}

json_t *admin_shown(const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        return NULL;
    utf8_clean(copy);
    json_t *shown = json_string(copy);
    free(copy);
    return shown;
}

struct device *admin_device(struct mock *m, const char *text)
{
    struct jid j;

    return jid_parse_cstr(text, &j) == WB_OK ? world_device_jid(&m->world, &j) : NULL;
}

static void admin_handle(struct mock *m, const struct admin_route *a, const struct http_request *q,
                         struct http_response *r)
{
    json_t *body = NULL, *out = NULL;
    json_error_t error;
    char why[256];

    if (!a->text_body) {
        body = q->body.n > 0 ? json_loadb((const char *)q->body.p, q->body.n, 0, &error)
                             : json_object();
        if (!json_is_object(body)) {
            r->status = admin_bad(&out, 400, "not a JSON object: %s", error.text);
        }
    }
    if (!out && !admin_fields_ok(q, body, why, sizeof why))
        r->status = admin_bad(&out, 400, "%s", why);
    if (!out)
        r->status = a->call(m, q, body, &out);
    char *text = out != NULL ? json_dumps(out, JSON_COMPACT) : NULL;
    buf_append_cstr(&r->body, text != NULL ? text : "{}");
    buf_append_cstr(&r->body, "\n");
    free(text);
    json_decref(out);
    json_decref(body);
}

void admin_http(struct mock *m, const struct http_request *q, struct http_response *r)
{
    bool path_known = false;

    r->status = 404;
    r->type = "application/json";
    mock_enter(m);
    if (strncmp(q->path, "/mms/", 5) == 0) {
        media_http(m, q, r);
        mock_leave(m);
        return;
    }
    if (webpage_http(m, q, r)) {
        mock_leave(m);
        return;
    }
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (strcmp(calls[i].path, q->path) != 0)
            continue;
        path_known = true;
        if (strcmp(calls[i].method, q->method) == 0) {
            admin_handle(m, &calls[i], q, r);
            mock_leave(m);
            return;
        }
    }
    r->status = path_known ? 405 : 404;
    buf_append_cstr(&r->body, path_known ? "{\"ok\":false,\"error\":\"method not allowed\"}\n"
                                         : "{\"ok\":false,\"error\":\"no such call\"}\n");
    mock_leave(m);
}
