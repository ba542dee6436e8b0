/* Signal records in Node's form: the sessions in them go on in our form. */
#include "tests/unit/crypto/signal_fixture.h"

#include "tools/import/signal_file.h"

static void put_key(struct buf *out, const uint8_t *pub)
{
    uint8_t djb[DJB_KEY_BYTES];

    djb_encode(pub, djb);
    buf_b64(out, SPAN_ARRAY(djb));
}

static void put_b64(struct buf *out, const char *before, const uint8_t *p, const char *after)
{
    buf_append_cstr(out, before);
    buf_b64(out, SPAN(p, 32));
    buf_append_cstr(out, after);
}

static void step(uint8_t chain[32])
{
    const uint8_t two = 2;
    uint8_t next[32];

    hmac_sha256(SPAN(chain, 32), SPAN(&two, 1), next);
    memcpy(chain, next, sizeof next);
}

/* A receiving chain as Node has it after it has made `ahead` more message keys and used none. */
static void put_receiving(struct buf *out, const struct signal_chain *c, unsigned ahead,
                          bool closed)
{
    uint8_t key[32];

    memcpy(key, c->chain_key.key, sizeof key);
    buf_append_cstr(out, "\"");
    put_key(out, c->ratchet.pub);
    buf_append_cstr(out, "\":{\"chainType\":2,\"messageKeys\":{");
    for (unsigned i = 0; i < ahead; i++) {
        const uint8_t one = 1;
        uint8_t seed[32];

        hmac_sha256(SPAN_ARRAY(key), SPAN(&one, 1), seed);
        buf_printf(out, "%s\"%u\"", i ? "," : "", c->chain_key.index + i);
        put_b64(out, ":\"", seed, "\"");
        step(key);
    }
    buf_printf(out, "},\"chainKey\":{\"counter\":%u", c->chain_key.index + ahead - 1);
    if (!closed)
        put_b64(out, ",\"key\":\"", key, "\"");
    buf_append_cstr(out, "}}");
}

struct form {
    unsigned ahead;
    bool closed_chain, closed_state;
    int used;
};

static void put_state(struct buf *out, const struct signal_state *s, const struct form *f)
{
    const struct signal_chain *send = &s->sender_chain;

    buf_append_cstr(out, "\"");
    put_key(out, s->base_key);
    buf_printf(out,
               "\":{\"registrationId\":%u,\"currentRatchet\":{\"ephemeralKeyPair\":{\"pubKey\":\"",
               s->remote_registration_id);
    put_key(out, send->ratchet.pub);
    put_b64(out, "\",\"privKey\":\"", send->ratchet.priv, "\"},\"previousCounter\":-1,");
    put_b64(out, "\"rootKey\":\"", s->root_key, "\"},\"indexInfo\":{\"baseKey\":\"");
    put_key(out, s->base_key);
    buf_printf(out, "\",\"closed\":%s,\"used\":%d,\"remoteIdentityKey\":\"",
               f->closed_state ? "1790000000000" : "-1", f->used);
    put_key(out, s->remote_identity);
    buf_append_cstr(out, "\"},\"_chains\":{");
    for (size_t i = 0; i < s->nreceiver_chains; i++) {
        put_receiving(out, &s->receiver_chains[i], f->ahead, f->closed_chain);
        buf_append_cstr(out, ",");
    }
    buf_append_cstr(out, "\"");
    put_key(out, send->ratchet.pub);
    buf_printf(out, "\":{\"chainType\":1,\"messageKeys\":{},\"chainKey\":{\"counter\":%lld",
               (long long)send->chain_key.index - 1);
    put_b64(out, ",\"key\":\"", send->chain_key.key, "\"}}}}");
}

/* The session, taken through Node's form. */
static enum wb_err through_node(struct person *p, struct form f, const char *more)
{
    struct buf json = buf_new(1 << 20);
    struct signal_session *s = NULL;

