#include "bridge/platform/ws_url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/span.h"

bool ws_url_parse(const char *text, struct ws_url *ret_url)
{
    struct ws_url u = {0};
    size_t n;
    uint64_t port;

    if (strncmp(text, "wss://", 6) == 0)
        u.tls = true;
    else if (strncmp(text, "ws://", 5) != 0)
        return false;
    text += u.tls ? 6 : 5;
    if (*text == '[') {
        text++;
        n = strcspn(text, "]");
        if (text[n] != ']')
            return false;
    } else {
        n = strcspn(text, ":/?#");
    }
    if (n == 0 || n >= sizeof u.host)
        return false;
    memcpy(u.host, text, n);
    text += n + (text[n] == ']');
    u.port = u.tls ? 443 : 80;
    if (*text == ':') {
        n = strcspn(++text, "/?#");
        if (!span_to_u64(SPAN(text, n), &port) || port == 0 || port > 65535)
            return false;
        u.port = (uint16_t)port;
        text += n;
    }
    if ((*text && *text != '/') || strlen(text) >= sizeof u.path || strchr(text, ' '))
        return false;
    snprintf(u.path, sizeof u.path, "%s", *text ? text : "/");
    *ret_url = u;
    return true;
}

bool ws_url_valid(const char *url)
{
    struct ws_url u;

    return ws_url_parse(url, &u);
}

bool ws_url_host_is_address(const char *host)
{
    uint8_t scratch[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, scratch) == 1 || inet_pton(AF_INET6, host, scratch) == 1;
}
