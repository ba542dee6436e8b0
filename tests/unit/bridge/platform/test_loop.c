/* The loop: timers, deferred work, results of workers, in the order that loop.h promises. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/platform/jobs.h"
#include "bridge/platform/loop.h"

enum { STEPS_MAX = 2000 };

struct fixture {
    struct loop *loop;
    struct timer timer;
    struct loop_deferred deferred, other;
    unsigned fired, deferred_runs, other_runs, iterations, signals, posts;
    int last_signal;
    bool again;
};

static void on_timer(void *ctx)
{
    ((struct fixture *)ctx)->fired++;
}

static void on_other(void *ctx)
{
    ((struct fixture *)ctx)->other_runs++;
}

static void on_deferred(void *ctx)
{
    struct fixture *f = ctx;

    f->deferred_runs++;
    if (f->again)
        loop_defer(f->loop, &f->deferred, on_deferred, f);
}

static void on_iteration(void *ctx)
{
    ((struct fixture *)ctx)->iterations++;
}

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){0};
    assert_int_equal(loop_new(&clock_system, &f.loop), WB_OK);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    timer_stop(loop_timers(f->loop), &f->timer);
    loop_free(f->loop);
    return 0;
}

static void step(struct fixture *f)
{
    assert_int_equal(loop_step(f->loop, 50), WB_OK);
}

static void test_timer_wakes(void **state)
{
    struct fixture *f = *state;
    int64_t start = clock_mono_ms(&clock_system);

    timer_start(loop_timers(f->loop), &f->timer, 20, on_timer, f);
    for (int i = 0; i < STEPS_MAX && !f->fired; i++)
        assert_int_equal(loop_step(f->loop, -1), WB_OK);
    assert_int_equal(f->fired, 1);
    assert_true(clock_mono_ms(&clock_system) - start >= 20);
}

static void test_deferred(void **state)
{
    struct fixture *f = *state;

    loop_set_iteration_end(f->loop, on_iteration, f);
    loop_defer(f->loop, &f->deferred, on_deferred, f);
    loop_defer(f->loop, &f->deferred, on_deferred, f); /* queued once */
    loop_defer(f->loop, &f->other, on_other, f);
    loop_defer_cancel(f->loop, &f->other);
    f->again = true;
    step(f);
    assert_int_equal(f->deferred_runs, 1); /* what it queued itself waits */
    assert_int_equal(f->other_runs, 0);
    assert_int_equal(f->iterations, 1);
    f->again = false;
    loop_defer(f->loop, &f->other, on_other, f);
    step(f);
    assert_int_equal(f->deferred_runs, 2);
    assert_int_equal(f->other_runs, 1);
    assert_false(f->deferred.queued);
}

static void on_signal(void *ctx, int number)
{
    struct fixture *f = ctx;

    f->signals++;
    f->last_signal = number;
}

static void test_signals(void **state)
{
    static const int watched[] = {SIGUSR1, SIGUSR2};
    struct fixture *f = *state;

    assert_int_equal(loop_watch_signals(f->loop, watched, 2, on_signal, f), WB_OK);
    assert_int_equal(kill(getpid(), SIGUSR2), 0);
    for (int i = 0; i < STEPS_MAX && !f->signals; i++)
        step(f);
    assert_int_equal(f->signals, 1);
    assert_int_equal(f->last_signal, SIGUSR2);
}

/* ---- jobs ---- */

struct work {
    struct fixture *f;
    unsigned worked, done, dropped;
};

static void do_work(void *ctx)
{
    ((struct work *)ctx)->worked++;
}

static void work_done(void *ctx, bool ran)
{
    struct work *w = ctx;

    if (ran)
        w->done++;
    else
        w->dropped++;
    w->f->posts++;
}

static void test_jobs(void **state)
{
    enum { JOBS = 40 };
    struct fixture *f = *state;
    struct work w[JOBS] = {0};
    struct jobs *jobs;

    assert_int_equal(jobs_new(f->loop, 2, &jobs), WB_OK);
    for (int i = 0; i < JOBS; i++) {
        w[i].f = f;
        assert_int_equal(jobs_run(jobs, do_work, work_done, &w[i]), WB_OK);
    }
    for (int i = 0; i < STEPS_MAX && f->posts < JOBS; i++)
        step(f);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(w[i].worked, 1);
        assert_int_equal(w[i].done, 1);
    }
    jobs_free(jobs);
}

/* At the end every job is answered for, whether it was begun or not. */
static void test_jobs_freed(void **state)
{
    enum { JOBS = 20 };
    struct fixture *f = *state;
    struct work w[JOBS] = {0};
    struct jobs *jobs;

    assert_int_equal(jobs_new(f->loop, 1, &jobs), WB_OK);
    for (int i = 0; i < JOBS; i++) {
        w[i].f = f;
        assert_int_equal(jobs_run(jobs, do_work, work_done, &w[i]), WB_OK);
    }
    jobs_free(jobs);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(w[i].done + w[i].dropped, 1);
        assert_int_equal(w[i].worked, w[i].done);
    }
    step(f); /* nothing of it comes later */
    assert_int_equal(f->posts, JOBS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_timer_wakes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deferred, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_jobs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_jobs_freed, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
