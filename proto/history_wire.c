#include "proto/history_wire.h"

#include "proto/wire_field.h"

enum { SYNC_TYPE = 1, SYNC_CONVERSATIONS = 2 };
enum { CONVERSATION_ID = 1, CONVERSATION_MESSAGES = 2, HISTORY_MESSAGE = 1 };

enum wb_err history_sync_decode(struct span in, struct arena *a, struct history_sync *ret)
{
    struct history_sync h = {.sync_type = 0};
    struct span rest = in;
    struct wire_field f;
    enum wb_err err = WB_OK;

    while (rest.n) {
        TRY(wire_next(&rest, &f));
        if (f.number == SYNC_TYPE && f.type == WIRE_VARINT)
            h.sync_type = f.value;
    }
    TRY(wire_collect(in, SYNC_CONVERSATIONS, a, &h.conversations, &h.n));
    *ret = h;
out:
    return err;
}

enum wb_err history_conversation_decode(struct span in, struct arena *a,
                                        struct history_conversation *ret)
{
    struct history_conversation c = {.id = SPAN_NULL};
    const struct span *wrapped = NULL;
    struct span *messages;
    size_t n = 0;
    enum wb_err err = wire_find(in, CONVERSATION_ID, &c.id);

    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    TRY(wire_collect(in, CONVERSATION_MESSAGES, a, &wrapped, &n));
    messages = n ? arena_alloc(a, n * sizeof *messages) : NULL;
    TRY(n && !messages ? WB_ERR_TOO_LARGE : WB_OK);
    for (size_t i = 0; i < n; i++) {
        err = wire_find(wrapped[i], HISTORY_MESSAGE, &messages[i]);
        if (err == WB_ERR_NOT_FOUND) {
            messages[i] = SPAN_NULL;
            err = WB_OK;
        }
        TRY(err);
    }
    c.messages = messages;
    c.n = n;
    *ret = c;
out:
    return err;
}
