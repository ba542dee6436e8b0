#include "store/db/record_cache.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/fnv.h"

enum { BUCKETS = 256 };

struct entry {
    struct entry *next; /* of the bucket */
    void *record;
    uint64_t used_at;
    bool dirty;
    char key[];
};

/* What a key had before the mark: its entry itself, so that undoing needs no memory. */
struct undo {
    struct undo *next;   /* newest first */
    struct entry *entry; /* NULL: the key was not in the cache */
    char key[];
};

struct record_cache {
    void *ctx;
    const struct record_ops *ops;
    struct entry *buckets[BUCKETS];
    struct undo *undo;
    size_t n;
    size_t ndirty;
    size_t max;
    uint64_t uses;
    bool mark;
};

static size_t bucket_of(const char *key)
{
    const uint64_t h = fnv_text(FNV_START, key);

    return (size_t)(h ^ (h >> 32)) % BUCKETS;
}

static struct entry **find(const struct record_cache *c, const char *key)
{
    struct entry *const *slot = &c->buckets[bucket_of(key)];

    while (*slot && strcmp((*slot)->key, key) != 0)
        slot = &(*slot)->next;
    return (struct entry **)(uintptr_t)slot;
}

struct record_cache *record_cache_new(void *ctx, const struct record_ops *ops, size_t max)
{
    struct record_cache *c = calloc(1, sizeof *c);

    if (c) {
        c->ctx = ctx;
        c->ops = ops;
        c->max = max;
    }
    return c;
}

/* Takes the entry out of its bucket; it is the caller's then. */
static struct entry *unlink_entry(struct record_cache *c, struct entry **slot)
{
    struct entry *e = *slot;

    *slot = e->next;
    c->n--;
    if (e->dirty)
        c->ndirty--;
    return e;
}

static void entry_free(struct record_cache *c, struct entry *e)
{
    if (!e)
        return;
    c->ops->free(e->record);
    free(e);
}

static void link_entry(struct record_cache *c, struct entry *e)
{
    size_t b = bucket_of(e->key);

    e->next = c->buckets[b];
    c->buckets[b] = e;
    c->n++;
    if (e->dirty)
        c->ndirty++;
}

/* Takes the record only on success. */
static enum wb_err insert(struct record_cache *c, const char *key, void *record, bool dirty)
{
    size_t n = strlen(key) + 1;
    struct entry *e = malloc(sizeof *e + n);

    if (!e)
        return WB_ERR_NOMEM;
    *e = (struct entry){NULL, record, ++c->uses, dirty};
    memcpy(e->key, key, n);
    link_entry(c, e);
    return WB_OK;
}

/* The clean entry unused for longest, or NULL. */
static struct entry **oldest_clean(struct record_cache *c)
{
    struct entry **oldest = NULL;

    if (c->ndirty == c->n)
        return NULL;
    for (size_t b = 0; b < BUCKETS; b++) {
        for (struct entry **slot = &c->buckets[b]; *slot; slot = &(*slot)->next) {
            if (!(*slot)->dirty && (!oldest || (*slot)->used_at < (*oldest)->used_at))
                oldest = slot;
        }
    }
    return oldest;
}

/* Makes room for one more. When everything is changed, the changes are written into the open
 * transaction first - but not under a mark, whose undo would take them back with it. */
static enum wb_err make_room(struct record_cache *c)
{
    /* Under a mark changed records do not displace clean ones either, which may be changed next. */
    if (c->n < c->max || (c->mark && c->n - c->ndirty < c->max / 2))
        return WB_OK;
    struct entry **slot = oldest_clean(c);
    if (!slot && !c->mark) {
        enum wb_err err = record_cache_flush(c);

        if (err != WB_OK)
            return err;
        slot = oldest_clean(c);
    }
    if (slot)
        entry_free(c, unlink_entry(c, slot));
    return WB_OK;
}

enum wb_err record_cache_get(struct record_cache *c, const char *key, const void **ret)
{
    struct entry **slot = find(c, key);
    enum wb_err err;

    if (*slot) {
        (*slot)->used_at = ++c->uses;
        *ret = (*slot)->record;
        return WB_OK;
    }
    void *record = NULL;
    TRY(make_room(c));
    TRY(c->ops->load(c->ctx, key, &record));
    err = insert(c, key, record, false);
    if (err != WB_OK)
        c->ops->free(record);
    else
        *ret = record;
out:
    return err;
}

