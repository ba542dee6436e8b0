/* fnv.h - FNV-1a: a quick hash for tables in memory. Not for keys that an attacker may choose
 * (collisions), nor for values that are stored. */
#ifndef BASE_FNV_H
#define BASE_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV_START   14695981039346656037u
#define FNV32_START 2166136261u

/* h: FNV_START, or the hash of the words before this one. */
static inline uint64_t fnv_word(uint64_t h, uint64_t word)
{
    return (h ^ word) * 1099511628211u;
}

static inline uint64_t fnv(uint64_t h, const void *p, size_t n)
{
    const uint8_t *bytes = (const uint8_t *)p;

    for (size_t i = 0; i < n; i++)
        h = fnv_word(h, bytes[i]);
    return h;
}

static inline uint64_t fnv_text(uint64_t h, const char *text)
{
    for (; *text; text++)
        h = fnv_word(h, (uint8_t)*text);
    return h;
}

/* The 32-bit hash of n bytes; h: FNV32_START, or the hash of the bytes before them. */
static inline uint32_t fnv32(uint32_t h, const void *p, size_t n)
{
    const uint8_t *bytes = (const uint8_t *)p;

    for (size_t i = 0; i < n; i++)
        h = (h ^ bytes[i]) * 16777619u;
    return h;
}

#endif
