/* node_fixture.h - binary nodes from hex, and as text. */
#ifndef TESTS_NODE_FIXTURE_H
#define TESTS_NODE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "proto/limits.h"
#include "proto/node.h"
#include "proto/token_dict.h"

struct fixture {
    struct arena a;
    struct buf out;
};

/* For cmocka: an arena and a buffer for each test. */
int setup(void **state);

/* For cmocka: frees both. */
int teardown(void **state);

/* The bytes of a hex text, in the fixture's arena. */
struct span unhex(struct fixture *f, const char *hex);

/* The node as XML; the text is valid until the next call. */
const char *print(struct fixture *f, const struct node *n);

/* The node, packed, must be these bytes. */
void packs_to(const struct node *n, const char *hex);

/* hex must unpack to xml; returns the node. */
struct node *reads_as(struct fixture *f, const char *hex, const char *xml);

/* The error with which unpacking ends; the result pointer must stay untouched. */
enum wb_err read_error(struct fixture *f, const char *hex);

#endif
