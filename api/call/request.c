#include "api/call/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void api_reply(struct api_request *r, int status, const char *static_type, struct span body)
{
    if (r->answered)
        return;
    r->answered = true;
    r->gone = NULL;
    r->status = status;
    r->reply_type = static_type;
    buf_append(&r->reply, body);
    if (buf_err(&r->reply) != WB_OK) {
        buf_clear(&r->reply);
        r->status = 500;
    } else if (!r->may_hold(r, r->reply.n)) {
        buf_clear(&r->reply);
        buf_append_cstr(&r->reply,
                        "{\"success\":false,\"error\":\"rate_limited\",\"message\":"
                        "\"Too many answers wait for callers that read slowly; try again "
                        "later\"}\n");
        r->status = cmd_result_http_status(CMD_RATE_LIMITED);
        r->reply_type = "application/json";
        r->retry_later = true;
    }
    r->send_answer(r);
}

void api_reply_json(struct api_request *r, int status, json_t *new_body)
{
    char *text = new_body ? json_dumps(new_body, JSON_COMPACT) : NULL;
    struct buf line = buf_new(API_REPLY_BYTES_MAX);

    json_decref(new_body);
    buf_append_cstr(&line, text ? text
                                : "{\"success\":false,\"error\":\"internal\","
                                  "\"message\":\"Out of memory\"}");
    buf_append_cstr(&line, "\n");
    free(text);
    api_reply(r, new_body ? status : 500, "application/json", buf_span(&line));
    buf_free(&line);
}

json_t *api_text(struct span text)
{
    json_t *j = json_stringn(text.p ? (const char *)text.p : "", text.n);
    char *copy = j ? NULL : malloc(text.n + 1);

    if (!copy)
        return j;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    utf8_clean(copy);
    j = json_string(copy);
    free(copy);
    return j;
}

json_t *api_text_or_null(struct span text)
{
    return span_is_null(text) ? json_null() : api_text(text);
}

void api_reply_error(struct api_request *r, enum cmd_result result, const char *text)
{
    api_reply_json(r, cmd_result_http_status(result),
                   json_pack("{s:b, s:s, s:o}", "success", 0, "error", cmd_result_code(result),
                             "message", api_text(span_cstr(text))));
}

void api_reply_busy(struct api_request *r, const char *text)
{
    r->retry_later = true;
    api_reply_error(r, CMD_RATE_LIMITED, text);
}

void api_reply_done(struct api_request *r, int status, const char *text)
{
    api_reply_json(r, status,
                   json_pack("{s:b, s:o}", "success", 1, "message", api_text(span_cstr(text))));
}

static void caller_gone(void *ctx)
{
    struct api_waiting *w = ctx;

    w->request = NULL;
}

struct api_waiting *api_wait(struct api_request *r)
{
    struct api_waiting *w = malloc(sizeof *w);

    if (!w) {
        api_reply_error(r, CMD_INTERNAL, "Out of memory");
        return NULL;
    }
    w->request = r;
    r->gone = caller_gone;
    r->gone_ctx = w;
    return w;
}
