/* ws_reach.h - why a server cannot be reached, in words for people. libwebsockets does not hand
 * on the system's error, so after a failure, and only then, the system is asked once more. */
#ifndef BRIDGE_PLATFORM_WS_REACH_H
#define BRIDGE_PLATFORM_WS_REACH_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct jobs;

enum {
    WS_WORDS_MAX = 400, /* a host of WS_HOST_MAX and a sentence */
    /* Until a refusal must have come back from the other side of the world. */
    REACH_WAIT_MS = 2000,
    REACH_AT_ONCE_MS = 10,   /* for this machine's own refusal; waited for on the loop */
    REACH_ADDRESSES_MAX = 8, /* addresses of one name; more are not tried */
};

struct ws_reach_names {
    int error; /* of getaddrinfo() */
    size_t n;
    char addresses[REACH_ADDRESSES_MAX][INET6_ADDRSTRLEN];
};
typedef void ws_reach_names_fn(void *ctx, uint64_t attempt, const struct ws_reach_names *names);
typedef void ws_reach_why_fn(void *ctx, uint64_t attempt, int error);

/* A worker looks a name up; fn is called on the loop with ctx and attempt, unless the jobs end
 * before. NOMEM and what jobs_run() says. */
enum wb_err ws_reach_names_start(struct jobs *jobs, const char *host, uint64_t attempt,
                                 ws_reach_names_fn *fn, void *ctx) WB_MUST_CHECK;
/* The same for ws_reach_errno() with REACH_WAIT_MS. */
enum wb_err ws_reach_why_start(struct jobs *jobs, const char *address, uint16_t port,
                               uint64_t attempt, ws_reach_why_fn *fn, void *ctx) WB_MUST_CHECK;

/* errno of a TCP connection to this address (numeric): 0: it can be made; EINPROGRESS: nothing came
 * within wait_ms. Without a route nothing is sent. Waits up to wait_ms. */
int ws_reach_errno(const char *address, uint16_t port, int wait_ms);
/* Is it this machine that has no way there (no route, network down), and not the other end? */
bool ws_reach_is_ours(int error);
/* "connection refused (firewall or proxy?)" and the like. */
const char *ws_reach_words(int error);
/* What getaddrinfo() says of a name: "no name server knows it" ... */
const char *ws_reach_name_words(int gai_error);
/* Has the TCP connection of this socket been made? */
bool ws_reach_connected(int fd);

#endif
