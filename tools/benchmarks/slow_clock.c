/* slow_clock.c - preloaded into a program that runs under valgrind, some fifty times slower than
 * without: slows the program's monotonic clock by the same factor, so that events that depend on
 * time (the end of a batch after 50 ms) come where they would come without valgrind. */
#include <dlfcn.h>
#include <stdint.h>
#include <time.h>

enum { TIMES_SLOWER = 60, NS_PER_S = 1000000000 };

typedef int clock_gettime_fn(clockid_t id, struct timespec *ts);

int clock_gettime(clockid_t id, struct timespec *ts)
{
    static clock_gettime_fn *real;
    static int64_t first;
    int64_t now;
    int done;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    done = real(id, ts);
    if (done != 0 || id != CLOCK_MONOTONIC)
        return done;
    now = (int64_t)ts->tv_sec * NS_PER_S + ts->tv_nsec;
    if (!first)
        first = now;
    now = first + (now - first) / TIMES_SLOWER;
    ts->tv_sec = now / NS_PER_S;
    ts->tv_nsec = now % NS_PER_S;
    return 0;
}
