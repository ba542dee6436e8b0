/* Noise XX: the published vectors, WhatsApp transcripts of an independent generator, and every way
 * in which a handshake must fail. */
#include "base/secret.h"
#include "crypto/limits.h"
#include "crypto/noise_internal.h"
#include "tests/vectors/fixed_rng.h"

enum { ROOM = 1 << 17 };

static struct vec_file v;
static const uint8_t WA_PROLOGUE[4] = {'W', 'A', 6, 3};

/* Both ends of one handshake, with keys from a vector (or drawn, when v has no record). */
struct ends {
    struct noise_handshake i, r;
    uint8_t e1[32], e2[32];
    struct buf static_2, sealed_2, static_3, sealed_3, payload;
};

static void start(struct noise_handshake *hs, bool initiator, struct span prologue,
                  const uint8_t *priv, const uint8_t *ephemeral)
{
    struct fixed_rng bytes;
    struct rng rng = rng_from_bytes(&bytes, SPAN(ephemeral, 32));
    struct x25519_pair s;

    x25519_from_private(priv, &s);
    assert_int_equal(noise_handshake_init(hs, initiator, prologue, &s, &rng), WB_OK);
}

static void ends_new(struct ends *t, struct span prologue, const uint8_t *init_s,
                     const uint8_t *init_e, const uint8_t *resp_s, const uint8_t *resp_e)
{
    start(&t->i, true, prologue, init_s, init_e);
    start(&t->r, false, prologue, resp_s, resp_e);
    t->static_2 = t->sealed_2 = t->static_3 = t->sealed_3 = t->payload = buf_new(ROOM);
}

static void ends_random(struct ends *t)
{
    uint8_t k[4][32];

    rng_fill(&rng_system, k[0], sizeof k);
    ends_new(t, SPAN_ARRAY(WA_PROLOGUE), k[0], k[1], k[2], k[3]);
}

static void ends_free(struct ends *t)
{
    noise_handshake_free(&t->i);
    noise_handshake_free(&t->r);
    buf_free(&t->static_2);
    buf_free(&t->sealed_2);
    buf_free(&t->static_3);
    buf_free(&t->sealed_3);
    buf_free(&t->payload);
}

static void message_1(struct ends *t)
{
    assert_int_equal(noise_write_1(&t->i, t->e1), WB_OK);
    assert_int_equal(noise_read_1(&t->r, SPAN_ARRAY(t->e1)), WB_OK);
}

static void write_2(struct ends *t, struct span payload)
{
    assert_int_equal(noise_write_2(&t->r, payload, t->e2, &t->static_2, &t->sealed_2), WB_OK);
}

static enum wb_err read_2(struct ends *t)
{
    buf_clear(&t->payload);
    return noise_read_2(&t->i, SPAN_ARRAY(t->e2), buf_span(&t->static_2), buf_span(&t->sealed_2),
                        &t->payload);
}

static void write_3(struct ends *t, struct span payload)
{
    assert_int_equal(noise_write_3(&t->i, payload, &t->static_3, &t->sealed_3), WB_OK);
}

static enum wb_err read_3(struct ends *t)
{
    buf_clear(&t->payload);
    return noise_read_3(&t->r, buf_span(&t->static_3), buf_span(&t->sealed_3), &t->payload);
}

/* The paper's message 1 carries a payload, which goes into h; WhatsApp's does not. Everything else
 * is the paper's, so the published vectors hold with that one step added. */
static void published_messages(struct ends *t)
{
    struct span m1 = vec_span(&v, "message_1"), m2 = vec_span(&v, "message_2"),
                m3 = vec_span(&v, "message_3"), payload_1 = vec_span(&v, "payload_1");

    message_1(t);
    assert_true(span_eq(span_first(m1, 32), SPAN_ARRAY(t->e1)));
    assert_true(span_eq(span_skip(m1, 32), payload_1));
    noise_symmetric_mix_hash(&t->i.sym, payload_1);
    noise_symmetric_mix_hash(&t->r.sym, payload_1);

    write_2(t, vec_span(&v, "payload_2"));
    assert_true(span_eq(span_first(m2, 32), SPAN_ARRAY(t->e2)));
    assert_true(span_eq(SPAN(m2.p + 32, 48), buf_span(&t->static_2)));
    assert_true(span_eq(span_skip(m2, 80), buf_span(&t->sealed_2)));
    assert_int_equal(read_2(t), WB_OK);
    vec_check(&v, "payload_2", buf_span(&t->payload));

    write_3(t, vec_span(&v, "payload_3"));
    assert_true(span_eq(span_first(m3, 48), buf_span(&t->static_3)));
    assert_true(span_eq(span_skip(m3, 48), buf_span(&t->sealed_3)));
    assert_int_equal(read_3(t), WB_OK);
    vec_check(&v, "payload_3", buf_span(&t->payload));
    if (vec_has(&v, "handshake_hash")) {
        vec_check(&v, "handshake_hash", SPAN_ARRAY(t->i.sym.h));
        vec_check(&v, "handshake_hash", SPAN_ARRAY(t->r.sym.h));
    }
}

