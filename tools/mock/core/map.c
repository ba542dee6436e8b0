#include "tools/mock/core/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"

uint64_t map_hash(const void *p, size_t n)
{
    return fnv(FNV_START, p, n);
}

static struct map_slot *find(const struct map *m, const char *key, uint64_t hash)
{
    for (size_t i = (size_t)hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct map_slot *s = &m->slots[i];

        if (!s->key || (s->hash == hash && strcmp(s->key, key) == 0))
            return s;
    }
}

void *map_get(const struct map *m, const char *key)
{
    if (m->cap == 0)
        return NULL;
    struct map_slot *s = find(m, key, map_hash(key, strlen(key)));
    return s->key != NULL ? s->value : NULL;
}

static bool grow(struct map *m)
{
    struct map bigger = {NULL, m->cap == 0 ? 16 : m->cap * 2, m->n, m->free_value};

    bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
    if (!bigger.slots)
        return false;
    for (size_t i = 0; i < m->cap; i++) {
        if (m->slots[i].key)
            *find(&bigger, m->slots[i].key, m->slots[i].hash) = m->slots[i];
    }
    free(m->slots);
    *m = bigger;
    return true;
}

bool map_put(struct map *m, const char *key, void *value)
{
    if ((m->n + 1) * 4 > m->cap * 3 && !grow(m))
        return false;
    uint64_t hash = map_hash(key, strlen(key));
    struct map_slot *s = find(m, key, hash);
    if (!s->key) {
        s->key = strdup(key);
        if (!s->key)
            return false;
        s->hash = hash;
        m->n++;
    }
    s->value = value;
    return true;
}

struct map_slot *map_next(const struct map *m, size_t *at)
{
    while (*at < m->cap) {
        struct map_slot *s = &m->slots[(*at)++];

        if (s->key && s->value)
            return s;
    }
    return NULL;
}

void map_own(struct map *m, void (*free_value)(void *value))
{
    m->free_value = free_value;
}

void map_free(struct map *m, void (*free_value)(void *value))
{
    if (!free_value)
        free_value = m->free_value;
    for (size_t i = 0; i < m->cap; i++) {
        if (m->slots[i].key && m->slots[i].value && free_value)
            free_value(m->slots[i].value);
        free(m->slots[i].key);
    }
    free(m->slots);
    *m = (struct map){NULL, 0, 0, NULL};
}
