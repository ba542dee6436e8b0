/* history_wire.h - the HistorySync protobuf: chats and messages that the phone hands over (P-HI-04,
 * P-HI-07). Spans borrow from the input, lists live in the arena. */
#ifndef PROTO_HISTORY_WIRE_H
#define PROTO_HISTORY_WIRE_H

#include "base/arena.h"

/* syncType (P-HI-03) */
enum history_sync_type {
    HISTORY_INITIAL_BOOTSTRAP = 0,
    HISTORY_INITIAL_STATUS_V3 = 1,
    HISTORY_FULL = 2,
    HISTORY_RECENT = 3,
    HISTORY_PUSH_NAME = 4,
    HISTORY_NON_BLOCKING_DATA = 5,
    HISTORY_ON_DEMAND = 6,
};

struct history_sync {
    uint64_t sync_type;
    const struct span *conversations; /* each for history_conversation_decode() */
    size_t n;
};
struct history_conversation {
    struct span id;              /* JID text; null when there is none */
    const struct span *messages; /* WebMessageInfo, newest first as phones write them; null: none */
    size_t n;
};

/* TRUNCATED, MALFORMED; TOO_LARGE when the arena is exhausted. */
enum wb_err history_sync_decode(struct span in, struct arena *a,
                                struct history_sync *ret) WB_MUST_CHECK;
enum wb_err history_conversation_decode(struct span in, struct arena *a,
                                        struct history_conversation *ret) WB_MUST_CHECK;

#endif
