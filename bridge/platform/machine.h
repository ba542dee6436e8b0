/* machine.h - what a bridge is given of the machine besides its loop: workers and what they fetch.
 * A test gives another one. */
#ifndef BRIDGE_PLATFORM_MACHINE_H
#define BRIDGE_PLATFORM_MACHINE_H

#include "bridge/platform/http_client.h"
#include "bridge/platform/jobs.h"

struct machine {
    enum wb_err (*jobs_new)(struct loop *l, unsigned max_threads, struct jobs **ret_jobs);
    http_get_fn *http_get; /* on a worker: a job keeps it by itself */
};

extern const struct machine machine_system;

#endif
