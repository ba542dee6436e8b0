/* The contents of clients' messages, as wa-mock's people read them. */
#include <stddef.h>
#include <stdint.h>

#include "tools/mock/core/content.h"
#include "tools/mock/core/pb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mock_content c;
    struct span in = SPAN(data, size);

    content_read(in, &c);
    if (c.nmentions > CONTENT_MENTIONS_MAX)
        __builtin_trap();
    if (!pb_valid(in) && size == 0)
        __builtin_trap();
    return 0;
}