bool record_cache_holds(const struct record_cache *c, const char *key)
{
    return *find(c, key) != NULL;
}

/* Under a mark: what the key has now goes to the undo list; without one it goes for good. */
static enum wb_err displace(struct record_cache *c, const char *key)
{
    struct entry **slot = find(c, key);

    if (!c->mark) {
        if (*slot)
            entry_free(c, unlink_entry(c, slot));
        return WB_OK;
    }
    size_t n = strlen(key) + 1;
    struct undo *u = malloc(sizeof *u + n);
    if (!u)
        return WB_ERR_NOMEM;
    memcpy(u->key, key, n);
    u->next = c->undo;
    u->entry = *slot ? unlink_entry(c, slot) : NULL;
    c->undo = u;
    return WB_OK;
}

enum wb_err record_cache_put(struct record_cache *c, const char *key, void *record)
{
    enum wb_err err;

    if (!record_cache_holds(c, key))
        TRY(make_room(c));
    TRY(displace(c, key));
    TRY(insert(c, key, record, true));
out:
    if (err != WB_OK)
        c->ops->free(record);
    return err;
}

enum wb_err record_cache_remove(struct record_cache *c, const char *key)
{
    return *find(c, key) ? displace(c, key) : WB_OK;
}

enum wb_err record_cache_remove_prefix(struct record_cache *c, const char *prefix)
{
    size_t n = strlen(prefix);

    for (size_t b = 0; b < BUCKETS; b++) {
        struct entry *e = c->buckets[b];

        while (e) {
            struct entry *next = e->next;

            if (strncmp(e->key, prefix, n) == 0) {
                enum wb_err err = displace(c, e->key);

                if (err != WB_OK)
                    return err;
            }
            e = next;
        }
    }
    return WB_OK;
}

void record_cache_each_key(const struct record_cache *c, void (*each)(void *ctx, const char *key),
                           void *ctx)
{
    for (size_t b = 0; b < BUCKETS; b++) {
        for (const struct entry *e = c->buckets[b]; e; e = e->next)
            each(ctx, e->key);
    }
}

bool record_cache_dirty(const struct record_cache *c)
{
    return c->ndirty > 0;
}

enum wb_err record_cache_flush(struct record_cache *c)
{
    for (size_t b = 0; b < BUCKETS && c->ndirty > 0; b++) {
        for (struct entry *e = c->buckets[b]; e; e = e->next) {
            if (!e->dirty)
                continue;
            enum wb_err err = c->ops->write(c->ctx, e->key, e->record);
            if (err != WB_OK)
                return err;
            FAULT_POINT("ratchet.saved");
            e->dirty = false;
            c->ndirty--;
        }
    }
    return WB_OK;
}

void record_cache_trim(struct record_cache *c)
{
    for (size_t b = 0; b < BUCKETS && c->n > c->max; b++) {
        struct entry **slot = &c->buckets[b];

        while (*slot && c->n > c->max) {
            if ((*slot)->dirty)
                slot = &(*slot)->next;
            else
                entry_free(c, unlink_entry(c, slot));
        }
    }
}

static void undo_drop(struct record_cache *c)
{
    while (c->undo) {
        struct undo *u = c->undo;

        c->undo = u->next;
        entry_free(c, u->entry);
        free(u);
    }
}

void record_cache_clear(struct record_cache *c)
{
    if (!c)
        return;
    for (size_t b = 0; b < BUCKETS; b++) {
        while (c->buckets[b])
            entry_free(c, unlink_entry(c, &c->buckets[b]));
    }
    undo_drop(c);
    c->mark = false;
}

void record_cache_free(struct record_cache *c)
{
    record_cache_clear(c);
    free(c);
}

void record_cache_mark(struct record_cache *c)
{
    c->mark = true;
}

void record_cache_mark_keep(struct record_cache *c)
{
    undo_drop(c);
    c->mark = false;
}

void record_cache_mark_undo(struct record_cache *c)
{
    /* Newest first, so that the oldest value of a key is what is left at the end. */
    while (c->undo) {
        struct undo *u = c->undo;

        c->undo = u->next;
        struct entry **slot = find(c, u->key);
        if (*slot)
            entry_free(c, unlink_entry(c, slot));
        if (u->entry)
            link_entry(c, u->entry);
        free(u);
    }
    c->mark = false;
}
