/* control.h - orders of a test to the shim, and reports of the shim: a file that both have mapped
 * (tests/peers/harness/disk.py writes the same layout). All numbers are 64 bits. */
#ifndef TESTS_SHIM_CONTROL_H
#define TESTS_SHIM_CONTROL_H

#include <stdint.h>

enum { CONTROL_TEXT = 256 };

/* Kinds of calls, as bits of control.calls. */
enum {
    CALL_WRITE = 1,
    CALL_SYNC = 2,
    CALL_CREATE = 4, /* open() of a file that does not exist, mkdir() */
    CALL_TRUNCATE = 8,
    CALL_RENAME = 16,
    CALL_UNLINK = 32,
    CALL_OPEN_WRITE = 64, /* open() for writing of a file that exists */
    CALL_READ = 128,
};

struct control {
    char prefix[CONTROL_TEXT]; /* only files below this path are watched */
    char suffix[CONTROL_TEXT]; /* calls fail only on files whose name ends so */
    int64_t calls;             /* which kinds of calls fail */
    int64_t error;             /* the errno of these failures */
    int64_t skip;              /* so many calls pass first */
    int64_t times;             /* so many calls fail; -1: all from then on */
    int64_t partly;            /* 1: half of a failing write reaches the file */
    int64_t room;              /* bytes by which files may still grow; -1: any number */
    int64_t kill_at;           /* the process ends before its N-th call; 0: never */
    int64_t clock_offset_s;    /* added to the wall clock */
    int64_t mono_offset_ms;    /* added to the monotonic clock: only ever more */
    /* reports of the shim */
    int64_t seen;   /* calls on files below the prefix */
    int64_t failed; /* how many of them the shim let fail */
};

#endif
