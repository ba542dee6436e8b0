/* signal_identity.c - removes states of a record whose peer has an identity that is not its own. */
#include "crypto/signal.h"

size_t signal_session_drop_foreign(struct signal_session *s, signal_identity_belongs *belongs,
                                   void *ctx)
{
    size_t kept = 0, dropped = 0;

    if (s->current && !belongs(ctx, s->current->remote_identity)) {
        signal_state_free(s->current);
        s->current = NULL;
        dropped++;
    }
    for (size_t i = 0; i < s->narchived; i++) {
        if (belongs(ctx, s->archived[i]->remote_identity)) {
            s->archived[kept++] = s->archived[i];
        } else {
            signal_state_free(s->archived[i]);
            dropped++;
        }
    }
    for (size_t i = kept; i < s->narchived; i++)
        s->archived[i] = NULL;
    s->narchived = kept;
    return dropped;
}
