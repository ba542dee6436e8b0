/* GET /api/pair-code: the code shown now; POST: a new one. */
#include <stdlib.h>

#include "api/call/fields.h"
#include "api/route/route.h"

static void handle_current(struct api_request *r)
{
    char code[10];

    if (bridge_pair_code(r->bridge, code))
        api_reply_json(r, 200,
                       json_pack("{s:b, s:s, s:I}", "success", 1, "code", code, "expires_in",
                                 (json_int_t)bridge_pair_code_expires_in_s(r->bridge)));
    else
        api_reply_error(r, CMD_NOT_FOUND, bridge_no_code_reason(r->bridge));
}

static void got_code(void *ctx, enum cmd_result result, const char *code, const char *text)
{
    struct api_waiting *w = ctx;

    if (w->request && result == CMD_OK)
        api_reply_json(w->request, 200,
                       json_pack("{s:b, s:s, s:I}", "success", 1, "code", code, "expires_in",
                                 (json_int_t)bridge_pair_code_expires_in_s(w->request->bridge)));
    else if (w->request)
        api_reply_error(w->request, result, text);
    free(w);
}

static void handle_new(struct api_request *r)
{
    static const char *const names[] = {"phone", NULL};
    static const struct api_fields fields = {names, NULL};
    json_t *body = api_body(r, &fields), *value;
    struct api_waiting *w;
    struct span phone;

    if (!body)
        return;
    value = json_object_get(body, "phone");
    if (value && !json_is_null(value) && !json_is_string(value)) {
        api_reply_error(r, CMD_BAD_REQUEST, "'phone' must be a string");
        json_decref(body);
        return;
    }
    phone = span_cstr(json_string_value(value));
    w = api_wait(r);
    if (w)
        bridge_pair_code_request(r->bridge, phone, got_code, w);
    json_decref(body);
}

const struct api_route route_pair_code = {API_GET, "/api/pair-code", handle_current};
const struct api_route route_pair_code_new = {API_POST, "/api/pair-code", handle_new};
