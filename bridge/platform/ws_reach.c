#include "bridge/platform/ws_reach.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge/platform/jobs.h"
#include "bridge/platform/ws_url.h"

/* Connects only to learn the errno. A datagram socket asks only the routing table and sends
 * nothing. */
static int connect_errno(const struct addrinfo *ai, int type, int wait_ms)
{
    struct pollfd p = {.events = POLLOUT};
    int error = 0;
    socklen_t n = sizeof error;

    p.fd = socket(ai->ai_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (p.fd < 0)
        return errno;
    if (connect(p.fd, ai->ai_addr, ai->ai_addrlen) != 0)
        error = errno;
    if (error == EINPROGRESS && wait_ms > 0 && poll(&p, 1, wait_ms) > 0 &&
        getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
        error = errno;
    close(p.fd);
    return error;
}

int ws_reach_errno(const char *address, uint16_t port, int wait_ms)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *ai;
    char service[8];
    int error;

    snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(address, service, &hints, &ai) != 0)
        return EADDRNOTAVAIL;
    error = connect_errno(ai, SOCK_DGRAM, 0);
    if (error == 0)
        error = connect_errno(ai, SOCK_STREAM, wait_ms);
    freeaddrinfo(ai);
    return error;
}

bool ws_reach_is_ours(int error)
{
    return error == ENETUNREACH || error == ENETDOWN || error == EADDRNOTAVAIL ||
           error == EAFNOSUPPORT;
}

const char *ws_reach_words(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return "connection refused (firewall or proxy?)";
    case EHOSTUNREACH:
        return "host unreachable (is it down? a firewall?)";
    case ENETUNREACH:
        return "network unreachable: this machine has no route there (network down?)";
    case ENETDOWN:
        return "this machine's network is down";
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return "this machine has no address of that kind";
    case EACCES:
    case EPERM:
        return "this machine's firewall forbids it";
    case ECONNRESET:
        return "connection reset (firewall or proxy?)";
    case EMFILE:
    case ENFILE:
        return "too many open files";
    case EINPROGRESS:
        return "the connection failed (firewall or proxy?)";
    default:
        return strerror(error);
    }
}

const char *ws_reach_name_words(int gai_error)
{
    switch (gai_error) {
    case EAI_NONAME:
        return "there is no such name (is it spelled right?)";
    case EAI_AGAIN:
        return "no name server answers (network down? firewall?)";
    case EAI_FAIL:
        return "the name server has trouble of its own";
    case 0:
        return "the name has no address";
    default:
        return gai_strerror(gai_error);
    }
}

bool ws_reach_connected(int fd)
{
    struct tcp_info info;
    socklen_t n = sizeof info;

    memset(&info, 0, sizeof info);
    return fd >= 0 && getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 &&
           info.tcpi_state != TCP_SYN_SENT && info.tcpi_state != TCP_CLOSE;
}

/* ---- by a worker ---- */

struct names_job {
    ws_reach_names_fn *fn;
    void *ctx;
    uint64_t attempt;
    char host[WS_HOST_MAX];
    struct ws_reach_names names;
};

static void look_up(void *ctx)
{
    struct names_job *j = ctx;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct ws_reach_names *r = &j->names;
    struct addrinfo *all = NULL;

    r->error = getaddrinfo(j->host, NULL, &hints, &all);
    for (struct addrinfo *ai = all; ai && r->n < REACH_ADDRESSES_MAX; ai = ai->ai_next)
        if (getnameinfo(ai->ai_addr, ai->ai_addrlen, r->addresses[r->n], INET6_ADDRSTRLEN, NULL, 0,
                        NI_NUMERICHOST) == 0)
            r->n++;
    if (all)
        freeaddrinfo(all);
}

/* Takes over job: done() frees it, and so does this function when there is no worker. */
static enum wb_err start(struct jobs *jobs, job_work_fn *work, job_done_fn *done, void *job)
{
    enum wb_err err = jobs_run(jobs, work, done, job);

    if (err != WB_OK)
        free(job);
    return err;
}

static void looked_up(void *ctx, bool ran)
{
    struct names_job *j = ctx;

    if (ran)
        j->fn(j->ctx, j->attempt, &j->names);
    free(j);
}

enum wb_err ws_reach_names_start(struct jobs *jobs, const char *host, uint64_t attempt,
                                 ws_reach_names_fn *fn, void *ctx)
{
    struct names_job *j = calloc(1, sizeof *j);

    if (!j)
        return WB_ERR_NOMEM;
    *j = (struct names_job){.fn = fn, .ctx = ctx, .attempt = attempt};
    snprintf(j->host, sizeof j->host, "%s", host);
    return start(jobs, look_up, looked_up, j);
}

struct why_job {
    ws_reach_why_fn *fn;
    void *ctx;
    uint64_t attempt;
    char address[INET6_ADDRSTRLEN];
    uint16_t port;
    int error;
};

static void ask_why(void *ctx)
{
    struct why_job *j = ctx;

    j->error = ws_reach_errno(j->address, j->port, REACH_WAIT_MS);
}

static void said_why(void *ctx, bool ran)
{
    struct why_job *j = ctx;

    if (ran)
        j->fn(j->ctx, j->attempt, j->error);
    free(j);
}

enum wb_err ws_reach_why_start(struct jobs *jobs, const char *address, uint16_t port,
                               uint64_t attempt, ws_reach_why_fn *fn, void *ctx)
{
    struct why_job *j = calloc(1, sizeof *j);

    if (!j)
        return WB_ERR_NOMEM;
    *j = (struct why_job){.fn = fn, .ctx = ctx, .attempt = attempt, .port = port};
    snprintf(j->address, sizeof j->address, "%s", address);
    return start(jobs, ask_why, said_why, j);
}
