/* admin_timelock.c - WhatsApp restricts an account, or lifts the restriction. */
#include "tools/mock/admin/admin.h"
#include "tools/mock/devices/timelock.h"

int admin_phone_timelock(struct mock *m, const struct http_request *q, const json_t *body,
                         json_t **ret_out)
{
    struct mock_account *a = admin_account(m, q, body, "phone", ret_out);
    const char *type = admin_text(body, "type");
    int64_t seconds = admin_int(body, "seconds", 0);
    int64_t ends = seconds > 0 ? (int64_t)mock_now_s(m) + seconds : 0;

    if (!a)
        return 404;
    timelock_set(m, a, admin_bool(body, "active", true), ends,
                 type[0] != '\0' ? type : "BIZ_QUALITY", !admin_bool(body, "quiet", false));
    *ret_out = json_pack("{s:b,s:I}", "ok", 1, "ends", (json_int_t)ends);
    return 200;
}
