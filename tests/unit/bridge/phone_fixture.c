/* phone_fixture.c - see phone_fixture.h. */
#include "tests/unit/bridge/phone_fixture.h"

struct phone a_phone(struct line *t)
{
    struct phone p = {.adv_secret = t->b->conn->account->keys.adv_secret,
                      .companion = t->b->conn->account->keys.identity.pub,
                      .signed_identity = buf_new(4096),
                      .details = buf_new(4096)};

    x25519_generate(&t->f.rng, &p.account);
    return p;
}

void phone_free(struct phone *p)
{
    buf_free(&p->signed_identity);
    buf_free(&p->details);
}

struct span phone_identity(struct line *t, struct phone *p)
{
    struct adv_identity inner = {.raw_id = 9,
                                 .timestamp = START_S,
                                 .key_index = 3,
                                 .account_type = p->hosted,
                                 .device_type = p->hosted};
    struct adv_signed_identity id = {SPAN_NULL, SPAN_ARRAY(p->account.pub), SPAN_NULL, SPAN_NULL};
    struct adv_signed_hmac outer = {.hosted = p->hosted};
    uint8_t sig[XEDDSA_SIG_BYTES];
    struct buf out = buf_new(4096);
    struct span bytes;

    buf_clear(&p->details);
    buf_clear(&p->signed_identity);
    OK(adv_identity_encode(&inner, &p->details));
    OK(adv_make_account_signature(&p->account, buf_span(&p->details), p->hosted, p->companion,
                                  &t->f.rng, sig));
    if (p->bad_signature)
        sig[5] ^= 1;
    id.details = buf_span(&p->details);
    id.account_signature = SPAN_ARRAY(sig);
    OK(adv_signed_identity_encode(&id, true, &p->signed_identity));
    outer.details = buf_span(&p->signed_identity);
    adv_make_hmac(p->adv_secret, outer.details, p->hosted, outer.hmac);
    if (p->bad_hmac)
        outer.hmac[0] ^= 1;
    OK(adv_signed_hmac_encode(&outer, &out));
    bytes = arena_copy(&t->server.arena, buf_span(&out));
    buf_free(&out);
    return bytes;
}

struct node *pair_success(struct line *t, struct span identity)
{
    struct node *n = el(t, "pair-success", NULL);

    node_add(n, bytes_el(t, "device-identity", identity));
    node_add(n, el(t, "biz", "name", "Depot Ltd", NULL));
    node_add(n, el(t, "device", "jid", OWN_PN, "lid", OWN_LID, NULL));
    node_add(n, el(t, "platform", "name", "smba", NULL));
    return with(
        el(t, "iq", "from", "s.whatsapp.net", "type", "set", "id", "P2", "t", "1790000777", NULL),
        n);
}

struct node *pair_device(struct line *t, const char *from)
{
    struct node *n = el(t, "pair-device", NULL);

    for (char c = 'a'; c < 'g'; c++) {
        char ref[] = "2@ref";

        ref[4] = c;
        node_add(n, bytes_el(t, "ref", span_cstr(ref)));
    }
    return with(el(t, "iq", "from", from, "type", "set", "id", "P1", NULL), n);
}

struct line *showing(void)
{
    struct line *t = line_new(false);

    bridge_start(t->b);
    server_accept(t);
    assert_int_equal(state_of(t), CONN_WAIT_PAIR_DEVICE);
    server_send(t, pair_device(t, "s.whatsapp.net"));
    assert_int_equal(state_of(t), CONN_WAIT_PAIR_SCAN);
    return t;
}

const char *stored_devices(struct line *t)
{
    return peek_sql(t->f.wa, "SELECT count(*) FROM whatsmeow_device");
}

void check_reply(struct line *t, struct phone *p, const struct heard *h)
{
    const struct node *n = node_child(node_child(h->n, "pair-device-sign"), "device-identity");
    const struct account *a = t->b->account;
    struct adv_signed_identity id;

    assert_true(node_attr_is(h->n, "type", "result") && node_attr_is(h->n, "id", "P2"));
    assert_true(node_attr_is(n, "key-index", "3"));
    OK(adv_signed_identity_decode(node_content_bytes(n), &t->server.arena, &id));
    assert_true(span_is_null(id.account_key)); /* left out here, kept by us (P-PR-13) */
    assert_true(span_eq(id.details, buf_span(&p->details)));
    OK(adv_check_device_signature(p->companion, id.details, p->account.pub, id.device_signature));
    assert_memory_equal(a->adv_account_sig_key, p->account.pub, 32);
    assert_memory_equal(a->adv_device_sig, id.device_signature.p, 64);
    assert_true(span_eq(SPAN(a->adv_details, a->adv_details_n), buf_span(&p->details)));
}
