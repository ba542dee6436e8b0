/* ws_url.h - "ws[s]://host[:port][/path]" in its parts. */
#ifndef BRIDGE_PLATFORM_WS_URL_H
#define BRIDGE_PLATFORM_WS_URL_H

#include <stdbool.h>
#include <stdint.h>

enum { WS_HOST_MAX = 256, WS_PATH_MAX = 1024 };

struct ws_url {
    bool tls;
    char host[WS_HOST_MAX]; /* an IPv6 address without its brackets */
    char path[WS_PATH_MAX];
    uint16_t port;
};

/* False: the text is no such URL, or a part is longer than the limits above. */
bool ws_url_parse(const char *text, struct ws_url *ret_url);
bool ws_url_valid(const char *url);
/* Is the host an IPv4 or IPv6 address, and no name? */
bool ws_url_host_is_address(const char *host);

#endif
