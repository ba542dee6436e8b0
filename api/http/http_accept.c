/* Sockets that we open ourselves, for the reasons in base/listen.h: libwebsockets watches them like
 * any descriptor, and serves the connections that we accept. */
#include <errno.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "api/http/http_private.h"

/* ---- deadlines ---- */

static struct http_server *server_of(const struct caller *who)
{
    return lws_vhost_user(lws_get_vhost(who->link));
}

/* Closes in the loop's next iteration: this may run in an event of the same connection. */
static void send_away(void *ctx)
{
    struct caller *who = ctx;

    if (who->leaving)
        return;
    who->leaving = true;
    lws_set_timeout(who->link, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

void http_send_away(struct caller *who)
{
    http_no_deadline(server_of(who), who);
    send_away(who);
}

void http_deadline(struct http_server *server, struct caller *who, int64_t ms)
{
    timer_start(loop_timers(server->deps.loop), &who->deadline, ms, send_away, who);
}

void http_no_deadline(struct http_server *server, struct caller *who)
{
    timer_stop(loop_timers(server->deps.loop), &who->deadline);
}

/* ---- callers ---- */

/* The caller has sent bytes that we have not read yet: it is not silent, we are late. */
static bool is_waiting(const struct caller *who)
{
    int n = 0;

    return ioctl(lws_get_socket_fd(who->link), FIONREAD, &n) == 0 && n > 0;
}

/* Closes the oldest stranger when the system or libwebsockets has no place left though our own
 * limit is not reached. */
static void make_room(struct http_server *server)
{
    for (size_t left = (callers_strangers(&server->callers) + 1) / 2; left > 0; left--) {
        struct caller *out = callers_oldest(&server->callers, is_waiting);

        if (out)
            http_send_away(out);
    }
}

/* Hands the socket to libwebsockets as a plain descriptor: so libwebsockets tells when there is
 * something to read or room to write, and sets no timers of its own, which would end long waits. */
static void take(struct http_server *server, int fd, const struct ip *address)
{
    bool room;
    struct caller *out = callers_in_the_way(&server->callers, address, is_waiting, &room), *who;
    lws_adopt_desc_t d = {.vh = server->vhost,
                          .type = LWS_ADOPT_RAW_FILE_DESC,
                          .vh_prot_name = HTTP_PROTOCOL,
                          .fd.filefd = fd};

    if (out)
        http_send_away(out);
    who = room ? callers_add(&server->callers, address) : NULL;
    if (!who) {
        close(fd);
        return;
    }
    d.opaque = who;
    who->link = lws_adopt_descriptor_vhost_via_info(&d);
    if (who->link) {
        http_deadline(server, who, API_HEAD_MS);
        return;
    }
    callers_remove(&server->callers, who); /* the vhost keeps the descriptor until the vhost ends */
    make_room(server);
}

static void flow(struct http_server *server, int on)
{
    for (size_t i = 0; i < server->nlistening; i++)
        lws_rx_flow_control(server->listening[i], on);
}

static void go_on(void *ctx)
{
    flow(ctx, 1);
}

/* Is this descriptor, of a connection just accepted, outside those that connections may use? */
static bool is_set_aside(const struct http_server *server, int fd)
{
    return server->deps.descriptors_below > 0 && (size_t)fd >= server->deps.descriptors_below;
}

/* No descriptors are left, or no caller can go: newcomers wait in the kernel's queue, for the
 * places of the oldest strangers and of callers that are just being answered. Without the pause the
 * socket would stay readable and the loop would never rest. */
static void pause_accepting(struct http_server *server)
{
    make_room(server);
    flow(server, 0);
    timer_start(loop_timers(server->deps.loop), &server->pause, API_ACCEPT_PAUSE_MS, go_on, server);
}

void http_accept(struct http_server *server, struct lws *listening)
{
    for (int n = 0; n < API_ACCEPTS_MAX; n++) {
        struct ip peer;
        int fd;

        if (callers_full(&server->callers)) {
            pause_accepting(server);
            return;
        }
        fd = listen_accept(lws_get_socket_fd(listening), &peer);

        if (fd >= 0 && is_set_aside(server, fd)) {
            close(fd);
            pause_accepting(server);
            return;
        }
        if (fd >= 0)
            take(server, fd, &peer);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(server);
        if (fd < 0)
            return;
    }
}

void http_gone(struct http_server *server, struct lws *wsi)
{
    struct caller *who = lws_get_opaque_user_data(wsi);

    if (!who)
        return;
    lws_set_opaque_user_data(wsi, NULL);
    http_no_deadline(server, who);
    callers_remove(&server->callers, who);
}

void http_forget_all(struct http_server *server)
{
    timer_stop(loop_timers(server->deps.loop), &server->pause);
    while (server->callers.first)
        http_gone(server, server->callers.first->link);
}

/* ---- listening ---- */

enum wb_err http_listen(struct http_server *server, struct buf *problem)
{
    struct listeners l;
    enum wb_err err = listen_open(server->deps.bind, server->deps.bind_port, &l, problem);

    if (err != WB_OK)
        return err;
    server->port = l.port;
    memcpy(server->where, l.where, sizeof server->where);
    memcpy(server->missing, l.missing, sizeof server->missing);
    while (l.n > 0) {
        lws_sock_file_fd_type fd = {.filefd = l.fd[l.n - 1]};
        struct lws *wsi = lws_adopt_descriptor_vhost(server->vhost, LWS_ADOPT_RAW_FILE_DESC, fd,
                                                     HTTP_PROTOCOL, NULL);

        if (!wsi) {
            listen_close(&l);
            return WB_ERR_NOMEM;
        }
        server->listening[server->nlistening++] = wsi;
        l.n--;
    }
    return WB_OK;
}
