/* auth.h - who may call: callers with the token if one is set, and no web page of another site (a
 * foreign Origin; or a Host that is not ours, which shows DNS rebinding). */
#ifndef API_CALL_AUTH_H
#define API_CALL_AUTH_H

#include "base/err.h"
#include "bridge/settings/config.h"

struct auth_headers {
    const char *host;   /* "" when absent: HTTP/1.0, which no browser speaks */
    const char *origin; /* "" when absent */
    const char *authorization;
    const char *local; /* our address that the caller connected to, "" when not known */
    bool from_here;    /* the caller's own address, as the kernel knows it, is a loopback one */
};

enum auth_result {
    AUTH_OK,
    AUTH_NO_TOKEN,
    AUTH_NOT_FROM_HERE,
    AUTH_FOREIGN_HOST,
    AUTH_FOREIGN_ORIGIN
};

/* port: the one we listen on. NOT_FROM_HERE: no token is set and the caller's address is not
 * loopback; nothing but trust in the network's layout would let it in.
 *
 * Hosts that are ours: the bind address, the address that the caller connected to (a browser that
 * another site's DNS sent here names a host instead), localhost and the loopback addresses, and
 * config->api_hosts. An Origin must be http(s):// one of them with our port (or, for api_hosts, the
 * name as written there: a proxy may stand before us). */
enum auth_result auth_check(const struct config *c, uint16_t port, const struct auth_headers *h);

#endif