/* Messages 4, 5, ...: the responder's and the initiator's in turn. */
static void published_transport(struct ends *t)
{
    struct noise_transport i, r;
    char payload[32], message[32];

    assert_int_equal(noise_split(&t->i, &i), WB_OK);
    assert_int_equal(noise_split(&t->r, &r), WB_OK);
    for (int n = 4;; n++) {
        struct noise_transport *from = n % 2 == 0 ? &r : &i, *to = n % 2 == 0 ? &i : &r;
        struct buf sealed = buf_new(ROOM), opened = buf_new(ROOM);

        snprintf(payload, sizeof payload, "payload_%d", n);
        snprintf(message, sizeof message, "message_%d", n);
        if (!vec_has(&v, message)) {
            assert_true(n > 5);
            break;
        }
        assert_int_equal(noise_transport_seal(from, vec_span(&v, payload), &sealed), WB_OK);
        vec_check(&v, message, buf_span(&sealed));
        assert_int_equal(noise_transport_open(to, buf_span(&sealed), &opened), WB_OK);
        vec_check(&v, payload, buf_span(&opened));
        buf_free(&sealed);
        buf_free(&opened);
    }
    noise_transport_free(&i);
    noise_transport_free(&r);
}

static void published(void **state)
{
    (void)state;
    int records = 0;

    vec_open(&v, "noise_xx.txt");
    while (vec_next(&v)) {
        struct ends t;

        ends_new(&t, vec_span(&v, "prologue"), vec_bytes(&v, "init_static", 32),
                 vec_bytes(&v, "init_ephemeral", 32), vec_bytes(&v, "resp_static", 32),
                 vec_bytes(&v, "resp_ephemeral", 32));
        published_messages(&t);
        published_transport(&t);
        ends_free(&t);
        records++;
    }
    assert_int_equal(records, 2);
}

static void transcript_frames(struct ends *t)
{
    struct noise_transport c, s;

    assert_int_equal(noise_split(&t->i, &c), WB_OK);
    assert_int_equal(noise_split(&t->r, &s), WB_OK);
    for (int n = 0; n < 3; n++) {
        struct buf out = buf_new(ROOM), in = buf_new(ROOM);
        char name[32], text[32];

        snprintf(name, sizeof name, "client_frame_%d", n);
        snprintf(text, sizeof text, "from client %d", n);
        assert_int_equal(noise_transport_seal(&c, span_cstr(text), &out), WB_OK);
        vec_check(&v, name, buf_span(&out));
        assert_int_equal(noise_transport_open(&s, buf_span(&out), &in), WB_OK);
        assert_string_equal(buf_cstr(&in), text);
        snprintf(name, sizeof name, "server_frame_%d", n);
        snprintf(text, sizeof text, "from server %d", n);
        buf_clear(&out);
        buf_clear(&in);
        assert_int_equal(noise_transport_seal(&s, span_cstr(text), &out), WB_OK);
        vec_check(&v, name, buf_span(&out));
        assert_int_equal(noise_transport_open(&c, buf_span(&out), &in), WB_OK);
        assert_string_equal(buf_cstr(&in), text);
        buf_free(&out);
        buf_free(&in);
    }
    noise_transport_free(&c);
    noise_transport_free(&s);
}

