/* session_batch.h - what session/ keeps decoded follows the batch; private to store/. */
#ifndef STORE_SESSION_SESSION_BATCH_H
#define STORE_SESSION_SESSION_BATCH_H

#include "store/core/store.h"

/* Once, when the record caches and that of LIDs are there. */
void session_follow_batch(struct store *s);

#endif
