#include "api/auth.h"
#include "api/http_server.h"
#include "api/route.h"

static const struct api_route *const routes[] = {
    &route_health,
    &route_qr,
    &route_qr_svg,
    &route_qr_png,
    &route_pair_code,
    &route_pair_code_new,
    &route_send,
    &route_send_message,
    &route_groups,
    &route_reconnect,
    &route_pair,
    &route_unlink,
    &route_download,
    &route_passkey,
    &route_passkey_response,
    &route_passkey_confirm,
    &route_pair_page,
    &route_pair_script,
    &route_pair_style,
};

/* Without a token: a browser sends none with an address. */
static const struct api_route *const open_routes[] = {&route_pair_page, &route_pair_script,
                                                      &route_pair_style};

static bool is_open(const char *path)
{
    for (size_t i = 0; i < sizeof open_routes / sizeof *open_routes; i++)
        if (strcmp(open_routes[i]->path, path) == 0)
            return true;
    return false;
}

static bool allowed(struct api_request *r)
{
    const struct auth_headers h = {r->host, r->origin, r->authorization};

    switch (auth_check(api_config(r->api), api_port(r->api), &h)) {
    case AUTH_OK:
        return true;
    case AUTH_NO_TOKEN:
        if (is_open(r->path))
            return true;
        api_reply_error(r, CMD_UNAUTHORIZED, "Send the token as 'Authorization: Bearer <token>'");
        return false;
    case AUTH_FOREIGN_HOST:
        api_reply_error(r, CMD_FORBIDDEN_ORIGIN,
                        "The Host header names another machine; a name of your own goes into the "
                        "setting api_hosts");
        return false;
    case AUTH_FOREIGN_ORIGIN:
        api_reply_error(r, CMD_FORBIDDEN_ORIGIN, "Web pages of another origin may not call");
        return false;
    }
    return false;
}

static const char *allow_of(const char *path)
{
    bool get = false, post = false;

    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (strcmp(routes[i]->path, path) == 0) {
            get |= routes[i]->method == API_GET;
            post |= routes[i]->method == API_POST;
        }
    return get && post ? "GET, HEAD, POST" : get ? "GET, HEAD" : post ? "POST" : NULL;
}

void routes_dispatch(struct api_request *r)
{
    enum api_method method = r->method == API_HEAD ? API_GET : r->method;

    if (r->header_too_long) {
        api_reply_error(r, CMD_BAD_REQUEST, "A header value is too long");
        return;
    }
    if (!allowed(r))
        return;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (routes[i]->method == method && strcmp(routes[i]->path, r->path) == 0) {
            routes[i]->handle(r);
            return;
        }
    r->allow = allow_of(r->path);
    if (r->allow)
        api_reply_error(r, CMD_METHOD_NOT_ALLOWED,
                        "Method not allowed; the Allow header says which");
    else
        api_reply_error(r, CMD_NOT_FOUND, "There is no such call; see the README");
}
