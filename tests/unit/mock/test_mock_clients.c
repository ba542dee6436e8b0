/* wa-mock as clients other than the bridge meet it, from their first byte on: Noise IK, what the
 * reply of a pairing may carry, prekeys in any order, the hash of a client's keys. */
#include "client_fixture.h"

#include "tools/mock/core/sha1.h"

/* ---- the tests ---- */

static void test_noise_ik_falls_back_to_xx(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);

    hang_up(f);
    connect_as(f, true, strtoull(d->account->pn.user, NULL, 10), d->number);
    assert_true(node_is(await(f, "success"), "success"));
    assert_ptr_equal(d->client, f->c);
    assert_int_equal(faults(&f->m), 0);
}

static void test_account_key_sent_back_is_a_note(void **state)
{
    struct fixture *f = *state;

    connect_as(f, false, 0, 0);
    sign(f, scan(f), KEY_SENT_BACK);
    assert_true(node_attr_is(await(f, "stream:error"), "code", "515"));
    assert_int_equal(flag_count(&f->m, "account-key-sent-back", true), 1);
    assert_int_equal(faults(&f->m), 0);
    struct device *d = the_device(f);
    assert_int_equal(d->number, 1);
    assert_int_equal(pb_bytes(buf_span(&d->adv), 4).n, XEDDSA_SIG_BYTES);
    assert_string_equal(d->account->name, "Rust");
}

static void test_another_account_key_is_refused(void **state)
{
    struct fixture *f = *state;

    connect_as(f, false, 0, 0);
    sign(f, scan(f), KEY_OTHER);
    assert_true(node_attr_is(await(f, "stream:error"), "code", "401"));
    assert_int_equal(flag_count(&f->m, "bad-pair-sign", false), 1);
}

static void put_key(struct fixture *f, struct node *parent, const char *tag, uint32_t id,
                    const uint8_t pub[static X25519_KEY_BYTES], bool with_signature)
{
    uint8_t bytes[3];
    struct node *key = node_child_new(&f->a, parent, tag);

    be(id, 3, bytes);
    node_set_bytes(&f->a, node_child_new(&f->a, key, "id"), SPAN_ARRAY(bytes));
    node_set_bytes(&f->a, node_child_new(&f->a, key, "value"), SPAN(pub, X25519_KEY_BYTES));
    if (with_signature)
        node_set_bytes(&f->a, node_child_new(&f->a, key, "signature"), SPAN_ARRAY(f->skey_sig));
}

enum { NPREKEYS = 6 };

/* The parts of an upload in the order of the letters: Registration, Type, Identity, List, Signed
 * prekey. */
static bool upload(struct fixture *f, const char *order, uint32_t first_id,
                   struct x25519_pair keys[static NPREKEYS])
{
    uint8_t reg[4], type = DJB_TYPE;
    struct node *iq = request(f, "set", order);

    be(77, 4, reg);
    for (const char *at = order; *at != '\0'; at++) {
        if (*at == 'R')
            node_set_bytes(&f->a, node_child_new(&f->a, iq, "registration"), SPAN_ARRAY(reg));
        if (*at == 'T')
            node_set_bytes(&f->a, node_child_new(&f->a, iq, "type"), SPAN(&type, 1));
        if (*at == 'I')
            node_set_bytes(&f->a, node_child_new(&f->a, iq, "identity"),
                           SPAN_ARRAY(f->identity.pub));
        if (*at == 'S')
            put_key(f, iq, "skey", 1, f->skey.pub, true);
        struct node *list = *at == 'L' ? node_child_new(&f->a, iq, "list") : NULL;
        for (uint32_t i = 0; list != NULL && i < NPREKEYS; i++) {
            x25519_generate(&f->m.rng, &keys[i]);
            put_key(f, list, "key", first_id + i, keys[i].pub, false);
        }
    }
    send_node(f, iq);
    return node_attr_is(answer_to(f, order), "type", "result");
}