static void whatsapp_transcripts(void **state)
{
    (void)state;

    vec_open(&v, "noise_whatsapp.txt");
    while (vec_next(&v)) {
        struct ends t;

        ends_new(&t, SPAN_ARRAY(WA_PROLOGUE), vec_bytes(&v, "client_static", 32),
                 vec_bytes(&v, "client_ephemeral", 32), vec_bytes(&v, "server_static", 32),
                 vec_bytes(&v, "server_ephemeral", 32));
        vec_check(&v, "hash_after_prologue", SPAN_ARRAY(t.i.sym.h));
        message_1(&t);
        vec_check(&v, "e_1", SPAN_ARRAY(t.e1));
        write_2(&t, vec_span(&v, "payload_2"));
        vec_check(&v, "e_2", SPAN_ARRAY(t.e2));
        vec_check(&v, "static_2", buf_span(&t.static_2));
        vec_check(&v, "sealed_2", buf_span(&t.sealed_2));
        assert_int_equal(read_2(&t), WB_OK);
        vec_check(&v, "payload_2", buf_span(&t.payload));
        assert_memory_equal(t.i.rs, t.r.s.pub, 32);
        write_3(&t, vec_span(&v, "payload_3"));
        vec_check(&v, "static_3", buf_span(&t.static_3));
        vec_check(&v, "sealed_3", buf_span(&t.sealed_3));
        assert_int_equal(read_3(&t), WB_OK);
        vec_check(&v, "payload_3", buf_span(&t.payload));
        assert_memory_equal(t.r.rs, t.i.s.pub, 32);
        vec_check(&v, "handshake_hash", SPAN_ARRAY(t.i.sym.h));
        vec_check(&v, "handshake_hash", SPAN_ARRAY(t.r.sym.h));
        transcript_frames(&t);
        ends_free(&t);
    }
}

/* Each call in each step that does not wait for it. */
static void wrong_order(void **state)
{
    (void)state;

    for (int call = 0; call < 7; call++) {
        for (int steps = 0; steps <= NOISE_FAILED; steps++) {
            struct ends t;
            struct noise_transport nt;
            enum wb_err err = WB_OK;
            uint8_t e[32];

            ends_random(&t);
            t.i.step = (enum noise_handshake_step)steps;
            if (call == 0)
                err = noise_write_1(&t.i, e);
            else if (call == 1)
                err = noise_read_2(&t.i, SPAN_ARRAY(t.r.e.pub), SPAN_NULL, SPAN_NULL, &t.payload);
            else if (call == 2)
                err = noise_write_3(&t.i, SPAN_LIT("x"), &t.static_3, &t.sealed_3);
            else if (call == 3)
                err = noise_read_1(&t.i, SPAN_ARRAY(t.r.e.pub));
            else if (call == 4)
                err = noise_write_2(&t.i, SPAN_LIT("x"), e, &t.static_2, &t.sealed_2);
            else if (call == 5)
                err = noise_read_3(&t.i, SPAN_NULL, SPAN_NULL, &t.payload);
            else
                err = noise_split(&t.i, &nt);
            if (call == steps) {
                assert_int_not_equal(err, WB_ERR_BUG);
                if (call == 6)
                    noise_transport_free(&nt);
            } else {
                assert_int_equal(err, WB_ERR_STATE);
                assert_int_equal(t.i.step, NOISE_FAILED);
            }
            ends_free(&t);
        }
    }
}

/* Flip one bit of each field of message 2 and 3: the reader refuses, and is done for good. */
static void altered_bytes(void **state)
{
    (void)state;

    for (int field = 0; field < 5; field++) {
        for (int at = 0; at < 48; at += 7) {
            struct ends t;

            ends_random(&t);
            message_1(&t);
            write_2(&t, SPAN_LIT("a certificate chain that is longer than the tag"));
            if (field == 0)
                t.e2[at % 32] ^= 1;
            else if (field == 1)
                t.static_2.p[at] ^= 1;
            else if (field == 2)
                t.sealed_2.p[at] ^= 1;
            if (field < 3) {
                assert_int_equal(read_2(&t), WB_ERR_BAD_MAC);
                assert_int_equal(t.payload.n, 0);
                assert_int_equal(t.i.step, NOISE_FAILED);
                assert_int_equal(read_2(&t), WB_ERR_STATE);
            } else {
                assert_int_equal(read_2(&t), WB_OK);
                write_3(&t, SPAN_LIT("a client payload that is longer than the tag"));
                (field == 3 ? &t.static_3 : &t.sealed_3)->p[at] ^= 1;
                assert_int_equal(read_3(&t), WB_ERR_BAD_MAC);
                assert_int_equal(t.r.step, NOISE_FAILED);
            }
            ends_free(&t);
        }
    }
}

