#include "bridge/platform/machine.h"

const struct machine machine_system = {
    .jobs_new = jobs_new,
    .ws_client_new = ws_client_new,
    .http_get = http_get,
};
