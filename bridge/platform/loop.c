#include "bridge/platform/loop.h"

#include <errno.h>
#include <libwebsockets.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "bridge/platform/loop_turn.h"

enum {
    /* One read from a socket. */
    LOOP_READ_BYTES = 16 * 1024,
};

struct post {
    struct post *next;
    loop_fn *fn;
    void *ctx;
};

struct lws_loop {
    struct loop turn; /* first: what others hold is a pointer to it */
    struct lws_context *lws;
    struct lws_vhost *vhost; /* for our own descriptors (timer, signals) */
    int timer_fd, signal_fd; /* owned by libwebsockets once adopted */
    loop_signal_fn *signal_fn;
    void *signal_ctx;
    pthread_mutex_t posts_lock;
    struct post *posts, **posts_end;
};

static struct lws_loop *whole(struct loop *l)
{
    return (struct lws_loop *)l;
}

static void read_timer(int fd)
{
    uint64_t expirations;

    /* Due timers run after every iteration; here the descriptor is only read, so that it stops
     * being readable. */
    if (read(fd, &expirations, sizeof expirations) < 0)
        return;
}

static void read_signals(struct lws_loop *l)
{
    struct signalfd_siginfo info;

    while (read(l->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        if (l->signal_fn)
            l->signal_fn(l->signal_ctx, (int)info.ssi_signo);
}

static int raw_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len)
{
    struct lws_loop *l;
    int fd;

    (void)user;
    (void)in;
    (void)len;
    if (reason != LWS_CALLBACK_RAW_RX_FILE)
        return 0;
    l = lws_context_user(lws_get_context(wsi));
    fd = lws_get_socket_fd(wsi);
    if (fd == l->timer_fd)
        read_timer(fd);
    else if (fd == l->signal_fd)
        read_signals(l);
    return 0;
}

static const struct lws_protocols raw_protocols[] = {
    {.name = "loop", .callback = raw_callback},
    {.name = NULL},
};

static enum wb_err adopt(struct lws_loop *l, int fd)
{
    lws_sock_file_fd_type descriptor = {.filefd = fd};

    return lws_adopt_descriptor_vhost(l->vhost, LWS_ADOPT_RAW_FILE_DESC, descriptor, "loop", NULL)
               ? WB_OK
               : WB_ERR_NOMEM;
}

static enum wb_err open_context(struct lws_loop *l)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = raw_protocols,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                   LWS_SERVER_OPTION_JUST_USE_RAW_ORIGIN,
        .fd_limit_per_thread = LOOP_SOCKETS_MAX,
        .pt_serv_buf_size = LOOP_READ_BYTES,
        /* -1: keep our user and group. The fields are int in Debian 12's libwebsockets, unsigned
         * in Debian 13's. */
        .gid = (__typeof__(info.gid))-1,
        .uid = (__typeof__(info.uid))-1,
        .user = l,
        .vhost_name = "loop",
    };

    lws_set_log_level(0, NULL);
    l->lws = lws_create_context(&info);
    if (!l->lws)
        return WB_ERR_NOMEM;
    info.options = 0;
    l->vhost = lws_create_vhost(l->lws, &info);
    if (!l->vhost)
        return WB_ERR_NOMEM;
    /* BOOTTIME: timers that fell due while the host slept fire when it wakes. */
    l->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    return l->timer_fd < 0 ? WB_ERR_IO : adopt(l, l->timer_fd);
}

enum wb_err loop_new(const struct clock *clock, struct loop **ret_loop)
{
    struct lws_loop *l = calloc(1, sizeof *l);
    enum wb_err err;

    if (!l)
        return WB_ERR_NOMEM;
    loop_turn_init(&l->turn, clock);
    l->timer_fd = l->signal_fd = -1;
    l->posts_end = &l->posts;
    if (pthread_mutex_init(&l->posts_lock, NULL) != 0) {
        free(l);
        return WB_ERR_NOMEM;
    }
    err = open_context(l);
    if (err != WB_OK) {
        loop_free(&l->turn);
        return err;
    }
    *ret_loop = &l->turn;
    return WB_OK;
}

