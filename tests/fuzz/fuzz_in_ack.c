/* Acks and retry requests as a server or a peer may write them: every stanza is read or refused,
 * and the results keep the promises of the headers. */
#include <stdlib.h>

#include "bridge/dispatch/handlers.h"
#include "bridge/send/out_ack.h"
#include "bridge/sessions/prekey_fetch.h"
#include "crypto/signal.h"
#include "proto/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a = arena_new(NODE_ARENA_MAX);
    struct stanza s = {.arena = &a};
    struct signal_bundle bundle;
    struct node *node;
    void *parsed = NULL;

    if (node_unpack(SPAN(data, n), &a, &node) == WB_OK) {
        s.node = node;
        if (in_ack_handler.parse(&s, &parsed) == WB_OK && parsed) {
            const struct out_ack *ack = parsed;

            if (!ack->id.n || ack->t < 0)
                abort();
        }
        if (prekey_bundle_parse(node, &bundle) == WB_OK && bundle.signed_prekey_id > 0xffffff)
            abort();
    }
    arena_free(&a);
    return 0;
}
