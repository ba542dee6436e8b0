#include "bridge/platform/ws_client.h"

void ws_client_free(struct ws_client *c)
{
    if (c)
        c->ops->free(c);
}

enum wb_err ws_client_open(struct ws_client *c, const struct ws_target *target)
{
    return c->ops->open(c, target);
}

enum wb_err ws_client_send(struct ws_client *c, struct span bytes)
{
    return c->ops->send(c, bytes);
}

enum wb_err ws_client_would_send(const struct ws_client *c, size_t n)
{
    return c->ops->would_send(c, n);
}

uint64_t ws_client_taken(const struct ws_client *c)
{
    return c->ops->taken(c);
}

size_t ws_client_waiting(const struct ws_client *c)
{
    return c->ops->waiting(c);
}

struct tcp_uplink ws_client_uplink(const struct ws_client *c)
{
    return c->ops->uplink(c);
}

void ws_client_read(struct ws_client *c, bool on)
{
    c->ops->read(c, on);
}

void ws_client_close(struct ws_client *c)
{
    c->ops->close(c);
}

void ws_client_abort(struct ws_client *c)
{
    c->ops->abort(c);
}

bool ws_client_active(const struct ws_client *c)
{
    return c->ops->active(c);
}

bool ws_client_readable(const struct ws_client *c)
{
    return c->ops->readable(c);
}
