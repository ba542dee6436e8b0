/* fuzz_signal_wire.c - bodies of Signal messages. Writing a message that was read is canonical:
 * read and written once more it gives the same bytes. */
#include <stdlib.h>

#include "proto/signal_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void message(struct span in)
{
    struct buf one = buf_new(1 << 22);
    struct buf two = buf_new(1 << 22);
    struct signal_wire_message m;

    if (signal_wire_message_decode(in, &m) == WB_OK) {
        if (signal_wire_message_encode(&m, &one) != WB_OK ||
            signal_wire_message_decode(buf_span(&one), &m) != WB_OK ||
            signal_wire_message_encode(&m, &two) != WB_OK ||
            !span_eq(buf_span(&one), buf_span(&two)))
            abort();
    }
    buf_free(&one);
    buf_free(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = SPAN(data, size);
    struct signal_wire_prekey_message p;
    struct signal_wire_sender_message s;
    struct signal_wire_distribution d;

    message(in);
    if (signal_wire_prekey_message_decode(in, &p) == WB_OK)
        message(p.message);
    (void)!signal_wire_sender_message_decode(in, &s);
    (void)!signal_wire_distribution_decode(in, &d);
    return 0;
}
