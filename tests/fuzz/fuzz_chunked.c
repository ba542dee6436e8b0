/* A chunked HTTP body, at once and byte by byte: the same outcome, and never more bytes than came
 * in. */
#include <stdlib.h>
#include <string.h>

#include "base/chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = buf_new(BODY_MAX), single = buf_new(BODY_MAX);
    struct chunked a = {0}, b = {0};
    bool a_done = false, b_done = false;
    enum wb_err err = chunked_push(&a, SPAN(data, size), &whole, &a_done), again = WB_OK;

    for (size_t i = 0; i < size && again == WB_OK; i++)
        again = chunked_push(&b, SPAN(data + i, 1), &single, &b_done);
    if (err != again || a_done != b_done || whole.n > size)
        abort();
    if (err == WB_OK && !span_eq(buf_span(&whole), buf_span(&single)))
        abort();
    buf_free(&whole);
    buf_free(&single);
    return 0;
}
