#include "api/routes.h"

#include "api/call/auth.h"

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
    &route_contacts,
    &route_reconnect,
    &route_pair,
    &route_unlink,
    &route_download,
    &route_passkey,
    &route_passkey_response,
    &route_passkey_confirm,
    &route_root,
    &route_pair_page,
    &route_pair_script,
    &route_pair_style,
    &route_outbox,
    &route_outbox_one,
    &route_outbox_cancel,
};

/* These need no token: a browser sends none when a person opens an address. */
static const struct api_route *const open_routes[] = {&route_root, &route_pair_page,
                                                      &route_pair_script, &route_pair_style};

static bool is_open(const char *path)
{
    for (size_t i = 0; i < sizeof open_routes / sizeof *open_routes; i++)
        if (strcmp(open_routes[i]->path, path) == 0)
            return true;
    return false;
}

/* These calls read parameters, and check them themselves. */
static const struct api_route *const asking_routes[] = {&route_outbox, &route_contacts};

/* Read-only calls, which ignore unknown parameters: people add some to keep a picture out of a
 * cache or to mark a monitor's calls. On any other call an unknown parameter is taken for a
 * slip. */
static const struct api_route *const lenient_routes[] = {&route_health, &route_qr, &route_qr_svg,
                                                         &route_qr_png};

static bool may_have_query(const struct api_route *route)
{
    for (size_t i = 0; i < sizeof asking_routes / sizeof *asking_routes; i++)
        if (asking_routes[i] == route)
            return true;
    for (size_t i = 0; i < sizeof lenient_routes / sizeof *lenient_routes; i++)
        if (lenient_routes[i] == route)
            return true;
    return is_open(route->path);
}

/* Calls that are answered at once and cost next to nothing (/health and the pages): they are served
 * however busy the API is. */
static bool is_quick(const struct api_route *route)
{
    return route == &route_health || is_open(route->path);
}

static bool allowed(struct api_request *r)
{
    const struct auth_headers h = {r->host, r->origin, r->authorization, r->local, r->from_here};

    switch (auth_check(r->config, r->port, &h)) {
    case AUTH_OK:
        return true;
    case AUTH_NO_TOKEN:
        if (is_open(r->path))
            return true;
        api_reply_error(r, CMD_UNAUTHORIZED, "Send the token as 'Authorization: Bearer <token>'");
        return false;
    case AUTH_NOT_FROM_HERE:
        api_reply_error(r, CMD_UNAUTHORIZED,
                        "Without a token only this machine itself may call, from a loopback "
                        "address; set one with --api-token-file");
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

/* *ret_param: the text in place of the '*' at the end. */
static bool matches(const char *pattern, const char *path, const char **ret_param)
{
    size_t n = strlen(pattern);

    *ret_param = "";
    if (n == 0 || pattern[n - 1] != '*')
        return strcmp(pattern, path) == 0;
    if (strncmp(pattern, path, n - 1) != 0 || path[n - 1] == '\0')
        return false;
    *ret_param = path + n - 1;
    return true;
}

/* Fills the Allow header of a path that is called with another method; "": there is no such
 * path. */
static void allow_of(struct api_request *r)
{
    static const struct {
        enum api_method method;
        const char *words;
    } all[] = {{API_GET, "GET, HEAD"}, {API_POST, "POST"}, {API_DELETE, "DELETE"}};

    r->allow[0] = '\0';
    for (size_t m = 0; m < sizeof all / sizeof *all; m++)
        for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
            const char *param;
            size_t at = strlen(r->allow);

            if (routes[i]->method != all[m].method || !matches(routes[i]->path, r->path, &param))
                continue;
            snprintf(r->allow + at, sizeof r->allow - at, "%s%s", at ? ", " : "", all[m].words);
            break;
        }
}

/* The text says "Use GET or HEAD", too: few callers look at headers. */
static void method_not_allowed(struct api_request *r)
{
    char text[sizeof "Use " + sizeof r->allow + 1];
    const char *comma = strrchr(r->allow, ',');

    if (comma)
        snprintf(text, sizeof text, "Use %.*s or%s", (int)(comma - r->allow), r->allow, comma + 1);
    else
        snprintf(text, sizeof text, "Use %s", r->allow);
    api_reply_error(r, CMD_METHOD_NOT_ALLOWED, text);
}

static void found(struct api_request *r, const struct api_route *route)
{
    r->handle = route->handle;
    r->call = route->path;
    r->takes_body = route->method == API_POST;
    r->is_quick = is_quick(route);
}

void routes_check(struct api_request *r)
{
    enum api_method method = r->method == API_HEAD ? API_GET : r->method;

    if (r->header_too_long) {
        api_reply_error(r, CMD_BAD_REQUEST, "A header value is too long");
        return;
    }
    if (!allowed(r))
        return;
    if (r->bad_query) {
        api_reply_error(r, CMD_BAD_REQUEST, "The query is too long or cannot be read");
        return;
    }
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (routes[i]->method == method && matches(routes[i]->path, r->path, &r->param)) {
            static const char *const none[] = {NULL};

            if (may_have_query(routes[i]) || api_query_known(r, none))
                found(r, routes[i]);
            return;
        }
    allow_of(r);
    if (r->allow[0])
        method_not_allowed(r);
    else
        api_reply_error(r, CMD_NOT_FOUND, "There is no such call; see the README");
}
