/* POST /api/reconnect, /api/pair, /api/unlink: commands without parameters, so a body may have no
 * fields. */
#include <stdlib.h>

#include "api/call/fields.h"
#include "api/route/route.h"

/* If the caller leaves while the command runs, the command goes on. */
static void done(void *ctx, enum cmd_result result, const char *text)
{
    struct api_waiting *w = ctx;

    if (w->request && (result == CMD_OK || result == CMD_ACCEPTED))
        api_reply_done(w->request, cmd_result_http_status(result), text);
    else if (w->request)
        api_reply_error(w->request, result, text);
    free(w);
}

static void run(struct api_request *r,
                void (*command)(struct bridge *b, command_done_fn *done_fn, void *ctx))
{
    static const char *const names[] = {NULL};
    static const struct api_fields none = {names, NULL};
    json_t *body = api_body(r, &none);
    struct api_waiting *w;

    if (!body)
        return;
    json_decref(body);
    w = api_wait(r);
    if (w)
        command(r->bridge, done, w);
}

static void handle_reconnect(struct api_request *r)
{
    run(r, bridge_reconnect);
}

static void handle_pair(struct api_request *r)
{
    run(r, bridge_pair);
}

static void handle_unlink(struct api_request *r)
{
    run(r, bridge_unlink);
}

const struct api_route route_reconnect = {API_POST, "/api/reconnect", handle_reconnect};
const struct api_route route_pair = {API_POST, "/api/pair", handle_pair};
const struct api_route route_unlink = {API_POST, "/api/unlink", handle_unlink};
