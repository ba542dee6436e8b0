/* hook.h - a program of the operator that is run with one argument, without a shell. */
#ifndef BRIDGE_PLATFORM_HOOK_H
#define BRIDGE_PLATFORM_HOOK_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"

/* Runs `program argument` and waits for its end (so call it on a worker): standard input empty,
 * output thrown away, in a process group of its own, without our descriptors and blocked
 * signals. NOT_FOUND: the program cannot be started. TIMEOUT: it was killed after timeout_ms.
 * CANCELLED: *cancel became true; the program goes on by itself. REFUSED: it ended with another
 * status than 0 (in *ret_status; -n: by signal n). */
enum wb_err hook_run(const char *program, const char *argument, int64_t timeout_ms,
                     const atomic_bool *cancel, int *ret_status) WB_MUST_CHECK;

#endif
