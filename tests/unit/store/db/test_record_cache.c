/* How many decoded records are kept, and which: the rest of the cache's behaviour is seen through
 * the store (test_signal_store.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "store/db/record_cache.h"

enum { MAX = 16 };

static unsigned loads, writes;

static enum wb_err load(void *ctx, const char *key, void **ret)
{
    (void)ctx;
    (void)key;
    loads++;
    *ret = malloc(1);
    return *ret ? WB_OK : WB_ERR_NOMEM;
}

static enum wb_err save(void *ctx, const char *key, const void *record)
{
    (void)ctx;
    (void)key;
    (void)record;
    writes++;
    return WB_OK;
}

static const struct record_ops ops = {free, load, save};

static const char *key(char text[static 16], unsigned n)
{
    snprintf(text, 16, "%u", n);
    return text;
}

static void get(struct record_cache *c, unsigned n)
{
    const void *record;
    char text[16];

    assert_int_equal(record_cache_get(c, key(text, n), &record), WB_OK);
}

static void put(struct record_cache *c, unsigned n)
{
    char text[16];

    assert_int_equal(record_cache_put(c, key(text, n), malloc(1)), WB_OK);
}

static void count(void *ctx, const char *text)
{
    (void)text;
    ++*(unsigned *)ctx;
}

static unsigned held(const struct record_cache *c)
{
    unsigned n = 0;

    record_cache_each_key(c, count, &n);
    return n;
}

static void the_oldest_clean_one_goes(void **state)
{
    (void)state;
    struct record_cache *c = record_cache_new(NULL, &ops, MAX);
    char text[16];

    assert_non_null(c);
    put(c, 0); /* changed: stays */
    for (unsigned i = 1; i <= MAX; i++)
        get(c, i);
    assert_int_equal(held(c), MAX);
    assert_true(record_cache_holds(c, key(text, 0)));
    assert_false(record_cache_holds(c, key(text, 1)));
    assert_true(record_cache_holds(c, key(text, 2)));
    record_cache_free(c);
}

/* A message to a large group changes far more than is kept otherwise, and reads them in chunks
 * before: each is read once. Afterwards they go. */
static void a_burst_under_a_mark(void **state)
{
    (void)state;
    enum { CHUNK = MAX / 2, MANY = 10 * MAX };
    struct record_cache *c = record_cache_new(NULL, &ops, MAX);

    assert_non_null(c);
    loads = writes = 0;
    record_cache_mark(c);
    for (unsigned from = 0; from < MANY; from += CHUNK) {
        for (unsigned i = from; i < from + CHUNK; i++)
            get(c, i);
        for (unsigned i = from; i < from + CHUNK; i++) {
            get(c, i);
            put(c, i);
        }
    }
    assert_int_equal(loads, MANY);
    assert_int_equal(writes, 0); /* an undo could not take it back */
    record_cache_mark_keep(c);
    record_cache_trim(c);
    assert_int_equal(held(c), MANY); /* none of them is written yet */
    assert_int_equal(record_cache_flush(c), WB_OK);
    assert_int_equal(writes, MANY);
    record_cache_trim(c);
    assert_int_equal(held(c), MAX);
    record_cache_trim(c);
    assert_int_equal(held(c), MAX);
    record_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_clean_one_goes),
        cmocka_unit_test(a_burst_under_a_mark),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
