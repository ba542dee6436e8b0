/* span.h - borrowed bytes. A span never owns; its comment or its function says how long the
 * bytes live. {NULL, 0} is "nothing"; an empty but present value has p != NULL. */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *p;
    size_t n;
};

#define SPAN_NULL ((struct span){NULL, 0})
/* The bytes of a string literal, without its NUL. */
#define SPAN_LIT(s)       ((struct span){(const uint8_t *)("" s), sizeof(s) - 1})
#define SPAN_ARRAY(a)     ((struct span){(a), sizeof(a)})
#define SPAN(ptr, length) ((struct span){(const uint8_t *)(ptr), (length)})

static inline struct span span_cstr(const char *s)
{
    return (struct span){(const uint8_t *)s, s ? strlen(s) : 0};
}

static inline bool span_is_null(struct span s)
{
    return s.p == NULL;
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool span_eq_cstr(struct span a, const char *s)
{
    return span_eq(a, span_cstr(s));
}

/* The first n bytes of s, or all of it. */
static inline struct span span_first(struct span s, size_t n)
{
    return (struct span){s.p, n < s.n ? n : s.n};
}

/* s without its first n bytes; empty when n >= s.n. */
static inline struct span span_skip(struct span s, size_t n)
{
    return n >= s.n ? (struct span){s.p ? s.p + s.n : NULL, 0} : (struct span){s.p + n, s.n - n};
}

/* Decimal digits only, no sign, no overflow: *ret_v is untouched on failure. */
bool span_to_u64(struct span s, uint64_t *ret_v);

#endif