void loop_free(struct loop *turn)
{
    struct lws_loop *l = whole(turn);

    if (!turn)
        return;
    if (l->lws)
        lws_context_destroy(l->lws);
    while (l->posts) {
        struct post *p = l->posts;

        l->posts = p->next;
        free(p);
    }
    pthread_mutex_destroy(&l->posts_lock);
    free(l);
}

struct lws_context *loop_lws(struct loop *l)
{
    return whole(l)->lws;
}

enum wb_err loop_post(struct loop *turn, loop_fn *fn, void *ctx)
{
    struct lws_loop *l = whole(turn);
    struct post *p = malloc(sizeof *p);

    if (!p)
        return WB_ERR_NOMEM;
    *p = (struct post){NULL, fn, ctx};
    pthread_mutex_lock(&l->posts_lock);
    *l->posts_end = p;
    l->posts_end = &p->next;
    pthread_mutex_unlock(&l->posts_lock);
    lws_cancel_service(l->lws);
    return WB_OK;
}

void loop_unpost(struct loop *turn, const void *ctx)
{
    struct lws_loop *l = whole(turn);
    struct post **at = &l->posts;

    pthread_mutex_lock(&l->posts_lock);
    while (*at) {
        struct post *p = *at;

        if (p->ctx != ctx) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        free(p);
    }
    l->posts_end = at;
    pthread_mutex_unlock(&l->posts_lock);
}

enum wb_err loop_watch_signals(struct loop *turn, const int *signals, size_t n, loop_signal_fn *fn,
                               void *ctx)
{
    struct lws_loop *l = whole(turn);
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < n; i++)
        sigaddset(&set, signals[i]);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return WB_ERR_IO;
    l->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (l->signal_fd < 0)
        return WB_ERR_IO;
    l->signal_fn = fn;
    l->signal_ctx = ctx;
    return adopt(l, l->signal_fd);
}

static void run_posts(struct lws_loop *l)
{
    struct post *p;

    pthread_mutex_lock(&l->posts_lock);
    p = l->posts;
    l->posts = NULL;
    l->posts_end = &l->posts;
    pthread_mutex_unlock(&l->posts_lock);
    while (p) {
        struct post *next = p->next;

        p->fn(p->ctx);
        free(p);
        p = next;
    }
}

/* Sets the timer descriptor to the earliest timer, or to the end of max_wait_ms. */
static enum wb_err arm(struct lws_loop *l, int max_wait_ms)
{
    int64_t due = timers_next_ms(&l->turn.timers);
    int64_t wait = due < 0 ? -1 : due - clock_mono_ms(l->turn.clock);
    struct itimerspec spec = {0};

    if (l->turn.deferred)
        wait = 0;
    else if (due >= 0 && wait < 0)
        wait = 0;
    if (max_wait_ms >= 0 && (wait < 0 || wait > max_wait_ms))
        wait = max_wait_ms;
    if (wait >= 0) {
        spec.it_value.tv_sec = wait / 1000;
        spec.it_value.tv_nsec = (long)(wait % 1000) * 1000000L;
        if (wait == 0)
            spec.it_value.tv_nsec = 1; /* 0 would disarm it */
    }
    return timerfd_settime(l->timer_fd, 0, &spec, NULL) == 0 ? WB_OK : WB_ERR_IO;
}

enum wb_err loop_step(struct loop *l, int max_wait_ms)
{
    enum wb_err err = arm(whole(l), max_wait_ms);

    if (err != WB_OK)
        return err;
    if (lws_service(loop_lws(l), 0) < 0 && errno != EINTR)
        return WB_ERR_IO;
    pauses_mark(&l->pauses, "result of a worker");
    run_posts(whole(l));
    pauses_mark(&l->pauses, "timer");
    timers_run(&l->timers);
    pauses_mark(&l->pauses, "deferred");
    loop_turn_deferred(l);
    pauses_mark(&l->pauses, "end of a batch");
    loop_turn_end(l);
    pauses_over(&l->pauses);
    return WB_OK;
}

enum wb_err loop_run(struct loop *l)
{
    while (!l->stopped) {
        enum wb_err err = loop_step(l, -1);

        if (err != WB_OK)
            return err;
    }
    return WB_OK;
}
