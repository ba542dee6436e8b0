#include "bridge/platform/jobs.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "bridge/platform/limits.h"

enum {
    JOBS_THREADS_MAX = 8,
    JOBS_STACK_BYTES = 256 * 1024, /* getaddrinfo and libcurl need less than half */
    JOBS_IDLE_S = 10,
    JOBS_STOP_S = 1,
};

struct job {
    struct job *next;
    job_work_fn *work;
    job_done_fn *done;
    void *ctx;
    bool ran;
};

struct job_queue {
    struct job *first, **end;
};

struct threads {
    struct jobs jobs; /* first: what others hold is a pointer to it */
    struct loop *loop;
    pthread_mutex_t lock;
    pthread_cond_t wake;    /* for workers */
    pthread_cond_t stopped; /* a worker has ended */
    unsigned max_threads, threads, idle;
    size_t nwaiting;
    bool closing;
    struct job_queue waiting, finished;
};

static void put(struct job_queue *q, struct job *j)
{
    j->next = NULL;
    *q->end = j;
    q->end = &j->next;
}

static struct job *take(struct job_queue *q)
{
    struct job *j = q->first;

    if (!j)
        return NULL;
    q->first = j->next;
    if (!q->first)
        q->end = &q->first;
    return j;
}

static struct timespec in_seconds(time_t s)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += s;
    return t;
}

/* On the loop: calls done for all that is finished. */
static void drain(void *ctx)
{
    struct threads *j = ctx;

    for (;;) {
        struct job *job;

        pthread_mutex_lock(&j->lock);
        job = take(&j->finished);
        pthread_mutex_unlock(&j->lock);
        if (!job)
            return;
        job->done(job->ctx, job->ran);
        free(job);
    }
}

/* Called with the lock; false when there was nothing to do for so long that the thread may end. */
static bool wait_for_job(struct threads *j)
{
    struct timespec until = in_seconds(JOBS_IDLE_S);
    int rc = 0;

    j->idle++;
    while (!j->closing && !j->waiting.first && rc == 0)
        rc = pthread_cond_timedwait(&j->wake, &j->lock, &until);
    j->idle--;
    return !j->closing && j->waiting.first;
}

static void *worker(void *arg)
{
    struct threads *j = arg;

    pthread_mutex_lock(&j->lock);
    while (wait_for_job(j)) {
        struct job *job = take(&j->waiting);

        j->nwaiting--;
        pthread_mutex_unlock(&j->lock);
        job->work(job->ctx);
        pthread_mutex_lock(&j->lock);
        job->ran = true;
        put(&j->finished, job);
        if (j->closing)
            break;
        pthread_mutex_unlock(&j->lock);
        /* When there is no memory for the post, the next post or jobs_free() drains this result. */
        if (loop_post(j->loop, drain, j) == WB_OK) {
        }
        pthread_mutex_lock(&j->lock);
    }
    j->threads--;
    pthread_cond_signal(&j->stopped);
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

static void threads_free(struct jobs *jobs)
{
    struct threads *j = (struct threads *)jobs;
    struct timespec until = in_seconds(JOBS_STOP_S);
    int rc = 0;
    bool all_ended;
    struct job *job;

    pthread_mutex_lock(&j->lock);
    j->closing = true;
    pthread_cond_broadcast(&j->wake);
    while (j->threads > 0 && rc == 0)
        rc = pthread_cond_timedwait(&j->stopped, &j->lock, &until);
    all_ended = j->threads == 0;
    while ((job = take(&j->waiting)) != NULL)
        put(&j->finished, job);
    pthread_mutex_unlock(&j->lock);
    drain(j);
    loop_unpost(j->loop, j);
    if (!all_ended)
        return; /* a thread still uses the structure */
    pthread_cond_destroy(&j->wake);
    pthread_cond_destroy(&j->stopped);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

/* Called with the lock. */
static bool start_thread(struct threads *j)
{
    pthread_attr_t attr;
    pthread_t thread;
    bool ok;

    if (pthread_attr_init(&attr) != 0)
        return false;
    ok = pthread_attr_setstacksize(&attr, JOBS_STACK_BYTES) == 0 &&
         pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0 &&
         pthread_create(&thread, &attr, worker, j) == 0;
    pthread_attr_destroy(&attr);
    if (ok)
        j->threads++;
    return ok;
}

static enum wb_err threads_run(struct jobs *jobs, job_work_fn *work, job_done_fn *done, void *ctx)
{
    struct threads *j = (struct threads *)jobs;
    struct job *job = calloc(1, sizeof *job);
    enum wb_err err = WB_OK;

    if (!job)
        return WB_ERR_NOMEM;
    *job = (struct job){.work = work, .done = done, .ctx = ctx};
    pthread_mutex_lock(&j->lock);
    if (j->nwaiting >= JOBS_PENDING_MAX)
        err = WB_ERR_TOO_LARGE;
    else if (j->idle <= j->nwaiting && j->threads < j->max_threads && !start_thread(j) &&
             j->threads == 0)
        err = WB_ERR_NOMEM;
    if (err == WB_OK) {
        put(&j->waiting, job);
        j->nwaiting++;
        pthread_cond_signal(&j->wake);
    }
    pthread_mutex_unlock(&j->lock);
    if (err != WB_OK)
        free(job);
    return err;
}

static const struct jobs_ops ops = {threads_run, threads_free};

enum wb_err jobs_new(struct loop *l, unsigned max_threads, struct jobs **ret_jobs)
{
    struct threads *j = calloc(1, sizeof *j);
    pthread_condattr_t attr;

    if (!j)
        return WB_ERR_NOMEM;
    j->jobs.ops = &ops;
    j->loop = l;
    j->max_threads = max_threads < JOBS_THREADS_MAX ? max_threads : JOBS_THREADS_MAX;
    j->waiting.end = &j->waiting.first;
    j->finished.end = &j->finished.first;
    pthread_mutex_init(&j->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&j->wake, &attr);
    pthread_cond_init(&j->stopped, &attr);
    pthread_condattr_destroy(&attr);
    *ret_jobs = &j->jobs;
    return WB_OK;
}

void jobs_free(struct jobs *j)
{
    if (j)
        j->ops->free(j);
}

enum wb_err jobs_run(struct jobs *j, job_work_fn *work, job_done_fn *done, void *ctx)
{
    return j->ops->run(j, work, done, ctx);
}
