/* keepalive.h - pings, and noticing that a socket is dead (P-LG-21..23). */
#ifndef BRIDGE_CONN_KEEPALIVE_H
#define BRIDGE_CONN_KEEPALIVE_H

#include "base/err.h"

struct bridge;
struct keepalive;

enum wb_err keepalive_new(struct bridge *b, struct keepalive **ret_k) WB_MUST_CHECK;
void keepalive_free(struct keepalive *k);
/* Runs from <success> until the stream ends. All functions are NULL-safe. */
void keepalive_start(struct keepalive *k);
void keepalive_stop(struct keepalive *k);
/* Something was sent / received on the stream. */
void keepalive_sent(struct keepalive *k);
void keepalive_heard(struct keepalive *k);

#endif
