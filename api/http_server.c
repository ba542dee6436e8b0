#include "api/http_server.h"

#include <libwebsockets.h>
#include <stdlib.h>

#include "api/http_private.h"

const struct config *api_config(const struct api *api)
{
    return api->deps.config;
}

uint16_t api_port(const struct api *api)
{
    return api->port;
}

const char *api_where(const struct api *api)
{
    return api->where;
}

/* ---- events -----------------------------------------------------------------------------------
 */

/* The head is complete. Negative: close the connection. */
static int begin(struct api *api, struct lws *wsi, struct connection *c)
{
    const struct caller *who = lws_get_opaque_user_data(wsi);
    struct api_request *r;

    if (!api || !who || who->leaving || c->request || c->answered || api->stopping)
        return -1;
    r = http_request_new(api, wsi);
    if (!r)
        return -1;
    c->request = r;
    if (!http_read_head(r))
        return 0;
    routes_check(r);
    http_body_begin(r);
    return 0;
}

/* Does the API work in this event, so that bridge/pauses.h has to know? api_stop() frees the api:
 * libwebsockets reports no such event after it, only the ends of the last connections. */
static bool is_work(enum lws_callback_reasons reason)
{
    return reason == LWS_CALLBACK_HTTP || reason == LWS_CALLBACK_HTTP_BODY ||
           reason == LWS_CALLBACK_HTTP_BODY_COMPLETION || reason == LWS_CALLBACK_HTTP_WRITEABLE ||
           reason == LWS_CALLBACK_RAW_RX_FILE;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct lws_vhost *vhost = lws_get_vhost(wsi);
    struct api *api = vhost ? lws_vhost_user(vhost) : NULL;
    struct connection *c = user;

    if (api && is_work(reason))
        pauses_mark(loop_pauses(api->deps.loop), "the API's sockets");
    /* Only what is handled here: everything else is libwebsockets' own affair. */
    if (reason == LWS_CALLBACK_HTTP)
        return begin(api, wsi, c);
    if (reason == LWS_CALLBACK_HTTP_BODY)
        return http_body_take(c->request, in, len);
    if (reason == LWS_CALLBACK_HTTP_BODY_COMPLETION) {
        if (c->request)
            http_body_complete(c->request);
        return 0;
    }
    if (reason == LWS_CALLBACK_HTTP_WRITEABLE)
        return http_write(api, wsi, c);
    if (reason == LWS_CALLBACK_HTTP_CONFIRM_UPGRADE)
        return -1; /* no WebSockets here: a page of any origin may open one */
    if (reason == LWS_CALLBACK_RAW_RX_FILE)
        http_accept(api, wsi);
    if (reason == LWS_CALLBACK_CLOSED_HTTP && c && c->request) {
        http_request_abandon(c->request);
        c->request = NULL;
    }
    if (reason == LWS_CALLBACK_WSI_DESTROY)
        http_gone(api, wsi);
    return 0;
}

/* ---- life -------------------------------------------------------------------------------------
 */

static const struct lws_protocols protocols[] = {
    {.name = HTTP_PROTOCOL,
     .callback = on_event,
     .per_session_data_size = sizeof(struct connection)},
    {.name = NULL},
};

enum wb_err api_start(const struct api_deps *d, struct api **ret_api, struct buf *problem)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER, .protocols = protocols, .vhost_name = "api"};
    struct api *api = calloc(1, sizeof *api);
    enum wb_err err;

    if (!api)
        return WB_ERR_NOMEM;
    api->deps = *d;
    callers_init(&api->callers, d->connections_max && d->connections_max < API_CONNECTIONS_MAX
                                    ? d->connections_max
                                    : API_CONNECTIONS_MAX);
    info.user = api;
    api->vhost = lws_create_vhost(loop_lws(d->loop), &info);
    err = api->vhost ? http_listen(api, problem) : WB_ERR_NOMEM;
    if (err != WB_OK) {
        if (api->vhost)
            lws_vhost_destroy(api->vhost);
        free(api);
        return err;
    }
    *ret_api = api;
    return WB_OK;
}

bool api_answers_left(const struct api *api)
{
    for (const struct api_request *r = api->requests; r; r = r->next)
        if (r->answered)
            return true;
    return false;
}

void api_stop(struct api *api)
{
    if (!api)
        return;
    api->stopping = true;
    for (struct api_request *r = api->requests, *next; r; r = next) {
        struct connection *c = lws_wsi_user(r->wsi);
        next = r->next;
        if (c)
            c->request = NULL;
        http_request_abandon(r);
    }
    http_forget_all(api);
    /* The vhost goes with the context: connections may still be closing. */
    lws_vhost_destroy(api->vhost);
    free(api);
}
