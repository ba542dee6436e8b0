/* group_fixture.c - see group_fixture.h. */
#include "tests/unit/crypto/group_fixture.h"

#include <stdio.h>

int group_setup(void **state)
{
    static struct group g;
    static const uint8_t seed[32] = {9};

    if (secret_init() != WB_OK)
        return -1;
    g.rng = rng_from_seed(&g.seed, seed);
    g.own = sender_key_record_new();
    g.theirs = sender_key_record_new();
    assert_true(g.own && g.theirs);
    assert_int_equal(sender_key_create(g.own, &g.rng), WB_OK);
    *state = &g;
    return 0;
}

int group_teardown(void **state)
{
    struct group *g = *state;

    sender_key_record_free(g->own);
    sender_key_record_free(g->theirs);
    return 0;
}

struct buf distribution(struct group *g)
{
    struct buf b = buf_new(TEXT_MAX);

    assert_int_equal(sender_key_distribution(g->own, &b), WB_OK);
    return b;
}

void file(struct group *g, const struct buf *skdm)
{
    assert_int_equal(sender_key_process_distribution(g->theirs, buf_span(skdm)), WB_OK);
}

void introduce(struct group *g)
{
    struct buf b = distribution(g);

    file(g, &b);
    buf_free(&b);
}

struct buf write_text(struct group *g, const char *text)
{
    struct buf b = buf_new(TEXT_MAX);

    assert_int_equal(sender_key_encrypt(g->own, span_cstr(text), &g->rng, &b), WB_OK);
    return b;
}

void reads(struct group *g, const struct buf *message, const char *text)
{
    struct buf plain = buf_new(TEXT_MAX);

    assert_int_equal(sender_key_decrypt(g->theirs, buf_span(message), &plain), WB_OK);
    assert_string_equal(buf_cstr(&plain), text);
    buf_free(&plain);
}

void record_digest(const struct sender_key_record *r, uint8_t digest[32])
{
    memset(digest, (int)r->nstates, 32);
    for (size_t i = 0; i < r->nstates; i++) {
        struct sender_key_state flat = *r->states[i];

        flat.keys = NULL;
        flat.has_prepared = false;
        memset(&flat.prepared, 0, sizeof flat.prepared);
        sha256_v((struct span[]){SPAN(digest, 32), SPAN(&flat, sizeof flat),
                                 SPAN(r->states[i]->keys, flat.nkeys * sizeof *flat.keys)},
                 3, digest);
    }
}

void refuses(struct group *g, const struct buf *message, enum wb_err expected)
{
    uint8_t before[32], after[32];
    struct buf plain = buf_new(TEXT_MAX);

    buf_append_cstr(&plain, "kept");
    record_digest(g->theirs, before);
    assert_string_equal(wb_err_name(sender_key_decrypt(g->theirs, buf_span(message), &plain)),
                        wb_err_name(expected));
    record_digest(g->theirs, after);
    assert_memory_equal(before, after, 32);
    assert_string_equal(buf_cstr(&plain), "kept");
    buf_free(&plain);
}

void lose(struct group *g, int n)
{
    for (int i = 0; i < n; i++) {
        struct buf m = write_text(g, "lost");

        buf_free(&m);
    }
}
