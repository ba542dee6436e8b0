/* retry_owed.h - messages that we could not read: they are asked for, from the sender and then from
 * our phone, until they come or the tries are used up; also after a restart (design rule 1). */
#ifndef BRIDGE_RETRY_OWED_H
#define BRIDGE_RETRY_OWED_H

#include "bridge/in_message.h"
#include "bridge/timers.h"

struct bridge;

struct retry_owed {
    struct bridge *b;
    struct timer timer;
    enum { OWED_UNKNOWN, OWED_NONE, OWED_SOME } some; /* are there rows at all? */
};

void retry_owed_init(struct retry_owed *r, struct bridge *b);
void retry_owed_stop(struct retry_owed *r);

/* e could not be decrypted (why), or NULL: it never had a part for us (unavailable), or was lost.
 * Remembers it and adds the answers to m: a retry receipt while tries are left (not for e NULL), a
 * request to the phone when that is the only way. In the open batch. */
enum wb_err retry_owed_add(struct bridge *b, struct arena *a, struct in_message *m,
                           const struct in_enc *e, enum wb_err why) WB_MUST_CHECK;
/* It came. Cheap when nothing is owed. */
enum wb_err retry_owed_done(struct bridge *b, const struct in_message *m) WB_MUST_CHECK;

/* The batch was rolled back: look again what the store has. */
void retry_owed_forget(struct retry_owed *r);
/* The offline queue is through: what is still owed is asked for again. */
void retry_owed_resume(struct retry_owed *r);

#endif
