#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

#include "api/http/http_head.h"
#include "api/http/http_private.h"

/* ---- memory ---- */

struct served_request *http_request_new(struct http_server *server, struct lws *wsi)
{
    struct served_request *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->server = server;
    r->api.send_answer = http_send_answer;
    r->api.may_hold = http_may_hold;
    r->wsi = wsi;
    r->caller = lws_get_opaque_user_data(wsi);
    r->api.body = buf_new(API_BODY_BYTES_MAX);
    r->api.reply = buf_new(API_REPLY_BYTES_MAX);
    r->api.arena = arena_new(API_ARENA_BYTES_MAX);
    r->next = server->requests;
    if (r->next)
        r->next->prev = r;
    server->requests = r;
    return r;
}

void http_request_free(struct served_request *r)
{
    struct http_server *server = r->server;

    if (r->prev)
        r->prev->next = r->next;
    else
        server->requests = r->next;
    if (r->next)
        r->next->prev = r->prev;
    loop_defer_cancel(server->deps.loop, &r->writing);
    (void)callers_hold_body(&server->callers, r->caller, 0);
    buf_free(&r->api.body);
    buf_free(&r->api.reply);
    buf_free(&r->output);
    arena_free(&r->api.arena);
    free(r);
}

void http_request_abandon(struct served_request *r)
{
    if (r->api.gone)
        r->api.gone(r->api.gone_ctx);
    http_request_free(r);
}

/* ---- the head ---- */

static void copy_header(struct served_request *r, struct span value, char *out)
{
    if (value.n >= API_HEADER_VALUE_MAX) {
        r->api.header_too_long = true;
        return;
    }
    if (value.n > 0)
        memcpy(out, value.p, value.n);
    out[value.n] = '\0';
}

/* Notes both addresses of the connection as the kernel knows them, whatever the settings or headers
 * say. */
static void note_addresses(struct served_request *r)
{
    int fd = lws_get_socket_fd(r->wsi);
    struct ip ip;

    r->api.local[0] = '\0';
    if (ip_of_socket(fd, &ip))
        ip_text(&ip, r->api.local);
    r->api.from_here = ip_of_peer(fd, &ip) && ip_is_loopback(&ip);
}

static enum api_method method_of(struct span name)
{
    static const struct {
        const char *name;
        enum api_method method;
    } methods[] = {
        {"GET", API_GET},     {"POST", API_POST},     {"HEAD", API_HEAD},       {"PUT", API_PUT},
        {"PATCH", API_PATCH}, {"DELETE", API_DELETE}, {"OPTIONS", API_OPTIONS},
    };

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (span_eq_cstr(name, methods[i].name))
            return methods[i].method;
    return API_OTHER;
}

static bool is_word(struct span s, const char *word)
{
    return s.n == strlen(word) && strncasecmp((const char *)s.p, word, s.n) == 0;
}

/* Reads how the body comes (length or chunks), if there is one. */
static bool read_framing(struct served_request *r, const struct http_head *h)
{
    bool coded = !span_is_null(h->transfer_encoding);
    uint64_t n = 0;

    if (!span_is_null(h->content_length) && !span_to_u64(h->content_length, &n)) {
        r->unread = true;
        api_reply_error(&r->api, CMD_BAD_REQUEST, "The Content-Length is no number");
        return false;
    }
    r->in_chunks =
        coded && span_is_null(h->content_length) && is_word(h->transfer_encoding, "chunked") &&
        (r->api.method == API_POST || r->api.method == API_PUT || r->api.method == API_PATCH);
    r->body_left = r->in_chunks ? 1 : n;
    r->unread = n > API_DISCARD_BYTES_MAX || (coded && !r->in_chunks);
    r->expects_continue = h->may_have_interim && is_word(h->expect, "100-continue");
    if (n <= API_BODY_BYTES_MAX && r->unread) {
        api_reply_error(&r->api, CMD_BAD_REQUEST,
                        "Send the body of a POST with a Content-Length, or in chunks alone");
        return false;
    }
    return true;
}

bool http_read_head(struct served_request *r, struct span head)
{
    const char *problem;
    struct http_head h;

    if (http_head_parse(head, &h, &problem) != WB_OK) {
        http_refuse_head(r, problem);
        return false;
    }
    r->api.method = method_of(h.method);
    r->may_have_interim = h.may_have_interim;
    if (!http_path_decode(h.path, r->api.path, sizeof r->api.path)) {
        http_refuse_head(r, "The path is too long or cannot be read");
        return false;
    }
    note_addresses(r);
    copy_header(r, h.host, r->api.host);
    copy_header(r, h.origin, r->api.origin);
    copy_header(r, h.authorization, r->api.authorization);
    copy_header(r, h.content_type, r->api.content_type);
    copy_header(r, h.idempotency_key, r->api.idempotency_key);
    r->api.bad_query = !http_query_decode(h.query, r->api.query, sizeof r->api.query);
    return read_framing(r, &h);
}

void http_refuse_head(struct served_request *r, const char *problem)
{
    r->unread = r->body_complete = true;
    api_reply_error(&r->api, CMD_BAD_REQUEST, problem);
}
