/* A backup is sealed to a key or to a passphrase, and only this key or passphrase opens it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/prim_seal.h"

#define OK(expr) assert_int_equal((expr), WB_OK)

static const struct span passphrase = {(const uint8_t *)"correct horse battery", 21};

struct sealed {
    struct buf header;
    uint8_t one[100 + SEAL_OVERHEAD_BYTES], two[5 + SEAL_OVERHEAD_BYTES];
};

static void seal_two(struct seal_stream *s, struct sealed *out)
{
    uint8_t hundred[100] = {9};

    seal_piece(s, SPAN_ARRAY(hundred), false, out->one);
    seal_piece(s, SPAN_LIT("hello"), true, out->two);
}

static void opens(struct seal_stream *s, const struct sealed *in)
{
    uint8_t out[128];
    bool last = true;

    OK(seal_open_piece(s, SPAN_ARRAY(in->one), out, &last));
    assert_false(last);
    assert_int_equal(out[0], 9);
    OK(seal_open_piece(s, SPAN_ARRAY(in->two), out, &last));
    assert_true(last);
    assert_memory_equal(out, "hello", 5);
}

static void to_a_key(void **state)
{
    (void)state;
    struct sealed in = {.header = buf_new(SEAL_HEADER_MAX)};
    struct x25519_pair pair, other;
    struct seal_stream s;
    uint8_t out[128];
    bool last;
    x25519_generate(&rng_system, &pair);
    x25519_generate(&rng_system, &other);
    OK(seal_to_key(&s, pair.pub, &in.header));
    seal_two(&s, &in);
    OK(seal_open_with_key(&s, buf_span(&in.header), &pair));
    opens(&s, &in);
    assert_int_equal(seal_open_with_key(&s, buf_span(&in.header), &other), WB_ERR_BAD_KEY);
    assert_int_equal(seal_open_with_passphrase(&s, buf_span(&in.header), passphrase),
                     WB_ERR_MALFORMED);
    /* Pieces out of order, or one left out. */
    OK(seal_open_with_key(&s, buf_span(&in.header), &pair));
    assert_int_equal(seal_open_piece(&s, SPAN_ARRAY(in.two), out, &last), WB_ERR_BAD_MAC);
    /* Any bit of the header. */
    for (size_t i = 0; i < in.header.n; i++) {
        in.header.p[i] ^= 0x10;
        enum wb_err err = seal_open_with_key(&s, buf_span(&in.header), &pair);
        if (err == WB_OK)
            err = seal_open_piece(&s, SPAN_ARRAY(in.one), out, &last);
        assert_int_not_equal(err, WB_OK);
        in.header.p[i] ^= 0x10;
    }
    buf_free(&in.header);
}

static void to_a_passphrase(void **state)
{
    (void)state;
    struct sealed in = {.header = buf_new(SEAL_HEADER_MAX)};
    struct seal_stream s;
    uint8_t out[128];
    bool last;
    assert_int_equal(seal_to_passphrase(&s, SPAN_LIT("short"), &in.header), WB_ERR_INVALID);
    assert_int_equal(in.header.n, 0);
    OK(seal_to_passphrase(&s, passphrase, &in.header));
    seal_two(&s, &in);
    OK(seal_open_with_passphrase(&s, buf_span(&in.header), passphrase));
    opens(&s, &in);
    OK(seal_open_with_passphrase(&s, buf_span(&in.header), SPAN_LIT("another passphrase")));
    assert_int_equal(seal_open_piece(&s, SPAN_ARRAY(in.one), out, &last), WB_ERR_BAD_MAC);
    /* A header that asks for gigabytes and hours. */
    memset(in.header.p + 9, 0xff, 4);
    assert_int_equal(seal_open_with_passphrase(&s, buf_span(&in.header), passphrase),
                     WB_ERR_TOO_LARGE);
    buf_free(&in.header);
}

static void headers(void **state)
{
    (void)state;
    enum seal_kind kind = SEAL_TO_KEY;
    size_t n = 0;
    assert_int_equal(seal_header_look(SPAN_NULL, &kind, &n), WB_ERR_TRUNCATED);
    assert_int_equal(seal_header_look(SPAN_LIT("WBSEAL1\n"), &kind, &n), WB_ERR_TRUNCATED);
    assert_int_equal(seal_header_look(SPAN_LIT("WBSEAL2\n\1"), &kind, &n), WB_ERR_MALFORMED);
    assert_int_equal(seal_header_look(SPAN_LIT("WBSEAL1\n\3"), &kind, &n), WB_ERR_MALFORMED);
    assert_int_equal(seal_header_look(SPAN_LIT("SQLite"), &kind, &n), WB_ERR_MALFORMED);
    OK(seal_header_look(SPAN_LIT("WBSEAL1\n\2"), &kind, &n));
    assert_int_equal(kind, SEAL_TO_PASSPHRASE);
    assert_true(n > 9 && n <= SEAL_HEADER_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(to_a_key),
        cmocka_unit_test(to_a_passphrase),
        cmocka_unit_test(headers),
    };

    if (secret_init() != WB_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
