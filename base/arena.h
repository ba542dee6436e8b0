/* arena.h - memory for one received frame (or one outgoing stanza): many allocations, one free.
 * Everything is zeroed, aligned for any type, and wiped at reset. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/err.h"
#include "base/span.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used;                /* bytes handed out since the last reset */
    size_t max;
    bool refused; /* since the last reset an allocation was refused because of max */
};

static inline struct arena arena_new(size_t max)
{
    return (struct arena){NULL, 0, max, false};
}

/* n zeroed bytes, or NULL when memory or max is exhausted. */
void *arena_alloc(struct arena *a, size_t n) WB_MUST_CHECK;
/* Would max be exceeded by n more bytes? Tells whether an allocation failed because a peer sent
 * too much (true) or because the machine has too little memory (false). */
bool arena_is_full(const struct arena *a, size_t n);
/* A copy with a NUL behind it; {NULL,0} on failure. */
struct span arena_copy(struct arena *a, struct span s) WB_MUST_CHECK;
/* A NUL-terminated copy, NULL on failure. */
char *arena_cstr(struct arena *a, struct span s) WB_MUST_CHECK;
void arena_reset(struct arena *a); /* wipes; keeps one block for the next use */
void arena_free(struct arena *a);  /* wipes and frees everything */

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))

#endif
