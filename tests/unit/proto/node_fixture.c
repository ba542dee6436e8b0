/* node_fixture.c - see node_fixture.h. */
#include "tests/unit/proto/node_fixture.h"

int setup(void **state)
{
    struct fixture *f = malloc(sizeof *f);

    f->a = arena_new(64 << 20);
    f->out = buf_new(64 << 20);
    *state = f;
    return 0;
}

int teardown(void **state)
{
    struct fixture *f = *state;

    arena_free(&f->a);
    buf_free(&f->out);
    free(f);
    return 0;
}

struct span unhex(struct fixture *f, const char *hex)
{
    size_t n = strlen(hex) / 2;
    uint8_t *p = arena_alloc(&f->a, n ? n : 1);

    assert_int_equal(hex_decode(span_cstr(hex), p, n, &n), WB_OK);
    return SPAN(p, n);
}

const char *print(struct fixture *f, const struct node *n)
{
    buf_clear(&f->out);
    node_print(n, &f->out);
    return buf_cstr(&f->out);
}

void packs_to(const struct node *n, const char *hex)
{
    struct buf got = buf_new(1 << 20), text = buf_new(1 << 21);

    assert_int_equal(node_pack(n, &got), WB_OK);
    buf_hex(&text, buf_span(&got));
    assert_string_equal(buf_cstr(&text), hex);
    buf_free(&got);
    buf_free(&text);
}

struct node *reads_as(struct fixture *f, const char *hex, const char *xml)
{
    struct node *n = NULL;

    assert_int_equal(node_unpack(unhex(f, hex), &f->a, &n), WB_OK);
    assert_string_equal(print(f, n), xml);
    return n;
}

enum wb_err read_error(struct fixture *f, const char *hex)
{
    struct node untouched, *n = &untouched;
    enum wb_err err = node_unpack(unhex(f, hex), &f->a, &n);

    assert_ptr_equal(n, &untouched);
    return err;
}
