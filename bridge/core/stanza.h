/* stanza.h - one incoming stanza, and the handler of one kind of stanzas: a parse (validates, no
 * effects) and an apply (effects). Only dispatch/ knows which kinds there are.
 *
 * A new kind of stanza is written as in_<kind>.c in the room that it belongs to, with one
 *     const struct stanza_handler in_<kind>_handler = {"<tag>", ..., parse, apply};
 * which a header of that room declares, and gets one line in a table of dispatch/. */
#ifndef BRIDGE_CORE_STANZA_H
#define BRIDGE_CORE_STANZA_H

#include "proto/node.h"

struct bridge;

/* One stanza under way. All its memory lives until apply returns. */
struct stanza {
    const struct node *node;
    struct arena *arena; /* of the frame; parsed values live here too */
    int64_t received_ms; /* wall clock at arrival */
};

/* Who acknowledges a stanza of this kind. */
enum stanza_ack {
    STANZA_ACK_NEVER, /* the server expects none (success, ib, iq, ack, stream:error ...) */
    /* dispatch queues the generic ack after apply, also when parse or apply has failed, so that the
     * server does not deliver the stanza for ever (P-RC-30). Only when apply failed on our side
     * (class LOCAL or BUG: full disk, no memory) there is no ack: then the stanza must come
     * again. */
    STANZA_ACK_ALWAYS,
    STANZA_ACK_HANDLER, /* apply acknowledges: messages, retry receipts */
};

struct stanza_handler {
    const char *name; /* tag, notification type or iq child */
    enum stanza_ack ack;
    /* parse may be NULL (nothing to validate; parsed is NULL). An error of class PEER is logged
     * with the stanza's tag, type and id; apply is not called. *ret_parsed is in s->arena. */
    enum wb_err (*parse)(const struct stanza *s, void **ret_parsed);
    enum wb_err (*apply)(struct bridge *b, const struct stanza *s, void *parsed);
};

/* The row of that name; NULL when the table has none. */
const struct stanza_handler *stanza_handler_find(const struct stanza_handler *const *table,
                                                 size_t n, struct span name);
/* parse, then apply. */
enum wb_err stanza_handler_run(struct bridge *b, const struct stanza_handler *h,
                               const struct stanza *s) WB_MUST_CHECK;

#endif
