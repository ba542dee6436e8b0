/* api.h - the HTTP API of one bridge (docs/api.md). JSON in and out; it knows
 * the bridge by the headers of its calls (bridge/calls/, *_calls.h), its loop and its settings; no
 * stanza, key or SQL. */
#ifndef API_API_H
#define API_API_H

#include "base/log.h"
#include "bridge/platform/loop.h"
#include "bridge/settings/config.h"

struct bridge;
struct api;

struct api_deps {
    struct bridge *bridge;
    struct loop *loop;
    const struct config *config; /* token and hosts are read at each request, so a SIGHUP applies at
                                  * once */
    struct log *log;
    /* How many connections there is room for, and the descriptors that connections may use (below
     * this number), as bridge/platform/fd_budget.h shares them out; 0: up to API_CONNECTIONS_MAX,
     * and any descriptor. */
    size_t connections_max, descriptors_below;
};

/* Listens on config->bind:port, as base/listen.h says. NET, IO: as listen_open(), with the reason
 * in problem; NOMEM. */
enum wb_err api_start(const struct api_deps *d, struct api **ret_api,
                      struct buf *problem) WB_MUST_CHECK;
/* The port in use (config->port may be 0). */
uint16_t api_port(const struct api *api);
/* The addresses in use, "127.0.0.1, ::1" for example. */
const char *api_where(const struct api *api);
/* Addresses of the bind name that this machine does not have, "::1" for example; "": none. */
const char *api_missing(const struct api *api);
/* Is there an answer that is not yet written? */
bool api_answers_left(const struct api *api);
/* Ends all requests; NULL-safe. To be called before the loop is freed. */
void api_stop(struct api *api);

#endif