    buf_append_cstr(&json, "{\"version\":\"v1\",\"_sessions\":{");
    put_state(&json, p->session->current, &f);
    buf_append_cstr(&json, more);
    buf_append_cstr(&json, "}}");
    assert_int_equal(buf_err(&json), WB_OK);
    enum wb_err err = session_file_read(buf_span(&json), &p->local, &p->rng, &s);
    if (err == WB_OK) {
        signal_session_free(p->session);
        p->session = s;
    }
    buf_free(&json);
    return err;
}

struct pair {
    struct person a, b;
};

/* Both have heard each other. */
static int setup(void **state)
{
    static struct pair p;

    if (secret_init() != WB_OK)
        return -1;
    person_init(&p.a, 1);
    person_init(&p.b, 2);
    person_start(&p.a, &p.b, 1);
    struct letter l = person_write(&p.a, "one");
    person_reads(&p.b, &l, "one");
    buf_free(&l.bytes);
    l = person_write(&p.b, "two");
    person_reads(&p.a, &l, "two");
    buf_free(&l.bytes);
    *state = &p;
    return 0;
}

static int teardown(void **state)
{
    struct pair *p = *state;

    person_free(&p->a);
    person_free(&p->b);
    return 0;
}

static void expect(struct person *p, const struct letter *l, enum wb_err want)
{
    struct buf plain = buf_new(TEXT_MAX);

    assert_int_equal(person_open(p, l, &plain), want);
    buf_free(&plain);
}

static void skipped_keys_and_the_chain_work_on(void **state)
{
    struct pair *p = *state;
    struct letter l[4];
    static const char *const texts[] = {"m0", "m1", "m2", "m3"};
    struct letter first = person_write(&p->a, "first");

    person_reads(&p->b, &first, "first"); /* b has a receiving chain of a's newest ratchet key */
    for (int i = 0; i < 4; i++)
        l[i] = person_write(&p->a, texts[i]);
    assert_int_equal(through_node(&p->b, (struct form){.ahead = 2}, ""), WB_OK);
    person_reads(&p->b, &l[2], "m2");
    person_reads(&p->b, &l[1], "m1");
    person_reads(&p->b, &l[0], "m0");
    person_reads(&p->b, &l[3], "m3");
    for (int i = 0; i < 4; i++) {
        expect(&p->b, &l[i], WB_ERR_OLD_COUNTER);
        buf_free(&l[i].bytes);
    }
    expect(&p->b, &first, WB_ERR_OLD_COUNTER);
    buf_free(&first.bytes);
    struct letter back = person_write(&p->b, "back");
    assert_int_equal(back.kind, SIGNAL_MSG);
    person_reads(&p->a, &back, "back");
    buf_free(&back.bytes);
}

static void a_closed_chain_serves_its_skipped_keys_only(void **state)
{
    struct pair *p = *state;
    struct letter first = person_write(&p->a, "first");

    person_reads(&p->b, &first, "first");
    struct letter kept = person_write(&p->a, "kept"), beyond = person_write(&p->a, "beyond");
    assert_int_equal(through_node(&p->b, (struct form){.ahead = 1, .closed_chain = true}, ""),
                     WB_OK);
    expect(&p->b, &beyond, WB_ERR_BAD_MAC);
    person_reads(&p->b, &kept, "kept");
    buf_free(&first.bytes);
    buf_free(&kept.bytes);
    buf_free(&beyond.bytes);
}

static void a_closed_session_receives_only(void **state)
{
    struct pair *p = *state;

    assert_int_equal(through_node(&p->b, (struct form){.closed_state = true}, ""), WB_OK);
    assert_null(p->b.session->current);
    assert_int_equal(p->b.session->narchived, 1);
    assert_false(signal_session_can_send(p->b.session));
    struct letter l = person_write(&p->a, "late");
    person_reads(&p->b, &l, "late");
    buf_free(&l.bytes);
}

