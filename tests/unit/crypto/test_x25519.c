/* X25519 against RFC 7748. */
#include "base/secret.h"
#include "crypto/prim_x25519.h"
#include "tests/vectors/vectors.h"

static struct vec_file v;

/* RFC 7748, section 5.2: k becomes the result, u the old k, both from the base point. */
static void iterate(unsigned long long times, uint8_t k[static X25519_KEY_BYTES])
{
    uint8_t u[X25519_KEY_BYTES] = {9}, r[X25519_KEY_BYTES];

    memset(k, 0, X25519_KEY_BYTES);
    k[0] = 9;
    while (times-- > 0) {
        assert_int_equal(x25519_agree(k, u, r), WB_OK);
        memcpy(u, k, sizeof u);
        memcpy(k, r, sizeof r);
    }
}

static void published(void **state)
{
    (void)state;
    uint8_t r[X25519_KEY_BYTES], untouched[X25519_KEY_BYTES];
    struct x25519_pair pair;

    vec_open(&v, "x25519.txt");
    while (vec_next(&v)) {
        if (vec_has(&v, "scalar")) {
            assert_int_equal(x25519_agree(vec_bytes(&v, "scalar", 32), vec_bytes(&v, "u", 32), r),
                             WB_OK);
            vec_check(&v, "shared", SPAN_ARRAY(r));
        } else if (vec_has(&v, "iterations")) {
            iterate(vec_number(&v, "iterations"), r);
            vec_check(&v, "result", SPAN_ARRAY(r));
        } else if (vec_has(&v, "private")) {
            x25519_from_private(vec_bytes(&v, "private", 32), &pair);
            vec_check(&v, "public", SPAN_ARRAY(pair.pub));
            vec_check(&v, "private", SPAN_ARRAY(pair.priv));
            assert_int_equal(x25519_agree(pair.priv, vec_bytes(&v, "peer_public", 32), r), WB_OK);
            vec_check(&v, "agreed", SPAN_ARRAY(r));
        } else {
            memset(r, 0x5a, sizeof r);
            memset(untouched, 0x5a, sizeof untouched);
            assert_int_equal(
                x25519_agree(vec_bytes(&v, "refused", 32), vec_bytes(&v, "refused", 32), r),
                WB_ERR_BAD_KEY);
            assert_memory_equal(r, untouched, sizeof r);
        }
    }
}

static void generated_pairs_agree(void **state)
{
    (void)state;
    struct x25519_pair a, b, again;
    uint8_t ab[32], ba[32], wire[DJB_KEY_BYTES];

    for (int i = 0; i < 50; i++) {
        x25519_generate(&rng_system, &a);
        x25519_generate(&rng_system, &b);
        assert_int_equal(a.priv[0] & 7, 0);
        assert_int_equal(a.priv[31] & 0xc0, 0x40);
        assert_int_equal(x25519_agree(a.priv, b.pub, ab), WB_OK);
        assert_int_equal(x25519_agree(b.priv, a.pub, ba), WB_OK);
        assert_memory_equal(ab, ba, 32);
        x25519_from_private(a.priv, &again);
        assert_memory_equal(&again, &a, sizeof a);
    }
    djb_encode(a.pub, wire);
    assert_int_equal(wire[0], 5);
    assert_memory_equal(wire + 1, a.pub, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published),
        cmocka_unit_test(generated_pairs_agree),
    };

    return secret_init() == WB_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
