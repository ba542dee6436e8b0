/* map.h - text keys to pointers; grows, never shrinks. */
#ifndef MOCK_CORE_MAP_H
#define MOCK_CORE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
    char *key; /* NULL: free */
    uint64_t hash;
    void *value;
};

struct map {
    struct map_slot *slots;
    size_t cap, n;
    void (*free_value)(void *value); /* set by map_own(), or NULL */
};

/* The value of a key, NULL when absent. */
void *map_get(const struct map *m, const char *key);
/* Sets the value of a key, which is copied. A NULL value counts as absent but keeps its slot.
 * False: no memory. */
bool map_put(struct map *m, const char *key, void *value);
/* Makes the map own its values: map_free() without a function then ends them with free_value. */
void map_own(struct map *m, void (*free_value)(void *value));
/* Next slot with a value, starting at *at (0 first); NULL at the end. */
struct map_slot *map_next(const struct map *m, size_t *at);
/* Frees keys and slots; each value goes through free_value first (NULL: through the function given
 * to map_own(), if any). */
void map_free(struct map *m, void (*free_value)(void *value));
/* FNV-1a, 64 bits. */
uint64_t map_hash(const void *p, size_t n);

#endif
