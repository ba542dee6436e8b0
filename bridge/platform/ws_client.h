/* ws_client.h - the one WebSocket to WhatsApp: bytes in, bytes out, how it ended. Knows nothing
 * of WhatsApp's frames. (P-WS-01, P-WS-02, P-WS-04, P-WS-13: URL, headers, binary messages
 * only.) */
#ifndef BRIDGE_PLATFORM_WS_CLIENT_H
#define BRIDGE_PLATFORM_WS_CLIENT_H

#include "base/buf.h"
#include "bridge/platform/loop.h"
#include "bridge/platform/tcp_uplink.h"

struct ws_client;

enum ws_end {
    WS_END_CLOSED,      /* we or the server closed an open socket */
    WS_END_REFUSED,     /* the other end closed it before it had answered the upgrade */
    WS_END_NO_NETWORK,  /* this machine has no way there: no route, network down */
    WS_END_NAME,        /* the host's name is not known, or cannot be looked up */
    WS_END_UNREACHABLE, /* no TCP connection: refused, host unreachable, no answer */
    WS_END_TLS,         /* certificate or TLS failure */
    WS_END_CLOCK,       /* the certificate is not valid at this machine's time */
    WS_END_HTTP,        /* the upgrade was answered with another status */
    WS_END_TIMEOUT,     /* connected, and then no answer in TLS or to the upgrade */
};

struct ws_end_info {
    enum ws_end end;
    int http_status;    /* WS_END_HTTP; 0 when unknown */
    unsigned ws_status; /* close code of the peer, 0 when none */
    const char *text;   /* a sentence for people, who and what; never NULL */
};

struct ws_callbacks {
    void (*open)(void *ctx);
    /* Bytes of binary messages, cut anywhere; borrowed for the call. Returns false to stop
     * reading: the owner has closed. */
    bool (*receive)(void *ctx, struct span bytes);
    /* A message has left the queue: there is more room (ws_client_waiting()). NULL: not asked for.
     */
    void (*drained)(void *ctx);
    /* Exactly once per successful ws_client_open(), after which no other callback comes. */
    void (*ended)(void *ctx, const struct ws_end_info *info);
    void *ctx;
};

struct ws_target {
    const char *url;     /* ws://host:port/path or wss://...; IPv6 hosts in [] */
    const char *ca_file; /* "": the system's */
};

/* Who carries the bytes: a socket of libwebsockets (ws_client_new()), or another that begins with a
 * struct ws_client. The functions below call these. */
struct ws_ops {
    void (*free)(struct ws_client *c);
    enum wb_err (*open)(struct ws_client *c, const struct ws_target *target);
    enum wb_err (*send)(struct ws_client *c, struct span bytes);
    enum wb_err (*would_send)(const struct ws_client *c, size_t n);
    uint64_t (*taken)(const struct ws_client *c);
    size_t (*waiting)(const struct ws_client *c);
    struct tcp_uplink (*uplink)(const struct ws_client *c);
    void (*read)(struct ws_client *c, bool on);
    void (*close)(struct ws_client *c);
    void (*abort)(struct ws_client *c);
    bool (*active)(const struct ws_client *c);
    bool (*readable)(const struct ws_client *c);
};
struct ws_client {
    const struct ws_ops *ops;
};

struct jobs;

/* Names are resolved on a worker of jobs. */
enum wb_err ws_client_new(struct loop *l, struct jobs *jobs, const struct ws_callbacks *cb,
                          struct ws_client **ret_c) WB_MUST_CHECK;
void ws_client_free(struct ws_client *c); /* NULL-safe */

/* STATE when a socket is still there, INVALID url, NOMEM. Failures to connect come as ended(),
 * never from within this call. */
enum wb_err ws_client_open(struct ws_client *c, const struct ws_target *target) WB_MUST_CHECK;
/* Queues one binary message (copied). STATE when not open, NOMEM; TOO_LARGE when more than
 * WS_SEND_QUEUE_BYTES_MAX would wait: then nothing is queued and the connection goes on. */
enum wb_err ws_client_send(struct ws_client *c, struct span bytes) WB_MUST_CHECK;
/* Would a message of n bytes be queued? OK, or what ws_client_send() would say. */
enum wb_err ws_client_would_send(const struct ws_client *c, size_t n) WB_MUST_CHECK;
/* Bytes queued on this connection since it opened, and how many of them the system has not taken
 * yet. */
uint64_t ws_client_taken(const struct ws_client *c);
size_t ws_client_waiting(const struct ws_client *c);
/* How far the system has come with the bytes that it has taken; zeroes without a socket. */
struct tcp_uplink ws_client_uplink(const struct ws_client *c);
/* Stops (false) or resumes (true) reading; bytes that were read already may still come. */
void ws_client_read(struct ws_client *c, bool on);
/* Closes with code 1000 after the queued messages; ended() follows within CONN_CLOSE_TIMEOUT_MS.
 * Before the upgrade it gives up the attempt. Harmless when there is no socket. */
void ws_client_close(struct ws_client *c);
/* Ends the connection without a close frame, for a server that no longer answers; ended()
 * follows in this iteration of the loop. Harmless when there is no socket. */
void ws_client_abort(struct ws_client *c);
/* True from a successful ws_client_open() until ended(). */
bool ws_client_active(const struct ws_client *c);
/* Are there bytes that the next iteration will bring? */
bool ws_client_readable(const struct ws_client *c);

#endif