static void the_open_state_is_the_current_one_and_the_rest_is_in_order(void **state)
{
    struct pair *p = *state;
    struct buf more = buf_new(1 << 20);
    struct signal_state *old = signal_state_clone(p->b.session->current);

    assert_non_null(old);
    for (uint8_t i = 1; i <= 3; i++) {
        const struct form f = {.closed_state = true, .used = 10 * i};

        old->base_key[0] = i; /* three closed ones, the oldest first in the file */
        buf_append_cstr(&more, ",");
        put_state(&more, old, &f);
    }
    buf_append_cstr(&more, ",\"damaged\":{\"registrationId\":1}");
    assert_int_equal(through_node(&p->b, (struct form){.used = 5}, buf_cstr(&more)), WB_OK);
    assert_int_equal(p->b.session->narchived, 3);
    assert_int_equal(p->b.session->archived[0]->base_key[0], 3);
    assert_int_equal(p->b.session->archived[2]->base_key[0], 1);
    struct letter l = person_write(&p->b, "on");
    person_reads(&p->a, &l, "on");
    buf_free(&l.bytes);
    signal_state_free(old);
    buf_free(&more);
}

static void what_is_no_session_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"_sessions\":{}}",
        "{\"_sessions\":{\"x\":{}}}",
        "{\"_sessions\":[1]}",
        "{\"_sessions\":{},\"_sessions\":{}}",
        "null",
    };
    struct pair *p = *state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct signal_session *s = NULL;

        assert_int_not_equal(session_file_read(span_cstr(bad[i]), &p->b.local, &p->b.rng, &s),
                             WB_OK);
        assert_null(s);
    }
}

/* ---- sender keys ---- */

static void put_array(struct buf *out, const uint8_t *p, size_t n)
{
    buf_append_cstr(out, "{\"type\":\"Buffer\",\"data\":[");
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s%u", i ? "," : "", p[i]);
    buf_append_cstr(out, "]}");
}

static void put_indexed(struct buf *out, const uint8_t *p, size_t n)
{
    buf_append_cstr(out, "{");
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s\"%zu\":%u", i ? "," : "", i, p[i]);
    buf_append_cstr(out, "}");
}

/* A state of s, `ahead` iterations on with their keys skipped. */
static void put_sender_state(struct buf *out, const struct sender_key_state *s, unsigned ahead)
{
    uint8_t key[32], djb[DJB_KEY_BYTES];

    memcpy(key, s->chain_key, sizeof key);
    djb_encode(s->signing_pub, djb);
    buf_printf(out, "{\"senderKeyId\":%u,\"senderMessageKeys\":[", s->key_id);
    for (unsigned i = 0; i < ahead; i++) {
        const uint8_t one = 1;
        uint8_t seed[32];

        hmac_sha256(SPAN_ARRAY(key), SPAN(&one, 1), seed);
        buf_printf(out, "%s{\"iteration\":%u,\"seed\":", i ? "," : "", s->iteration + i);
        put_indexed(out, seed, sizeof seed);
        buf_append_cstr(out, "}");
        step(key);
    }
    buf_printf(out, "],\"senderChainKey\":{\"iteration\":%u,\"seed\":", s->iteration + ahead);
    put_array(out, key, sizeof key);
    buf_append_cstr(out, "},\"senderSigningKey\":{\"public\":");
    put_array(out, djb, sizeof djb);
    buf_append_cstr(out, ",\"private\":");
    put_array(out, s->signing_priv, s->has_signing_priv ? sizeof s->signing_priv : 0);
    buf_append_cstr(out, "}}");
}

static struct sender_key_record *read_list(const struct buf *list)
{
    struct buf json = buf_new(1 << 20);
    struct sender_key_record *r = NULL;

    buf_append_cstr(&json, "{\"type\":\"Buffer\",\"data\":\"");
    buf_b64(&json, buf_span(list));
    buf_append_cstr(&json, "\"}");
    assert_int_equal(sender_key_file_read(buf_span(&json), &r), WB_OK);
    buf_free(&json);
    return r;
}

