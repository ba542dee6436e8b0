/* Any bytes as a WebMessageInfo: one that can be decoded survives our own encoder. */
#include <stdlib.h>

#include "proto/web_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out = buf_new(8 << 20);
    struct web_message w, back;

    if (web_message_decode(SPAN(data, size), &w) == WB_OK) {
        if (web_message_encode(&w, &out) != WB_OK ||
            web_message_decode(buf_span(&out), &back) != WB_OK || !span_eq(w.key.id, back.key.id) ||
            !span_eq(w.key.remote_jid, back.key.remote_jid) || w.key.from_me != back.key.from_me ||
            !span_eq(w.message, back.message) || w.timestamp != back.timestamp ||
            !span_eq(w.push_name, back.push_name))
            abort();
    }
    buf_free(&out);
    return 0;
}
