/* GET /api/passkey, POST /api/passkey/response, POST /api/passkey/confirm: the passkey that
 * WhatsApp demands of some accounts when they are linked. */
#include <stdlib.h>

#include "api/call/fields.h"
#include "api/route/assets.h"
#include "api/route/route.h"
#include "bridge/pair/passkey.h"

#define OPTIONS_MARK "@OPTIONS@"

/* ---- what WhatsApp asks ---- */

static const uint8_t *find(struct span in, const char *text)
{
    size_t n = strlen(text);

    for (size_t i = 0; i + n <= in.n; i++)
        if (memcmp(in.p + i, text, n) == 0)
            return in.p + i;
    return NULL;
}

/* The script for the owner's browser console: the asset with the options in it. The options are
 * written anew as ASCII JSON, which is a JavaScript literal whatever the server put into them. */
static json_t *snippet_json(const json_t *options)
{
    struct span all = SPAN(asset_pair_snippet.bytes, asset_pair_snippet.n);
    const uint8_t *mark = find(all, OPTIONS_MARK);
    char *literal = json_dumps(options, JSON_COMPACT | JSON_ENSURE_ASCII);
    struct buf text = buf_new(API_REPLY_BYTES_MAX);
    json_t *snippet = NULL;

    if (mark && literal) {
        buf_append(&text, SPAN(all.p, (size_t)(mark - all.p)));
        buf_append_cstr(&text, literal);
        buf_append(&text, span_skip(all, (size_t)(mark - all.p) + sizeof OPTIONS_MARK - 1));
        snippet = buf_err(&text) == WB_OK ? json_string(buf_cstr(&text)) : NULL;
    }
    buf_free(&text);
    free(literal);
    return snippet;
}

static void handle_get(struct api_request *r)
{
    struct passkey_view v;
    json_t *o, *options;

    bridge_passkey(r->bridge, &v);
    o = json_pack("{s:b, s:s}", "success", 1, "state", passkey_phase_word(v.phase));
    if (v.phase != PASSKEY_NONE)
        json_object_set_new(o, "expires_in", json_integer(v.expires_in_s));
    if (!span_is_null(v.options)) {
        options = json_loadb((const char *)v.options.p, v.options.n, 0, NULL);
        json_object_set_new(o, "snippet", snippet_json(options));
        json_object_set_new(o, "options", options);
    }
    if (v.code[0])
        json_object_set_new(o, "code", json_string(v.code));
    if (v.problem[0])
        json_object_set_new(o, "problem", api_text(span_cstr(v.problem)));
    api_reply_json(r, 200, o);
}

/* ---- the owner's answer ---- */

static void done(void *ctx, enum cmd_result result, uint32_t server_code, const char *text)
{
    struct api_waiting *w = ctx;

    if (w->request && result == CMD_OK)
        api_reply_done(w->request, 200, text);
    else if (w->request && result == CMD_REFUSED)
        api_reply_json(w->request, cmd_result_http_status(result),
                       json_pack("{s:b, s:s, s:s, s:o*}", "success", 0, "error",
                                 cmd_result_code(result), "message", text, "server_code",
                                 server_code ? json_integer(server_code) : NULL));
    else if (w->request)
        api_reply_error(w->request, result, text);
    free(w);
}

/* Takes the credential alone, as the browser's console shows it, or {"credential",
 * "compare_code"}. */
static void handle_response(struct api_request *r)
{
    static const struct api_fields any = {NULL, "the credential as the browser shows it"};
    static const char *const wrapped[] = {"credential", "compare_code", NULL};
    json_t *body = api_body(r, &any), *credential, *compare;
    char *text = NULL;
    struct api_waiting *w;

    if (!body)
        return;
    credential = json_object_get(body, "credential");
    compare = json_object_get(body, "compare_code");
    /* A credential alone has the field names that browsers give it. */
    if (credential && !api_fields_known(r, body, wrapped)) {
        json_decref(body);
        return;
    }
    if (credential && !json_is_object(credential)) {
        api_reply_error(r, CMD_BAD_REQUEST, "'credential' must be an object");
    } else if (compare && !json_is_boolean(compare)) {
        api_reply_error(r, CMD_BAD_REQUEST, "'compare_code' must be true or false");
    } else if ((text = json_dumps(credential ? credential : body, JSON_COMPACT)) == NULL) {
        api_reply_error(r, CMD_INTERNAL, "Out of memory");
    } else if ((w = api_wait(r)) != NULL) {
        bridge_passkey_response(r->bridge, span_cstr(text), json_is_true(compare), done, w);
    }
    free(text);
    json_decref(body);
}

static void handle_confirm(struct api_request *r)
{
    static const char *const names[] = {"code", NULL};
    static const struct api_fields fields = {names,
                                             "{\"code\":\"ABCD-EFGH\"}, as the phone shows it"};
    json_t *body = api_body(r, &fields), *code;
    struct api_waiting *w;

    if (!body)
        return;
    code = json_object_get(body, "code");
    if (!json_is_string(code))
        api_reply_error(r, CMD_BAD_REQUEST, "'code' must be the code that the phone shows");
    else if ((w = api_wait(r)) != NULL)
        bridge_passkey_confirm(r->bridge, SPAN(json_string_value(code), json_string_length(code)),
                               done, w);
    json_decref(body);
}

const struct api_route route_passkey = {API_GET, "/api/passkey", handle_get};
const struct api_route route_passkey_response = {API_POST, "/api/passkey/response",
                                                 handle_response};
const struct api_route route_passkey_confirm = {API_POST, "/api/passkey/confirm", handle_confirm};
