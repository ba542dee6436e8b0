/* session_batch.h - makes what session/ keeps decoded follow the batch; private to store/. */
#ifndef STORE_SESSION_SESSION_BATCH_H
#define STORE_SESSION_SESSION_BATCH_H

#include "store/core/store.h"

/* To be called once, when the record caches and the cache of LIDs are there. */
void session_follow_batch(struct store *s);

#endif
