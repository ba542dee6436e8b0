/* Any bytes as the inflated HistorySync of our phone: every part lies inside the input. */
#include <stdlib.h>

#include "proto/history_wire.h"
#include "proto/web_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct span part, const uint8_t *data, size_t size)
{
    if (!span_is_null(part) && (part.p < data || part.n > size || part.p + part.n > data + size))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = arena_new(64 << 20);
    struct history_sync sync;
    struct history_conversation c;
    struct web_message w;

    if (history_sync_decode(SPAN(data, size), &a, &sync) == WB_OK) {
        for (size_t i = 0; i < sync.n; i++) {
            inside(sync.conversations[i], data, size);
            if (history_conversation_decode(sync.conversations[i], &a, &c) != WB_OK)
                continue;
            inside(c.id, data, size);
            for (size_t j = 0; j < c.n; j++) {
                inside(c.messages[j], data, size);
                if (!span_is_null(c.messages[j]) && web_message_decode(c.messages[j], &w) == WB_OK)
                    inside(w.message, data, size);
            }
        }
    }
    arena_free(&a);
    return 0;
}