static void group_keys_of_others_work_on(void **state)
{
    struct pair *p = *state;
    struct sender_key_record *sender = sender_key_record_new(), *mine = sender_key_record_new();
    struct buf skdm = buf_new(4096), list = buf_new(1 << 20), plain = buf_new(4096);
    struct buf sealed[3] = {buf_new(4096), buf_new(4096), buf_new(4096)};

    assert_int_equal(sender_key_create(sender, &p->a.rng), WB_OK);
    assert_int_equal(sender_key_distribution(sender, &skdm), WB_OK);
    assert_int_equal(sender_key_process_distribution(mine, buf_span(&skdm)), WB_OK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(sender_key_encrypt(sender, SPAN_LIT("padded"), &p->a.rng, &sealed[i]),
                         WB_OK);
    /* Node goes on using the first of two states with one id; the second one is behind. */
    buf_append_cstr(&list, "[");
    put_sender_state(&list, mine->states[0], 2);
    buf_append_cstr(&list, ",");
    put_sender_state(&list, mine->states[0], 0);
    buf_append_cstr(&list, "]");
    struct sender_key_record *r = read_list(&list);
    assert_int_equal(r->nstates, 1);
    assert_int_equal(r->states[0]->iteration, 2);
    assert_false(r->states[0]->has_signing_priv);
    for (size_t i = 3; i > 0; i--)
        assert_int_equal(sender_key_decrypt(r, buf_span(&sealed[i - 1]), &plain), WB_OK);
    assert_int_equal(sender_key_decrypt(r, buf_span(&sealed[0]), &plain), WB_ERR_OLD_COUNTER);
    for (size_t i = 0; i < 3; i++)
        buf_free(&sealed[i]);
    sender_key_record_free(r);
    sender_key_record_free(mine);
    sender_key_record_free(sender);
    buf_free(&skdm);
    buf_free(&list);
    buf_free(&plain);
}

static void our_own_group_key_sends_on_and_the_newest_is_first(void **state)
{
    struct pair *p = *state;
    struct sender_key_record *own = sender_key_record_new(), *other = sender_key_record_new();
    struct buf skdm = buf_new(4096), list = buf_new(1 << 20), sealed = buf_new(4096);
    struct buf plain = buf_new(4096);

    assert_int_equal(sender_key_create(own, &p->a.rng), WB_OK);
    assert_int_equal(sender_key_distribution(own, &skdm), WB_OK);
    assert_int_equal(sender_key_process_distribution(other, buf_span(&skdm)), WB_OK);
    struct sender_key_state *old = sender_key_state_new();
    assert_non_null(old);
    old->key_id = own->states[0]->key_id + 1;
    memcpy(old->signing_pub, own->states[0]->signing_pub, sizeof old->signing_pub);
    buf_append_cstr(&list, "[");
    put_sender_state(&list, old, 0);
    buf_append_cstr(&list, ",{\"senderKeyId\":7},");
    put_sender_state(&list, own->states[0], 1); /* Node leaves numbers out */
    buf_append_cstr(&list, "]");
    struct sender_key_record *r = read_list(&list);
    assert_int_equal(r->nstates, 2);
    assert_int_equal(r->states[0]->key_id, own->states[0]->key_id);
    assert_true(r->states[0]->has_signing_priv);
    assert_int_equal(r->states[0]->nkeys, 0);
    assert_int_equal(sender_key_encrypt(r, SPAN_LIT("padded"), &p->a.rng, &sealed), WB_OK);
    assert_int_equal(sender_key_decrypt(other, buf_span(&sealed), &plain), WB_OK);
    assert_true(span_eq(buf_span(&plain), SPAN_LIT("padded")));
    sender_key_state_free(old);
    sender_key_record_free(r);
    sender_key_record_free(own);
    sender_key_record_free(other);
    buf_free(&skdm);
    buf_free(&list);
    buf_free(&sealed);
    buf_free(&plain);
}

#define SCENARIO(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(skipped_keys_and_the_chain_work_on),
        SCENARIO(a_closed_chain_serves_its_skipped_keys_only),
        SCENARIO(a_closed_session_receives_only),
        SCENARIO(the_open_state_is_the_current_one_and_the_rest_is_in_order),
        SCENARIO(what_is_no_session_is_refused),
        SCENARIO(group_keys_of_others_work_on),
        SCENARIO(our_own_group_key_sends_on_and_the_newest_is_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
