/* Our own sockets, for base/listen.h's reasons: libwebsockets watches them as it does any
 * descriptor, and serves whom we accept. */
#include <errno.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "api/http_private.h"

/* ---- deadlines --------------------------------------------------------------------------------
 */

static struct api *api_of(const struct caller *who)
{
    return lws_vhost_user(lws_get_vhost(who->link));
}

/* In the loop's next iteration: it may be in an event of this very connection now. */
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
    http_no_deadline(api_of(who), who);
    send_away(who);
}

void http_deadline(struct api *api, struct caller *who, int64_t ms)
{
    timer_start(loop_timers(api->deps.loop), &who->deadline, ms, send_away, who);
}

void http_no_deadline(struct api *api, struct caller *who)
{
    timer_stop(loop_timers(api->deps.loop), &who->deadline);
}

/* ---- callers ----------------------------------------------------------------------------------
 */

/* It has sent something that we have not read yet: it is not silent, we are late. */
static bool is_waiting(const struct caller *who)
{
    int n = 0;

    return ioctl(lws_get_socket_fd(who->link), FIONREAD, &n) == 0 && n > 0;
}

/* For when the system or libwebsockets has no place left, below our own limit. */
static void make_room(struct api *api)
{
    for (size_t left = (callers_strangers(&api->callers) + 1) / 2; left > 0; left--) {
        struct caller *out = callers_oldest(&api->callers, is_waiting);

        if (out)
            http_send_away(out);
    }
}

/* A socket is a descriptor like any other to libwebsockets: it tells when there is something to
 * read or room to write, and has no timers of its own for it, which would end what waits longer. */
static void take(struct api *api, int fd, const struct ip *address)
{
    bool room;
    struct caller *out = callers_in_the_way(&api->callers, address, is_waiting, &room), *who;
    lws_adopt_desc_t d = {.vh = api->vhost,
                          .type = LWS_ADOPT_RAW_FILE_DESC,
                          .vh_prot_name = HTTP_PROTOCOL,
                          .fd.filefd = fd};

    if (out)
        http_send_away(out);
    who = room ? callers_add(&api->callers, address) : NULL;
    if (!who) {
        close(fd);
        return;
    }
    d.opaque = who;
    who->link = lws_adopt_descriptor_vhost_via_info(&d);
    if (who->link) {
        http_deadline(api, who, API_HEAD_MS);
        return;
    }
    callers_remove(&api->callers, who); /* the vhost has the descriptor, until its end */
    make_room(api);
}

static void flow(struct api *api, int on)
{
    for (size_t i = 0; i < api->nlistening; i++)
        lws_rx_flow_control(api->listening[i], on);
}

static void go_on(void *ctx)
{
    flow(ctx, 1);
}

/* Is this descriptor, of a connection that was just accepted, one of those set aside for us? */
static bool is_set_aside(const struct api *api, int fd)
{
    return api->deps.descriptors_below > 0 && (size_t)fd >= api->deps.descriptors_below;
}

/* No descriptors, or nobody who could go: the callers wait in the kernel's queue, for the places of
 * the oldest strangers and of those who are just answered. Without the pause the socket would stay
 * readable and the loop would never rest. */
static void pause_accepting(struct api *api)
{
    make_room(api);
    flow(api, 0);
    timer_start(loop_timers(api->deps.loop), &api->pause, API_ACCEPT_PAUSE_MS, go_on, api);
}

void http_accept(struct api *api, struct lws *listening)
{
    for (int n = 0; n < API_ACCEPTS_MAX; n++) {
        struct ip peer;
        int fd;

        if (callers_full(&api->callers)) {
            pause_accepting(api);
            return;
        }
        fd = listen_accept(lws_get_socket_fd(listening), &peer);

        if (fd >= 0 && is_set_aside(api, fd)) {
            close(fd);
            pause_accepting(api);
            return;
        }
        if (fd >= 0)
            take(api, fd, &peer);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(api);
        if (fd < 0)
            return;
    }
}

void http_gone(struct api *api, struct lws *wsi)
{
    struct caller *who = lws_get_opaque_user_data(wsi);

    if (!who)
        return;
    lws_set_opaque_user_data(wsi, NULL);
    http_no_deadline(api, who);
    callers_remove(&api->callers, who);
}

void http_forget_all(struct api *api)
{
    timer_stop(loop_timers(api->deps.loop), &api->pause);
    while (api->callers.first)
        http_gone(api, api->callers.first->link);
}

/* ---- listening --------------------------------------------------------------------------------
 */

enum wb_err http_listen(struct api *api, struct buf *problem)
{
    struct listeners l;
    enum wb_err err = listen_open(api->deps.config->bind, api->deps.config->port, &l, problem);

    if (err != WB_OK)
        return err;
    api->port = l.port;
    memcpy(api->where, l.where, sizeof api->where);
    memcpy(api->missing, l.missing, sizeof api->missing);
    while (l.n > 0) {
        lws_sock_file_fd_type fd = {.filefd = l.fd[l.n - 1]};
        struct lws *wsi = lws_adopt_descriptor_vhost(api->vhost, LWS_ADOPT_RAW_FILE_DESC, fd,
                                                     HTTP_PROTOCOL, NULL);

        if (!wsi) {
            listen_close(&l);
            return WB_ERR_NOMEM;
        }
        api->listening[api->nlistening++] = wsi;
        l.n--;
    }
    return WB_OK;
}
