#include "api/api.h"

#include <stdlib.h>

#include "api/http/http_server.h"
#include "api/routes.h"

struct api {
    struct api_deps deps;
    struct http_server *server;
};

static void on_request(void *ctx, struct api_request *r)
{
    const struct api *api = ctx;

    r->bridge = api->deps.bridge;
    r->config = api->deps.config;
    r->port = api_port(api);
    routes_check(r);
}

enum wb_err api_start(const struct api_deps *d, struct api **ret_api, struct buf *problem)
{
    struct api *api = calloc(1, sizeof *api);
    enum wb_err err;

    if (!api)
        return WB_ERR_NOMEM;
    api->deps = *d;
    err = http_server_start(&(struct http_server_deps){.loop = d->loop,
                                                       .bind = d->config->bind,
                                                       .bind_port = d->config->port,
                                                       .connections_max = d->connections_max,
                                                       .descriptors_below = d->descriptors_below,
                                                       .on_request = on_request,
                                                       .ctx = api},
                            &api->server, problem);
    if (err != WB_OK) {
        free(api);
        return err;
    }
    *ret_api = api;
    return WB_OK;
}

uint16_t api_port(const struct api *api)
{
    return http_server_port(api->server);
}

const char *api_where(const struct api *api)
{
    return http_server_where(api->server);
}

const char *api_missing(const struct api *api)
{
    return http_server_missing(api->server);
}

bool api_answers_left(const struct api *api)
{
    return http_server_answers_left(api->server);
}

void api_stop(struct api *api)
{
    if (!api)
        return;
    http_server_stop(api->server);
    free(api);
}
