/* jobs.h - worker threads for work that would stall the loop: outgoing HTTP, name lookups,
 * copies, media. A job gets all it needs in ctx and touches neither protocol state nor the
 * loop's database connections. */
#ifndef BRIDGE_PLATFORM_JOBS_H
#define BRIDGE_PLATFORM_JOBS_H

#include "bridge/platform/loop.h"

/* On a worker thread. */
typedef void job_work_fn(void *ctx);
/* On the loop, exactly once per accepted job. ran false: we are shutting down and the work was
 * never begun; then only free ctx. */
typedef void job_done_fn(void *ctx, bool ran);

struct jobs;

/* Who does the work: threads (jobs_new()), or another that begins with a struct jobs. */
struct jobs_ops {
    enum wb_err (*run)(struct jobs *j, job_work_fn *work, job_done_fn *done, void *ctx);
    void (*free)(struct jobs *j);
};
struct jobs {
    const struct jobs_ops *ops;
};

/* Threads are made on demand (at most max_threads) and end after some idle seconds. */
enum wb_err jobs_new(struct loop *l, unsigned max_threads, struct jobs **ret_jobs) WB_MUST_CHECK;
/* Call it before anything that runs jobs is freed. Waits at most a second for running jobs; a
 * job that still runs then (a name server does not answer) is left to the end of the process.
 * NULL-safe. */
void jobs_free(struct jobs *j);

/* TOO_LARGE when too many wait; NOMEM (also when no thread can be made). */
enum wb_err jobs_run(struct jobs *j, job_work_fn *work, job_done_fn *done, void *ctx) WB_MUST_CHECK;

#endif
