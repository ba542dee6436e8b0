/* server.h - the listening socket: WebSocket at /ws/chat, HTTP for everything else. */
#ifndef MOCK_SERVER_H
#define MOCK_SERVER_H

#include "tools/mock/core/mock.h"

struct server;

/* Listens on 127.0.0.1. cert and key are PEM files for wss, NULL without TLS. Sets m->base_url and
 * the two hooks of m. NULL on failure, which is reported on standard error. */
struct server *server_start(struct mock *m, const char *cert, const char *key);
uint16_t server_port(const struct server *s);
/* Serves until *stop is set. */
void server_run(struct server *s, const volatile int *stop);
void server_stop(struct server *s);

#endif
