/* loop.h - the one thread that owns sockets, protocol state and databases: timers, deferred
 * work, results of workers, signals. The room platform/ is the machine as the bridge uses it
 * (loop, sockets, workers, systemd); it knows nothing of WhatsApp's protocol, of settings or of
 * the store. The loop wraps one libwebsockets context for the process's life; the WhatsApp
 * socket and the HTTP server each make their own vhost in it. */
#ifndef BRIDGE_PLATFORM_LOOP_H
#define BRIDGE_PLATFORM_LOOP_H

#include "base/err.h"
#include "bridge/platform/pauses.h"
#include "bridge/platform/timers.h"

enum {
    /* Sockets at once: callers of the API and ours. When all are taken no new caller is heard
     * and WhatsApp cannot be called: fd_budget.h keeps the number of callers well below.
     * libwebsockets reserves some 20 bytes for each socket. */
    LOOP_SOCKETS_MAX = 640,
};

struct lws_context; /* for ws_client.c and api/http/ only */
struct loop;

typedef void loop_fn(void *ctx);

enum wb_err loop_new(const struct clock *clock, struct loop **ret_loop) WB_MUST_CHECK;
void loop_free(struct loop *l); /* NULL-safe */

struct lws_context *loop_lws(struct loop *l);
struct timers *loop_timers(struct loop *l);
/* Callbacks that libwebsockets calls directly name their work there (pauses_mark()). */
struct pauses *loop_pauses(struct loop *l);

/* Work for the end of this iteration, in order; embedded in its owner, queued at most once. Work
 * queued from within deferred work runs in the next iteration. */
struct loop_deferred {
    struct loop_deferred *next;
    loop_fn *fn;
    void *ctx;
    bool queued;
};
void loop_defer(struct loop *l, struct loop_deferred *d, loop_fn *fn, void *ctx);
void loop_defer_cancel(struct loop *l, struct loop_deferred *d);

/* From any thread: fn(ctx) is called on the loop's thread. NOMEM. */
enum wb_err loop_post(struct loop *l, loop_fn *fn, void *ctx) WB_MUST_CHECK;
/* Forgets what was posted with this ctx and has not been called yet. */
void loop_unpost(struct loop *l, const void *ctx);

/* Blocks the signals for all threads (call before any thread is made) and delivers them here. */
typedef void loop_signal_fn(void *ctx, int signal_number);
enum wb_err loop_watch_signals(struct loop *l, const int *signals, size_t n, loop_signal_fn *fn,
                               void *ctx) WB_MUST_CHECK;

/* Called after each iteration, before sleeping: the end of a batch. At most one. */
void loop_set_iteration_end(struct loop *l, loop_fn *fn, void *ctx);

/* Runs until loop_stop(). IO when the event library fails. */
enum wb_err loop_run(struct loop *l) WB_MUST_CHECK;
/* One iteration that waits at most max_wait_ms: for tests. */
enum wb_err loop_step(struct loop *l, int max_wait_ms) WB_MUST_CHECK;
void loop_stop(struct loop *l);

#endif
