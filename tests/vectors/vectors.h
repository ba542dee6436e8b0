/* vectors.h - reads tests/vectors/<name>.txt. A record is a block of `name = value` lines, ended by
 * an empty line; values are hex, "quoted text", or a decimal number behind '%'. A difference is
 * reported with the file and line of the expected value. For cmocka programs. */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/span.h"
#include "base/text.h"

enum { VEC_FIELDS_MAX = 24, VEC_LINE_MAX = 8192 };

struct vec_field {
    char name[32];
    uint8_t bytes[VEC_LINE_MAX / 2];
    size_t n;
    unsigned long long number;
    int line;
};

struct vec_file {
    FILE *f;
    char path[512];
    int line;
    int nfields;
    struct vec_field fields[VEC_FIELDS_MAX];
};

static inline void vec_open(struct vec_file *v, const char *name)
{
    memset(v, 0, sizeof *v);
    snprintf(v->path, sizeof v->path, "%s/tests/vectors/%s", WB_SOURCE_DIR, name);
    v->f = fopen(v->path, "r");
    if (!v->f)
        fail_msg("cannot open %s", v->path);
}

static inline void vec_parse_value(struct vec_file *v, struct vec_field *f, const char *value)
{
    size_t length = strlen(value);

    if (value[0] == '%') {
        f->number = strtoull(value + 1, NULL, 10);
    } else if (value[0] == '"') {
        if (length < 2 || value[length - 1] != '"')
            fail_msg("%s:%d: text without its closing quote", v->path, v->line);
        f->n = length - 2;
        memcpy(f->bytes, value + 1, f->n);
    } else if (hex_decode(SPAN(value, length), f->bytes, sizeof f->bytes, &f->n) != WB_OK) {
        fail_msg("%s:%d: not hex", v->path, v->line);
    }
}

/* The next record; false at the end of the file, which it closes. */
static inline bool vec_next(struct vec_file *v)
{
    char text[VEC_LINE_MAX];

    v->nfields = 0;
    while (fgets(text, sizeof text, v->f)) {
        char *value = strstr(text, " =");
        struct vec_field *f = &v->fields[v->nfields];

        v->line++;
        text[strcspn(text, "\n")] = 0;
        if (text[0] == '#')
            continue;
        if (text[0] == 0) {
            if (v->nfields > 0)
                return true;
            continue;
        }
        if (!value || v->nfields == VEC_FIELDS_MAX)
            fail_msg("%s:%d: not a field", v->path, v->line);
        *value = 0;
        value += 2;
        memset(f, 0, sizeof *f);
        if (strlen(text) >= sizeof f->name)
            fail_msg("%s:%d: long field name", v->path, v->line);
        memcpy(f->name, text, strlen(text) + 1);
        f->line = v->line;
        vec_parse_value(v, f, value + (*value == ' '));
        v->nfields++;
    }
    if (v->nfields > 0)
        return true;
    fclose(v->f);
    v->f = NULL;
    return false;
}

static inline const struct vec_field *vec_field(const struct vec_file *v, const char *name)
{
    for (int i = 0; i < v->nfields; i++)
        if (strcmp(v->fields[i].name, name) == 0)
            return &v->fields[i];
    return NULL;
}

static inline bool vec_has(const struct vec_file *v, const char *name)
{
    return vec_field(v, name) != NULL;
}

static inline struct span vec_span(const struct vec_file *v, const char *name)
{
    const struct vec_field *f = vec_field(v, name);

    if (!f)
        fail_msg("%s: the record before line %d has no %s", v->path, v->line, name);
    return SPAN(f->bytes, f->n);
}

/* A field of exactly n bytes. */
static inline const uint8_t *vec_bytes(const struct vec_file *v, const char *name, size_t n)
{
    struct span s = vec_span(v, name);

    if (s.n != n)
        fail_msg("%s:%d: %s has %zu bytes, not %zu", v->path, vec_field(v, name)->line, name, s.n,
                 n);
    return s.p;
}

static inline unsigned long long vec_number(const struct vec_file *v, const char *name)
{
    (void)vec_span(v, name);
    return vec_field(v, name)->number;
}

static inline void vec_check(const struct vec_file *v, const char *name, struct span got)
{
    struct span want = vec_span(v, name);

    if (span_eq(want, got))
        return;
    printf("%s:%d: %s differs, got ", v->path, vec_field(v, name)->line, name);
    for (size_t i = 0; i < got.n; i++)
        printf("%02x", got.p[i]);
    printf("\n");
    fail_msg("%s:%d: %s", v->path, vec_field(v, name)->line, name);
}

#endif
