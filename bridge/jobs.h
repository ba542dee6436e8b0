/* jobs.h - workers for what would stall the loop: outgoing HTTP, copies, media. A job gets all it
 * needs in ctx and touches neither protocol state nor the loop's database connections. */
#ifndef BRIDGE_JOBS_H
#define BRIDGE_JOBS_H

#include "bridge/loop.h"

struct jobs;

/* Threads are made on demand (at most max_threads) and end when they have been idle for a while. */
enum wb_err jobs_new(struct loop *l, unsigned max_threads, struct jobs **ret_jobs) WB_MUST_CHECK;
/* Drops what has not begun (its done is not called) and waits for what runs: jobs watch
 * jobs_cancelled() or have their own short time limit. NULL-safe. */
void jobs_free(struct jobs *j);

/* work(ctx) on a worker, then done(ctx) on the loop. TOO_LARGE when too many wait; NOMEM. */
enum wb_err jobs_run(struct jobs *j, void (*work)(void *ctx), loop_fn *done,
                     void *ctx) WB_MUST_CHECK;

#endif
