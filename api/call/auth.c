#include "api/call/auth.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/call/limits.h"
#include "base/secret.h"

/* Splits "name", "name:port", "[v6]:port"; port -1 when there is none. False when malformed. */
static bool split_host(struct span authority, struct span *ret_name, int *ret_port)
{
    const uint8_t *colon = NULL;
    size_t n = authority.n;
    uint64_t port;

    if (n > 0 && authority.p[0] == '[') {
        const uint8_t *end = memchr(authority.p, ']', n);

        if (!end)
            return false;
        *ret_name = SPAN(authority.p, (size_t)(end + 1 - authority.p));
        if (ret_name->n < n && authority.p[ret_name->n] != ':')
            return false;
        colon = ret_name->n < n ? end + 1 : NULL;
    } else {
        colon = memchr(authority.p, ':', n);
        *ret_name = colon ? SPAN(authority.p, (size_t)(colon - authority.p)) : authority;
    }
    *ret_port = -1;
    if (!colon)
        return true;
    if (!span_to_u64(span_skip(authority, (size_t)(colon + 1 - authority.p)), &port) ||
        port > 65535)
        return false;
    *ret_port = (int)port;
    return true;
}

static bool name_is(struct span name, const char *text)
{
    return name.n == strlen(text) && strncasecmp((const char *)name.p, text, name.n) == 0;
}

static bool is_address(struct span name, const char *address)
{
    char bracketed[API_ADDRESS_MAX + 2];

    snprintf(bracketed, sizeof bracketed, "[%s]", address);
    return address[0] && (name_is(name, address) || name_is(name, bracketed));
}

static bool is_local_name(const struct config *c, const char *local, struct span name)
{
    return name_is(name, "localhost") || name_is(name, "127.0.0.1") || name_is(name, "[::1]") ||
           is_address(name, c->bind) || is_address(name, local);
}

/* Is `authority` an entry of the comma-separated api_hosts, with or without a port? */
static bool is_listed(const struct config *c, struct span authority, struct span name)
{
    const char *at = c->api_hosts;

    while (*at) {
        size_t n = strcspn(at, ", ");
        struct span entry = SPAN(at, n);

        if (n > 0 && ((entry.n == name.n &&
                       strncasecmp((const char *)entry.p, (const char *)name.p, n) == 0) ||
                      (entry.n == authority.n &&
                       strncasecmp((const char *)entry.p, (const char *)authority.p, n) == 0)))
            return true;
        at += n;
        at += strspn(at, ", ");
    }
    return false;
}

static bool host_is_ours(const struct config *c, const char *local, const char *host)
{
    struct span name;
    int port;

    return split_host(span_cstr(host), &name, &port) &&
           (is_local_name(c, local, name) || is_listed(c, span_cstr(host), name));
}

static bool origin_is_ours(const struct config *c, uint16_t our_port, const char *local,
                           const char *origin)
{
    bool tls = strncasecmp(origin, "https://", 8) == 0;
    struct span authority, name;
    int port;

    if (!tls && strncasecmp(origin, "http://", 7) != 0)
        return false; /* "null" and other schemes */
    authority = span_cstr(origin + (tls ? 8 : 7));
    if (!split_host(authority, &name, &port))
        return false;
    if (port < 0)
        port = tls ? 443 : 80;
    return (is_local_name(c, local, name) && port == our_port) || is_listed(c, authority, name);
}

static bool token_fits(const struct config *c, const char *authorization)
{
    const char *given = authorization;
    size_t n = strlen(c->api_token);

    if (strncasecmp(given, "Bearer ", 7) != 0)
        return false;
    given += 7;
    given += strspn(given, " ");
    return strlen(given) == n && secret_eq(given, c->api_token, n);
}

enum auth_result auth_check(const struct config *c, uint16_t port, const struct auth_headers *h)
{
    if (!h->from_here && !c->api_token[0])
        return AUTH_NOT_FROM_HERE;
    if (h->host[0] && !host_is_ours(c, h->local, h->host))
        return AUTH_FOREIGN_HOST;
    if (h->origin[0] && !origin_is_ours(c, port, h->local, h->origin))
        return AUTH_FOREIGN_ORIGIN;
    if (c->api_token[0] && !token_fits(c, h->authorization))
        return AUTH_NO_TOKEN;
    return AUTH_OK;
}
