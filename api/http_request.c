#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

#include "api/http_private.h"

/* ---- memory -----------------------------------------------------------------------------------
 */

struct api_request *http_request_new(struct api *api, struct lws *wsi)
{
    struct api_request *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->api = api;
    r->bridge = api->deps.bridge;
    r->wsi = wsi;
    r->caller = lws_get_opaque_user_data(wsi);
    r->body = buf_new(API_BODY_BYTES_MAX);
    r->reply = buf_new(API_REPLY_BYTES_MAX);
    r->arena = arena_new(API_ARENA_BYTES_MAX);
    r->next = api->requests;
    if (r->next)
        r->next->prev = r;
    api->requests = r;
    return r;
}

void http_request_free(struct api_request *r)
{
    struct api *api = r->api;

    if (r->prev)
        r->prev->next = r->next;
    else
        api->requests = r->next;
    if (r->next)
        r->next->prev = r->prev;
    timer_stop(loop_timers(api->deps.loop), &r->look);
    (void)callers_hold_body(&api->callers, r->caller, 0);
    buf_free(&r->body);
    buf_free(&r->reply);
    arena_free(&r->arena);
    free(r);
}

void http_request_abandon(struct api_request *r)
{
    if (r->gone)
        r->gone(r->gone_ctx);
    http_request_free(r);
}

/* ---- the head ---------------------------------------------------------------------------------
 */

static void copy_header(struct api_request *r, enum lws_token_indexes token, char *out)
{
    int n = lws_hdr_total_length(r->wsi, token);

    if (n <= 0)
        return;
    if (n >= API_HEADER_VALUE_MAX || lws_hdr_copy(r->wsi, out, API_HEADER_VALUE_MAX, token) < 0)
        r->header_too_long = true;
}

static void copy_idempotency_key(struct api_request *r)
{
    static const char name[] = "idempotency-key:";
    int n = lws_hdr_custom_length(r->wsi, name, sizeof name - 1);

    if (n <= 0)
        return;
    if (n >= API_HEADER_VALUE_MAX ||
        lws_hdr_custom_copy(r->wsi, r->idempotency_key, API_HEADER_VALUE_MAX, name,
                            sizeof name - 1) < 0)
        r->header_too_long = true;
}

/* Both ends as the kernel knows them, whatever the settings or the headers say. */
static void note_addresses(struct api_request *r)
{
    int fd = lws_get_socket_fd(r->wsi);
    struct ip ip;

    r->local[0] = '\0';
    if (ip_of_socket(fd, &ip))
        ip_text(&ip, r->local);
    r->from_here = ip_of_peer(fd, &ip) && ip_is_loopback(&ip);
}

/* libwebsockets files the request line under a token per method. */
static bool read_method(struct api_request *r)
{
    static const struct {
        enum lws_token_indexes token;
        enum api_method method;
    } methods[] = {
        {WSI_TOKEN_GET_URI, API_GET},         {WSI_TOKEN_POST_URI, API_POST},
        {WSI_TOKEN_HEAD_URI, API_HEAD},       {WSI_TOKEN_PUT_URI, API_PUT},
        {WSI_TOKEN_PATCH_URI, API_PATCH},     {WSI_TOKEN_DELETE_URI, API_DELETE},
        {WSI_TOKEN_OPTIONS_URI, API_OPTIONS},
    };

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (lws_hdr_total_length(r->wsi, methods[i].token) > 0) {
            r->method = methods[i].method;
            return lws_hdr_copy(r->wsi, r->path, sizeof r->path, methods[i].token) > 0;
        }
    return false;
}

/* libwebsockets has cut the query at its '&' and decoded the parts. */
static void copy_query(struct api_request *r)
{
    size_t at = 0;
    int n;

    for (int i = 0; (n = lws_hdr_fragment_length(r->wsi, WSI_TOKEN_HTTP_URI_ARGS, i)) > 0; i++) {
        char *to = r->query + at;

        /* Room for this one, its NUL and the empty one at the end. */
        if (at + (size_t)n + 2 > sizeof r->query ||
            lws_hdr_copy_fragment(r->wsi, to, (int)(sizeof r->query - at - 1),
                                  WSI_TOKEN_HTTP_URI_ARGS, i) < 0 ||
            strlen(to) != (size_t)n) {
            r->bad_query = true;
            return;
        }
        at += (size_t)n + 1;
    }
}

/* A transfer coding that we know, in a request for which libwebsockets reads a body of a length
 * that was not told. */
static bool comes_in_chunks(struct api_request *r)
{
    char coding[16];
    int n = lws_hdr_copy(r->wsi, coding, sizeof coding, WSI_TOKEN_HTTP_TRANSFER_ENCODING);

    return n > 0 && strcasecmp(coding, "chunked") == 0 &&
           (r->method == API_POST || r->method == API_PUT || r->method == API_PATCH);
}

/* How the body comes, if one does. */
static bool read_framing(struct api_request *r)
{
    bool told = lws_hdr_total_length(r->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
    bool coded = lws_hdr_total_length(r->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
    char length[32];
    uint64_t n = 0;

    if (told && (lws_hdr_copy(r->wsi, length, sizeof length, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0 ||
                 !span_to_u64(span_cstr(length), &n))) {
        r->unread = true;
        api_reply_error(r, CMD_BAD_REQUEST, "The Content-Length is no number");
        return false;
    }
    r->in_chunks = coded && !told && comes_in_chunks(r);
    r->body_left = r->in_chunks ? 1 : n;
    r->unread = n > API_DISCARD_BYTES_MAX || (coded && !r->in_chunks);
    if (n <= API_BODY_BYTES_MAX && r->unread) {
        api_reply_error(r, CMD_BAD_REQUEST,
                        "Send the body of a POST with a Content-Length, or in chunks alone");
        return false;
    }
    return true;
}

bool http_read_head(struct api_request *r)
{
    if (!read_method(r)) {
        r->method = API_GET;
        api_reply_error(r, CMD_BAD_REQUEST, "The request line cannot be read or is too long");
        return false;
    }
    note_addresses(r);
    copy_header(r, WSI_TOKEN_HOST, r->host);
    copy_header(r, WSI_TOKEN_ORIGIN, r->origin);
    copy_header(r, WSI_TOKEN_HTTP_AUTHORIZATION, r->authorization);
    copy_header(r, WSI_TOKEN_HTTP_CONTENT_TYPE, r->content_type);
    copy_idempotency_key(r);
    copy_query(r);
    return read_framing(r);
}