static void wrong_sizes(void **state)
{
    (void)state;
    static uint8_t large[NOISE_PAYLOAD_MAX + 1];
    uint8_t zero[32] = {0};
    struct ends t;

    ends_random(&t);
    assert_int_equal(noise_read_1(&t.r, SPAN(zero, 31)), WB_ERR_MALFORMED);
    ends_free(&t);
    ends_random(&t); /* a small-order ephemeral */
    assert_int_equal(noise_read_1(&t.r, SPAN_ARRAY(zero)), WB_OK);
    assert_int_equal(noise_write_2(&t.r, SPAN_NULL, t.e2, &t.static_2, &t.sealed_2),
                     WB_ERR_BAD_KEY);
    assert_int_equal(t.static_2.n + t.sealed_2.n, 0);
    ends_free(&t);
    for (int which = 0; which < 4; which++) {
        ends_random(&t);
        message_1(&t);
        write_2(&t, SPAN_LIT("chain"));
        if (which == 0)
            buf_consume(&t.static_2, 1);
        else if (which == 1)
            buf_u8(&t.static_2, 0);
        else if (which == 2)
            t.sealed_2.n = GCM_TAG_BYTES - 1;
        else
            buf_append(&t.sealed_2, SPAN_ARRAY(large));
        assert_int_equal(read_2(&t), which == 2   ? WB_ERR_TRUNCATED
                                     : which == 3 ? WB_ERR_TOO_LARGE
                                                  : WB_ERR_MALFORMED);
        ends_free(&t);
    }
    ends_random(&t); /* nothing of a refused message is left in the buffers */
    message_1(&t);
    assert_int_equal(noise_write_2(&t.r, SPAN_ARRAY(large), t.e2, &t.static_2, &t.sealed_2),
                     WB_ERR_TOO_LARGE);
    assert_int_equal(t.static_2.n + t.sealed_2.n, 0);
    ends_free(&t);
}

static void another_prologue(void **state)
{
    (void)state;
    uint8_t k[4][32];
    struct ends t;

    rng_fill(&rng_system, k[0], sizeof k);
    ends_new(&t, SPAN_LIT("WA\x06\x03"), k[0], k[1], k[2], k[3]);
    noise_handshake_free(&t.r);
    start(&t.r, false, SPAN_LIT("WA\x06\x02"), k[2], k[3]);
    message_1(&t);
    write_2(&t, SPAN_LIT("chain"));
    assert_int_equal(read_2(&t), WB_ERR_BAD_MAC);
    ends_free(&t);
}

static void damaged_static_pair(void **state)
{
    (void)state;
    struct noise_handshake hs;
    struct x25519_pair s;

    x25519_generate(&rng_system, &s);
    s.pub[3] ^= 1;
    assert_int_equal(noise_handshake_init(&hs, true, SPAN_ARRAY(WA_PROLOGUE), &s, &rng_system),
                     WB_ERR_BAD_KEY);
    noise_handshake_free(&hs);
}

/* A frame out of order, replayed or altered ends the stream; the counter stays (P-HS-12). */
static void transport_order(void **state)
{
    (void)state;
    uint8_t key[AES_KEY_BYTES] = {7};
    struct noise_transport a, b;
    struct buf first = buf_new(ROOM), second = buf_new(ROOM), plain = buf_new(ROOM);

    assert_int_equal(noise_cipher_init(&a.send, key), WB_OK);
    assert_int_equal(noise_cipher_init(&a.receive, key), WB_OK);
    assert_int_equal(noise_cipher_init(&b.send, key), WB_OK);
    assert_int_equal(noise_cipher_init(&b.receive, key), WB_OK);
    assert_int_equal(noise_transport_seal(&a, SPAN_LIT("one"), &first), WB_OK);
    assert_int_equal(noise_transport_seal(&a, SPAN_NULL, &second), WB_OK);
    assert_int_equal(second.n, GCM_TAG_BYTES);
    assert_int_equal(noise_transport_open(&b, buf_span(&second), &plain), WB_ERR_BAD_MAC);
    assert_int_equal(b.receive.n, 0);
    assert_int_equal(noise_transport_open(&b, buf_span(&first), &plain), WB_OK);
    assert_int_equal(noise_transport_open(&b, buf_span(&first), &plain), WB_ERR_BAD_MAC);
    assert_int_equal(noise_transport_open(&b, buf_span(&second), &plain), WB_OK);
    assert_true(span_eq_cstr(buf_span(&plain), "one"));
    a.send.n = UINT32_MAX - 1;
    assert_int_equal(noise_transport_seal(&a, SPAN_LIT("last"), &first), WB_OK);
    assert_int_equal(noise_transport_seal(&a, SPAN_LIT("x"), &first), WB_ERR_STATE);
    noise_transport_free(&a);
    noise_transport_free(&b);
    assert_int_equal(noise_transport_seal(&a, SPAN_LIT("x"), &first), WB_ERR_STATE);
    buf_free(&first);
    buf_free(&second);
    buf_free(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published),       cmocka_unit_test(whatsapp_transcripts),
        cmocka_unit_test(wrong_order),     cmocka_unit_test(altered_bytes),
        cmocka_unit_test(wrong_sizes),     cmocka_unit_test(another_prologue),
        cmocka_unit_test(transport_order), cmocka_unit_test(damaged_static_pair),
    };

    return secret_init() == WB_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