static void test_prekeys_in_any_order(void **state)
{
    struct fixture *f = *state;
    struct x25519_pair keys[NPREKEYS];
    struct device *d = online(f);

    assert_true(upload(f, "RTILS", 1, keys));
    assert_true(upload(f, "STLRI", 101, keys));
    assert_true(upload(f, "LSITR", 201, keys));
    assert_int_equal(d->nprekeys, 3 * NPREKEYS);
    assert_int_equal(faults(&f->m), 0);
    assert_false(upload(f, "RTIL", 301, keys)); /* one is missing */
    assert_false(upload(f, "RTILL", 401, keys));
    assert_false(upload(f, "RTILSS", 501, keys));
    assert_int_equal(flag_count(&f->m, "bad-prekeys", false), 3);
    assert_int_equal(d->nprekeys, 3 * NPREKEYS);
}

static void test_digest_carries_the_hash(void **state)
{
    struct fixture *f = *state;
    struct x25519_pair keys[NPREKEYS];
    struct buf all = buf_new(4096);
    uint8_t expected[SHA1_BYTES];

    (void)online(f);
    assert_true(upload(f, "RTILS", 1, keys));
    struct node *iq = request(f, "get", "digest-1");
    (void)node_child_new(&f->a, iq, "digest");
    send_node(f, iq);
    const struct node *digest = node_child(answer_to(f, "digest-1"), "digest");
    buf_append(&all, SPAN_ARRAY(f->identity.pub));
    buf_append(&all, SPAN_ARRAY(f->skey.pub));
    buf_append(&all, SPAN_ARRAY(f->skey_sig));
    for (size_t i = 0; i < NPREKEYS; i++)
        buf_append(&all, SPAN_ARRAY(keys[i].pub));
    assert_true(sha1(buf_span(&all), expected));
    assert_true(span_eq(node_content_bytes(node_child(digest, "hash")), SPAN_ARRAY(expected)));
    buf_free(&all);
}

/* The published one: FIPS 180-2, "abc". */
static void test_sha1(void **state)
{
    static const uint8_t expected[SHA1_BYTES] = {0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81,
                                                 0x6a, 0xba, 0x3e, 0x25, 0x71, 0x78, 0x50,
                                                 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d};
    uint8_t got[SHA1_BYTES];

    (void)state;
    assert_true(sha1(SPAN_LIT("abc"), got));
    assert_memory_equal(got, expected, sizeof got);
}

/* <to> twice for the own phone, in the chat with oneself or with somebody else. */
static void write_twice(struct fixture *f, struct device *d, const struct mock_account *to,
                        const char *id)
{
    struct jid chat = account_jid(to, true), phone = device_jid(d->account->devices[0], true);
    struct node *n = node_new(&f->a, "message");

    node_attr_jid(&f->a, n, "to", &chat);
    node_attr_text(&f->a, n, "type", "text");
    node_attr_text(&f->a, n, "id", id);
    struct node *parts = node_child_new(&f->a, n, "participants");
    for (int i = 0; i < 2; i++) {
        struct node *one = node_child_new(&f->a, parts, "to");

        node_attr_jid(&f->a, one, "jid", &phone);
    }
    send_node(f, n);
}

static void test_own_device_twice_is_a_note_in_the_chat_with_oneself(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    struct mock_account *other = world_add_account(&f->m, "27820001000", "Anna", true);

    assert_non_null(other);
    write_twice(f, d, d->account, "SELF");
    assert_int_equal(flag_count(&f->m, "duplicate-own-device", true), 1);
    assert_int_equal(flag_count(&f->m, "duplicate-device", false), 0);
    write_twice(f, d, other, "ANNA");
    assert_int_equal(flag_count(&f->m, "duplicate-device", false), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_noise_ik_falls_back_to_xx, setup, teardown),
        cmocka_unit_test_setup_teardown(test_account_key_sent_back_is_a_note, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_account_key_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_prekeys_in_any_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_digest_carries_the_hash, setup, teardown),
        cmocka_unit_test(test_sha1),
        cmocka_unit_test_setup_teardown(test_own_device_twice_is_a_note_in_the_chat_with_oneself,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
