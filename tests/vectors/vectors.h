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

/* Opens tests/vectors/<name>; a file that cannot be opened fails the test. */
void vec_open(struct vec_file *v, const char *name);

/* The next record; false at the end of the file, which it closes. */
bool vec_next(struct vec_file *v);

/* Whether the record has this field. */
bool vec_has(const struct vec_file *v, const char *name);

/* The bytes of a field; a record without the field fails the test. */
struct span vec_span(const struct vec_file *v, const char *name);

/* A field of exactly n bytes. */
const uint8_t *vec_bytes(const struct vec_file *v, const char *name, size_t n);

/* The number of a field that was written with '%'. */
unsigned long long vec_number(const struct vec_file *v, const char *name);

/* Fails the test, and prints what came, when the bytes differ from the field. */
void vec_check(const struct vec_file *v, const char *name, struct span got);

#endif
