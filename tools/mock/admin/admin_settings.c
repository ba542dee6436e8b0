/* admin_settings.c - the owner of a phone changes settings that companions read in app state. */
#include <stdlib.h>

#include "base/text.h"
#include "tools/mock/admin/admin.h"
#include "tools/mock/core/pb.h"
#include "tools/mock/people/phone_state.h"
#include "tools/mock/service/names.h"
#include "tools/mock/wire/client.h"

enum { VALUE_MAX = 1024, PUSH_NAME = 7, NCT_SALT = 80 };

/* Sets one entry of app state to SyncActionValue{field {1 content}}. */
static bool set(struct mock *m, struct mock_account *a, const char *collection, const char *index,
                uint32_t field, struct span content)
{
    struct buf part = buf_new(VALUE_MAX), value = buf_new(VALUE_MAX);

    pb_put_bytes(&part, 1, content);
    pb_put_bytes(&value, field, buf_span(&part));
    bool ok = phone_state_write(m, a, collection, index, buf_span(&value));
    buf_free(&part);
    buf_free(&value);
    return ok;
}

static bool set_salt(struct mock *m, struct mock_account *a, const char *hex)
{
    uint8_t salt[VALUE_MAX / 2];
    size_t n = 0;

    if (hex[0] == '\0')
        return phone_state_write(m, a, "regular_high", "[\"nct_salt_sync\"]", SPAN_NULL);
    return hex_decode(span_cstr(hex), salt, sizeof salt, &n) == WB_OK &&
           set(m, a, "regular_high", "[\"nct_salt_sync\"]", NCT_SALT, SPAN(salt, n));
}

int admin_settings(struct mock *m, const struct http_request *q, const json_t *body,
                   json_t **ret_out)
{
    (void)q;
    struct mock_account *a = names_of_number(m, admin_text(body, "phone"));
    bool ok = true;
    if (!a)
        return admin_bad(ret_out, 400, "phone: a phone number");
    if (admin_bool(body, "new_key", false))
        phone_state_new_key(a);
    if (json_object_get(body, "push_name") != NULL)
        ok = set(m, a, "critical_block", "[\"setting_pushName\"]", PUSH_NAME,
                 span_cstr(admin_text(body, "push_name")));
    if (ok && json_object_get(body, "nct_salt_hex") != NULL)
        ok = set_salt(m, a, admin_text(body, "nct_salt_hex"));
    return ok ? admin_ok(ret_out) : admin_bad(ret_out, 409, "the collection cannot be written");
}
