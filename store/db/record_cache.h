/* record_cache.h - decoded records with write-back; private to store/.
 *
 * Least recently used clean records go when there are too many; changed ones stay until they are
 * written by record_cache_flush(). Under a mark every change remembers what was there before, so
 * that one stanza's effects can be undone. */
#ifndef STORE_DB_RECORD_CACHE_H
#define STORE_DB_RECORD_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct record_cache;

/* ctx: as given to record_cache_new(). */
struct record_ops {
    void (*free)(void *record);
    /* NOT_FOUND: no row, or an unreadable one. */
    enum wb_err (*load)(void *ctx, const char *key, void **ret);
    enum wb_err (*write)(void *ctx, const char *key, const void *record);
};

struct record_cache *record_cache_new(void *ctx, const struct record_ops *ops,
                                      size_t max) WB_MUST_CHECK;
void record_cache_free(struct record_cache *c);

/* Borrowed until the next call on this cache. NOT_FOUND. */
enum wb_err record_cache_get(struct record_cache *c, const char *key,
                             const void **ret) WB_MUST_CHECK;
bool record_cache_holds(const struct record_cache *c, const char *key);
/* Takes ownership of the record, also when it fails. */
enum wb_err record_cache_put(struct record_cache *c, const char *key, void *record) WB_MUST_CHECK;
/* Forgets the record; the caller deletes the row. */
enum wb_err record_cache_remove(struct record_cache *c, const char *key) WB_MUST_CHECK;
/* Forgets all records whose key begins with this text. */
enum wb_err record_cache_remove_prefix(struct record_cache *c, const char *prefix) WB_MUST_CHECK;

/* Calls each() with every cached key; it must not change the cache. */
void record_cache_each_key(const struct record_cache *c, void (*each)(void *ctx, const char *key),
                           void *ctx);

bool record_cache_dirty(const struct record_cache *c);
/* Writes all changed records. */
enum wb_err record_cache_flush(struct record_cache *c) WB_MUST_CHECK;
/* After a burst of changes: clean records go, any of them, until no more than usual are left. */
void record_cache_trim(struct record_cache *c);
/* Everything out, changes included. */
void record_cache_clear(struct record_cache *c);

void record_cache_mark(struct record_cache *c);
void record_cache_mark_keep(struct record_cache *c);
void record_cache_mark_undo(struct record_cache *c);

#endif
