#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/secret.h"

enum { ARENA_BLOCK = 8192 - 64 };

struct arena_block {
    struct arena_block *next;
    size_t cap;
    size_t n;
    alignas(max_align_t) uint8_t bytes[];
};

static size_t round_up(size_t n)
{
    return (n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

bool arena_is_full(const struct arena *a, size_t n)
{
    size_t need;

    if (n > a->max)
        return true;
    need = round_up(n ? n : 1);
    return need > a->max || a->used > a->max - need;
}

void *arena_alloc(struct arena *a, size_t n)
{
    struct arena_block *b = a->blocks;
    size_t need;

    if (arena_is_full(a, n)) {
        a->refused = true;
        return NULL;
    }
    need = round_up(n ? n : 1);
    if (!b || need > b->cap - b->n) {
        size_t cap = need > ARENA_BLOCK ? need : ARENA_BLOCK;

        b = malloc(sizeof *b + cap);
        if (!b)
            return NULL;
        b->cap = cap;
        b->n = 0;
        b->next = a->blocks;
        a->blocks = b;
    }
    void *p = b->bytes + b->n;
    b->n += need;
    a->used += need;
    memset(p, 0, need);
    return p;
}

struct span arena_copy(struct arena *a, struct span s)
{
    uint8_t *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;

    if (!p)
        return SPAN_NULL;
    if (s.n)
        memcpy(p, s.p, s.n);
    return SPAN(p, s.n);
}

char *arena_cstr(struct arena *a, struct span s)
{
    struct span c = arena_copy(a, s);

    return (char *)(uintptr_t)c.p;
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = NULL;

    while (a->blocks) {
        struct arena_block *b = a->blocks;

        a->blocks = b->next;
        secret_wipe(b->bytes, b->n);
        if (!keep && b->cap == ARENA_BLOCK) {
            keep = b;
            continue;
        }
        free(b);
    }
    if (keep) {
        keep->next = NULL;
        keep->n = 0;
    }
    a->blocks = keep;
    a->used = 0;
    a->refused = false;
}

void arena_free(struct arena *a)
{
    arena_reset(a);
    free(a->blocks);
    a->blocks = NULL;
}
