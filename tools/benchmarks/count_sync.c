/* count_sync.c - for tools/bench, loaded into the bridge by LD_PRELOAD: counts the flushes to disk
 * and the time that they take, or leaves them out (BENCH_NO_SYNC). At the end "<flushes>
 * <nanoseconds>" goes to the file that BENCH_SYNC_FILE names. */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static atomic_ullong flushes, nanoseconds;

static unsigned long long now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (unsigned long long)t.tv_sec * 1000000000ULL + (unsigned long long)t.tv_nsec;
}

static int timed(const char *name, int fd)
{
    unsigned long long begin = now_ns();

    int (*real)(int) = NULL;
    int rc = 0;

    atomic_fetch_add(&flushes, 1);
    if (!getenv("BENCH_NO_SYNC")) {
        /* In the way of dlsym(3): ISO C has no cast from void * to a function. */
        *(void **)&real = dlsym(RTLD_NEXT, name);
        rc = real ? real(fd) : -1;
    }
    atomic_fetch_add(&nanoseconds, now_ns() - begin);
    return rc;
}

int fsync(int fd)
{
    return timed("fsync", fd);
}

int fdatasync(int fd)
{
    return timed("fdatasync", fd);
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("BENCH_SYNC_FILE");
    FILE *out = path ? fopen(path, "w") : NULL;

    if (!out)
        return;
    fprintf(out, "%llu %llu\n", atomic_load(&flushes), atomic_load(&nanoseconds));
    fclose(out);
}
