/* The server's certificate chain: what is accepted, and everything that must not be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/secret.h"
#include "crypto/noise_cert.h"
#include "crypto/prim_xeddsa.h"
#include "proto/handshake_wire.h"

enum { NOW = 1700000000, DAY = 86400, CHAIN_MAX = 4096 };

static struct noise_cert_params params(void)
{
    struct noise_cert_params p = {.not_before_s = NOW - DAY, .not_after_s = NOW + DAY};

    x25519_generate(&rng_system, &p.root);
    x25519_generate(&rng_system, &p.intermediate);
    rng_fill(&rng_system, p.server_static, sizeof p.server_static);
    return p;
}

/* A chain of given details, correctly signed by root and intermediate. */
static void build(struct buf *out, const struct cert_wire_details *intermediate,
                  const struct cert_wire_details *leaf, const struct x25519_pair *root,
                  const struct x25519_pair *inter)
{
    struct buf i = buf_new(CHAIN_MAX), l = buf_new(CHAIN_MAX);
    struct cert_wire_chain c;

    assert_int_equal(cert_wire_details_encode(intermediate, &i), WB_OK);
    assert_int_equal(cert_wire_details_encode(leaf, &l), WB_OK);
    c.intermediate.details = buf_span(&i);
    c.leaf.details = buf_span(&l);
    assert_int_equal(xeddsa_sign(root->priv, buf_span(&i), &rng_system, c.intermediate.signature),
                     WB_OK);
    assert_int_equal(xeddsa_sign(inter->priv, buf_span(&l), &rng_system, c.leaf.signature), WB_OK);
    buf_clear(out);
    assert_int_equal(cert_wire_chain_encode(&c, out), WB_OK);
    buf_free(&i);
    buf_free(&l);
}

static void issued_chain_verifies(void **state)
{
    (void)state;
    struct noise_cert_params p = params();
    struct buf chain = buf_new(CHAIN_MAX);
    const uint8_t *key = p.server_static;

    assert_int_equal(noise_cert_issue(&p, &rng_system, &chain), WB_OK);
    assert_int_equal(noise_cert_verify(buf_span(&chain), p.root.pub, key, NOW), WB_OK);
    assert_int_equal(noise_cert_verify(buf_span(&chain), p.root.pub, key, NOW - DAY), WB_OK);
    assert_int_equal(noise_cert_verify(buf_span(&chain), p.root.pub, key, NOW + DAY), WB_OK);
    assert_int_equal(noise_cert_verify(buf_span(&chain), p.root.pub, key, NOW - DAY - 1),
                     WB_ERR_CLOCK);
    assert_int_equal(noise_cert_verify(buf_span(&chain), p.root.pub, key, NOW + DAY + 1),
                     WB_ERR_CLOCK);
    assert_int_equal(noise_cert_verify(buf_span(&chain), p.root.pub, key, -1), WB_ERR_CLOCK);
    assert_int_equal(noise_cert_verify(buf_span(&chain), noise_root_key_whatsapp, key, NOW),
                     WB_ERR_BAD_CERT);
    buf_free(&chain);
    p.not_after_s = p.not_before_s - 1;
    assert_int_equal(noise_cert_issue(&p, &rng_system, &chain), WB_ERR_INVALID);
}

/* A forged chain with wrong dates is a forgery, not a wrong clock. */
static void another_server_key(void **state)
{
    (void)state;
    struct noise_cert_params p = params();
    struct buf chain = buf_new(CHAIN_MAX);

    assert_int_equal(noise_cert_issue(&p, &rng_system, &chain), WB_OK);
    p.server_static[0] ^= 1;
    assert_int_equal(noise_cert_verify(buf_span(&chain), p.root.pub, p.server_static, NOW),
                     WB_ERR_BAD_CERT);
    assert_int_equal(noise_cert_verify(buf_span(&chain), p.root.pub, p.server_static, 0),
                     WB_ERR_BAD_CERT);
    buf_free(&chain);
}

static void every_byte_counts(void **state)
{
    (void)state;
    struct noise_cert_params p = params();
    struct buf chain = buf_new(CHAIN_MAX);

    assert_int_equal(noise_cert_issue(&p, &rng_system, &chain), WB_OK);
    for (size_t i = 0; i < chain.n; i++) {
        chain.p[i] ^= 1;
        assert_int_equal(noise_cert_verify(buf_span(&chain), p.root.pub, p.server_static, NOW),
                         WB_ERR_BAD_CERT);
        chain.p[i] ^= 1;
    }
    for (size_t n = 0; n < chain.n; n++)
        assert_int_equal(
            noise_cert_verify(span_first(buf_span(&chain), n), p.root.pub, p.server_static, NOW),
            WB_ERR_BAD_CERT);
    buf_free(&chain);
}

/* Correct signatures over details that break one rule each (P-HS-08, P-HS-09). */
static void signed_but_wrong(void **state)
{
    (void)state;
    struct noise_cert_params p = params();
    struct buf chain = buf_new(CHAIN_MAX);
    struct cert_wire_details good_i = {.serial = 7, .not_before = NOW - 1, .not_after = NOW + 1};
    struct cert_wire_details good_l = {
        .serial = 8, .issuer_serial = 7, .not_before = NOW - 1, .not_after = NOW + 1};
    struct cert_wire_details i, l;
    const enum wb_err want[] = {WB_OK,           WB_ERR_BAD_CERT, WB_ERR_BAD_CERT,
                                WB_ERR_BAD_CERT, WB_ERR_CLOCK,    WB_ERR_CLOCK,
                                WB_ERR_CLOCK,    WB_ERR_CLOCK,    WB_ERR_BAD_CERT};

    memcpy(good_i.key, p.intermediate.pub, 32);
    memcpy(good_l.key, p.server_static, 32);
    for (size_t n = 0; n < sizeof want / sizeof *want; n++) {
        const struct x25519_pair *leaf_signer = &p.intermediate;

        i = good_i;
        l = good_l;
        if (n == 1)
            i.issuer_serial = 1; /* not from the root */
        else if (n == 2)
            l.issuer_serial = 6; /* not from this intermediate */
        else if (n == 3)
            memcpy(i.key, p.root.pub, 32); /* the leaf is signed by another key */
        else if (n == 4)
            i.not_after = NOW - 1;
        else if (n == 5)
            l.not_after = NOW - 1;
        else if (n == 6)
            i.not_before = NOW + 1;
        else if (n == 7)
            l.not_before = UINT64_MAX;
        else if (n == 8)
            leaf_signer = &p.root; /* the root signs intermediates only */
        build(&chain, &i, &l, &p.root, leaf_signer);
        assert_int_equal(noise_cert_verify(buf_span(&chain), p.root.pub, p.server_static, NOW),
                         want[n]);
    }
    /* Leaf and intermediate exchanged. */
    build(&chain, &good_l, &good_i, &p.root, &p.intermediate);
    assert_int_equal(noise_cert_verify(buf_span(&chain), p.root.pub, p.server_static, NOW),
                     WB_ERR_BAD_CERT);
    buf_free(&chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(issued_chain_verifies),
        cmocka_unit_test(another_server_key),
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(signed_but_wrong),
    };

    return secret_init() == WB_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
