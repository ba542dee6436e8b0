/* auth.h - who may call: a token where one is set, no web page of somebody else (a foreign Origin,
 * or a Host that is not ours: DNS rebinding). */
#ifndef API_CALL_AUTH_H
#define API_CALL_AUTH_H

#include "base/err.h"
#include "bridge/settings/config.h"

struct auth_headers {
    const char *host;   /* "" when absent: HTTP/1.0, which no browser speaks */
    const char *origin; /* "" when absent */
    const char *authorization;
    const char *local; /* our address that the caller connected to, "" when not known */
    bool from_here;    /* the address of the caller itself, as the kernel knows it, is loopback */
};

enum auth_result {
    AUTH_OK,
    AUTH_NO_TOKEN,
    AUTH_NOT_FROM_HERE,
    AUTH_FOREIGN_HOST,
    AUTH_FOREIGN_ORIGIN
};

/* NOT_FROM_HERE: no token is set, and a caller of another address than loopback would be let in by
 * nothing but our trust in how the network is made.
 * port: the one we listen on. Hosts that are ours: the bind address, the one that the caller
 * connected to (a browser that was sent here by another's DNS names a host), localhost and the
 * loopback addresses, and config->api_hosts. An Origin must be http(s):// one of them with our port
 * (or, for api_hosts, the name as written there: a proxy may stand before us). */
enum auth_result auth_check(const struct config *c, uint16_t port, const struct auth_headers *h);

#endif
