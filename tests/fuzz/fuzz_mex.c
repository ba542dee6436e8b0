/* The JSON of mex notifications and answers. The first byte chooses the name to look for. */
#include <stdlib.h>

#include "bridge/people/limits.h"
#include "bridge/people/mex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mex_time_lock lock = {.ends_s = -1};

    if (size == 0)
        return 0;
    if (mex_time_lock_parse(SPAN(data + 1, size - 1),
                            data[0] % 2 ? MEX_LOCK_NOTIFIED : MEX_LOCK_ASKED, &lock) == WB_OK) {
        if (lock.ends_s < 0 || size - 1 > MEX_JSON_MAX)
            abort();
    } else if (lock.ends_s != -1 || lock.active) {
        abort();
    }
    return 0;
}
