/* machine.h - what a bridge is given of the machine besides its loop: workers, what they fetch, and
 * the socket to WhatsApp. A test gives another one. */
#ifndef BRIDGE_PLATFORM_MACHINE_H
#define BRIDGE_PLATFORM_MACHINE_H

#include "bridge/platform/http_client.h"
#include "bridge/platform/jobs.h"
#include "bridge/platform/ws_client.h"

struct machine {
    enum wb_err (*jobs_new)(struct loop *l, unsigned max_threads, struct jobs **ret_jobs);
    enum wb_err (*ws_client_new)(struct loop *l, struct jobs *jobs, const struct ws_callbacks *cb,
                                 struct ws_client **ret_c);
    http_get_fn *http_get; /* on a worker: a job keeps it by itself */
};

extern const struct machine machine_system;

#endif
