/* admin_past.c - what the phone of an account hands over when it links a companion. */
#include "tools/mock/admin/admin.h"
#include "tools/mock/devices/privacy.h"
#include "tools/mock/people/phone_past.h"
#include "tools/mock/service/names.h"

enum { HTTP_STATUS_MAX = 599 };

static bool number(const json_t *body, const char *key, int64_t max, unsigned *ret)
{
    int64_t v = admin_int(body, key, (int64_t)*ret);

    if (v < 0 || v > max)
        return false;
    *ret = (unsigned)v;
    return true;
}

/* These contacts gave the account their privacy token before the companion was linked: no
 * notification tells the companion of it. */
static bool give_tokens(struct mock *m, struct mock_account *a, const json_t *body)
{
    const json_t *from = json_object_get(body, "tokens_from"), *one;
    int64_t ago = admin_int(body, "token_age_s", 3600);
    size_t i;

    json_array_foreach(from, i, one)
    {
        struct jid j;
        const char *text = json_string_value(one);
        struct mock_account *giver = text != NULL && jid_from_phone(span_cstr(text), &j) == WB_OK
                                         ? world_account_phone(&m->world, j.user)
                                         : NULL;

        if (!giver || privacy_give(m, giver, a, mock_now_s(m) - (uint64_t)ago) == NULL)
            return false;
    }
    return true;
}

int admin_phone_past(struct mock *m, const struct http_request *q, const json_t *body,
                     json_t **ret_out)
{
    struct mock_account *a = names_of_number(m, admin_text(body, "phone"));
    const char *business = admin_text(body, "business");
    struct phone_past past = {.parts = 1};
    unsigned status = 404;

    (void)q;
    if (!a)
        return admin_bad(ret_out, 404, "phone: no number");
    if (!number(body, "chats", PAST_CHATS_MAX, &past.chats) ||
        !number(body, "messages", PAST_MESSAGES_MAX, &past.messages) ||
        !number(body, "parts", PAST_PARTS_MAX, &past.parts) ||
        !number(body, "files_gone", PAST_PARTS_MAX, &m->media_gone) ||
        !number(body, "files_status", HTTP_STATUS_MAX, &status))
        return admin_bad(ret_out, 400,
                         "chats, messages, parts, files_gone, files_status: too many");
    m->media_gone_status = status;
    if (!give_tokens(m, a, body))
        return admin_bad(ret_out, 404, "tokens_from: numbers of contacts");
    (void)snprintf(past.business, sizeof past.business, "%s", business);
    past.nameless = admin_bool(body, "nameless", false);
    past.salt = admin_bool(body, "salt", false);
    past.files = admin_bool(body, "files", false);
    past.by_number = admin_bool(body, "by_number", false);
    past.lost = admin_bool(body, "file_lost", false);
    past.broken = admin_bool(body, "broken", false);
    a->past = past;
    return admin_ok(ret_out);
}
