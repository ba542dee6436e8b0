/* Pairing by QR and by code: what is shown, what is proven, what is stored before we answer, and
 * what is refused (area PR). The whole bridge runs; the test plays server and phone. */
#include "phone_fixture.h"

#include "base/text.h"
#include "bridge/pairing.h"
#include "crypto/prim_hash.h"
#include "store/signal_store.h"

static struct line *showing(void)
{
    struct line *t = line_new(false);

    bridge_start(t->b);
    server_accept(t);
    assert_int_equal(state_of(t), CONN_WAIT_PAIR_DEVICE);
    server_send(t, pair_device(t, "s.whatsapp.net"));
    assert_int_equal(state_of(t), CONN_WAIT_PAIR_SCAN);
    return t;
}

static const char *stored_devices(struct line *t)
{
    return peek_sql(t->f.wa, "SELECT count(*) FROM whatsmeow_device");
}

/* ---- the QR ------------------------------------------------------------------------------------
 */

static void registration(void **state)
{
    (void)state;
    static char name[] = "Depot bridge";
    struct line *t = line_new(false);
    const struct device_keys *k;
    const struct client_pairing *p = &t->server.payload.pairing;
    uint8_t hash[16];

    t->config.device_name = name;
    bridge_start(t->b);
    server_accept(t);
    k = &t->b->conn->account->keys;
    assert_memory_equal(t->server.hs.rs, k->noise.pub, 32);
    assert_true(t->server.payload.registers && !t->server.payload.has_username);
    assert_true(!t->server.payload.passive && !t->server.payload.pull);
    assert_int_equal(p->registration_id, k->registration_id);
    assert_memory_equal(p->identity, k->identity.pub, 32);
    assert_int_equal(p->signed_prekey_id, 1);
    assert_memory_equal(p->signed_prekey, k->signed_prekey.pub, 32);
    assert_memory_equal(p->signed_prekey_sig, k->signed_prekey_sig, 64);
    OK(md5(SPAN_LIT("2.3000.1045649367"), hash));
    assert_memory_equal(p->build_hash, hash, 16);
    assert_true(span_eq_cstr(p->props.os, name));
    assert_true(p->props.app.primary == 0 && p->props.app.secondary == 1);
    assert_false(p->props.full_sync);
    line_free(t);
}

static void qr_text_and_times(void **state)
{
    (void)state;
    struct line *t = showing();
    const struct device_keys *k = &t->b->conn->account->keys;
    struct buf want = buf_new(1024);
    struct device_keys before = *k;
    struct qr_current qr;

    hear(t, "<iq to=\"s.whatsapp.net\" id=\"P1\" type=\"result\"/>");
    for (int i = 0; i < 6; i++) {
        buf_clear(&want);
        buf_printf(&want, "https://wa.me/settings/linked_devices#2@re%c,", 'a' + i);
        buf_b64(&want, SPAN_ARRAY(k->noise.pub));
        buf_append_cstr(&want, ",");
        buf_b64(&want, SPAN_ARRAY(k->identity.pub));
        buf_append_cstr(&want, ",");
        buf_b64(&want, SPAN_ARRAY(k->adv_secret));
        buf_append_cstr(&want, ",9");
        assert_true(bridge_qr(t->b, &qr));
        assert_string_equal(qr.code, buf_cstr(&want));
        assert_int_equal(qr.expires_in_s, i == 0 ? 60 : 20);
        pass(t, i == 0 ? 59999 : 19999);
        assert_true(bridge_qr(t->b, &qr));
        assert_string_equal(qr.code, buf_cstr(&want));
        pass(t, 1);
    }
    /* After the last one the server closes; then a new set, under the same keys. */
    assert_false(bridge_qr(t->b, &qr));
    server_end(t, WS_END_CLOSED);
    assert_int_equal(why_of(t), CONN_WHY_REFS_OVER);
    pass(t, 2000);
    assert_int_equal(dials, 2);
    server_accept(t);
    server_send(t, pair_device(t, "s.whatsapp.net"));
    assert_true(bridge_qr(t->b, &qr));
    assert_memory_equal(k, &before, sizeof before);
    buf_free(&want);
    line_free(t);
}

/* Only the server's own, with one child (P-PR-02). */
static void foreign_pair_device(void **state)
{
    (void)state;
    struct line *t = line_new(false);

    bridge_start(t->b);
    server_accept(t);
    server_send(t, pair_device(t, "5:1@lid"));
    server_send(t, pair_device(t, "5@s.whatsapp.net"));
    server_send(t, with(pair_device(t, "s.whatsapp.net"), el(t, "more", NULL)));
    assert_int_equal(t->server.nheard, 0);
    assert_int_equal(state_of(t), CONN_WAIT_PAIR_DEVICE);
    line_free(t);
}

/* ---- the proof ---------------------------------------------------------------------------------
 */

static void check_reply(struct line *t, struct phone *p, const struct heard *h)
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

static void paired_by_qr(void **state)
{
    (void)state;
    for (int hosted = 0; hosted < 2; hosted++) {
        struct line *t = showing();
        struct phone p = a_phone(t);
        struct jid phone = J("111000111@lid");
        uint8_t identity[32];
        struct heard *h;

        p.hosted = hosted != 0;
        server_send(t, el(t, "success", "t", "1790001000", NULL)); /* too early (P-PR-16) */
        assert_int_equal(state_of(t), CONN_WAIT_PAIR_SCAN);
        server_send(t, pair_success(t, phone_identity(t, &p)));
        h = hear(t, "<pair-device-sign>");
        /* Another process sees it already: durable before the answer (P-PR-14). */
        assert_string_equal(
            peek_sql(t->f.wa, "SELECT jid || ' ' || lid || ' ' || platform || ' ' || business_name"
                              " FROM whatsmeow_device"),
            OWN_PN " " OWN_LID " smba Depot Ltd");
        assert_string_equal(peek_sql(t->f.wa, "SELECT their_id FROM whatsmeow_identity_keys"),
                            "111000111_1:0");
        assert_string_equal(peek_sql(t->f.wa, "SELECT lid || '=' || pn FROM whatsmeow_lid_map"),
                            "111000111=27820000001");
        OK(store_identity_get(t->f.s, &phone, identity));
        assert_memory_equal(identity, p.account.pub, 32);
        check_reply(t, &p, h);
        assert_int_equal(bridge_server_now_s(t->b), 1790000777);
        assert_int_equal(t->events[BRIDGE_EV_PAIRED], 1);
        server_send(t, el(t, "success", "t", "1790001000", NULL));
        assert_false(conn_logged_in(t->b->conn));
        /* 515 is success: a new connection at once, now as that device. */
        server_send(t, with(el(t, "stream:error", "code", "515", NULL), el(t, "x", NULL)));
        assert_int_equal(dials, 2);
        assert_int_equal(t->events[BRIDGE_EV_OFFLINE], 0);
        log_in(t);
        assert_true(t->server.payload.username == 27820000001 && t->server.payload.device == 7);
        assert_memory_equal(t->server.hs.rs, t->b->account->keys.noise.pub, 32);
        phone_free(&p);
        line_free(t);
    }
}

static void refused(struct line *t, struct span identity, const char *code, const char *text)
{
    char want[128];

    snprintf(want, sizeof want,
             "<iq to=\"s.whatsapp.net\" id=\"P2\" type=\"error\"><error code=\"%s\" text=\"%s\"/>",
             code, text);
    deaf(t);
    server_send(t, pair_success(t, identity));
    hear(t, want);
    assert_null(maybe_hear(t, "<iq"));
    assert_string_equal(stored_devices(t), "0");
    assert_string_equal(peek_sql(t->f.wa, "SELECT count(*) FROM whatsmeow_identity_keys"), "0");
    assert_int_equal(t->events[BRIDGE_EV_PAIRED], 0);
    assert_int_not_equal(state_of(t), CONN_WAIT_PAIR_SCAN);
    assert_null(t->b->account);
}

static void bad_proofs(void **state)
{
    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        struct line *t = showing();
        struct phone p = a_phone(t);
        uint8_t other[32] = {1};
        struct span bytes;

        p.bad_hmac = kind == 0;
        p.bad_signature = kind == 1;
        if (kind == 2)
            p.companion = other; /* signed for somebody else */
        if (kind == 3)
            p.adv_secret = other; /* scanned another QR */
        bytes = phone_identity(t, &p);
        if (kind == 4)
            bytes = span_first(bytes, bytes.n - 1);
        else if (kind == 5)
            bytes = SPAN_LIT("");
        if (kind == 0 || kind == 3)
            refused(t, bytes, "401", "hmac-mismatch");
        else if (kind < 3)
            refused(t, bytes, "401", "signature-mismatch");
        else
            refused(t, bytes, "500", "internal-error");
        phone_free(&p);
        line_free(t);
    }
}

/* Another phone than the one that was configured. */
static void wrong_number(void **state)
{
    (void)state;
    struct line *t = line_new(false);
    struct phone p;

    t->config.phone = J("27820000002@s.whatsapp.net");
    bridge_start(t->b);
    server_accept(t);
    server_send(t, pair_device(t, "s.whatsapp.net"));
    p = a_phone(t);
    refused(t, phone_identity(t, &p), "401", "not-authorized");
    assert_int_equal(why_of(t), CONN_WHY_WRONG_NUMBER);
    phone_free(&p);
    line_free(t);
}

/* Nothing can be stored: the phone is told so, and nothing is left behind (P-PR-14). */
static void store_fails(void **state)
{
    (void)state;
    struct line *t = showing();
    struct phone p = a_phone(t);

    poke_sql(t->f.wa, "CREATE TRIGGER no BEFORE INSERT ON whatsmeow_identity_keys BEGIN"
                      " SELECT raise(ABORT, 'full'); END");
    refused(t, phone_identity(t, &p), "500", "internal-error");
    phone_free(&p);
    line_free(t);
}

/* ---- the link code ------------------------------------------------------------------------------
 */

static char shown_code[16];
static enum cmd_result code_result;
static void note_code(void *ctx, enum cmd_result r, const char *code, const char *text)
{
    (void)ctx;
    (void)text;
    code_result = r;
    snprintf(shown_code, sizeof shown_code, "%s", code ? code : "");
}

struct code_phone {
    struct x25519_pair ephemeral, identity;
    uint8_t wrapped[LINK_CODE_WRAPPED_KEY_BYTES], companion[32], adv_secret[32];
    char code[LINK_CODE_CHARS + 1];
};

static struct span child_bytes(const struct node *n, const char *tag)
{
    return node_content_bytes(node_child(n, tag));
}

/* companion_hello, the server's answer with a ref, and the code as the user sees it. */
static void ask_for_code(struct line *t, struct code_phone *c)
{
    struct heard *h;
    const struct node *reg;

    bridge_pair_code_request(t->b, SPAN_LIT("+27 82 000 0001"), note_code, NULL);
    turn(t);
    h = hear(t, "companion_hello");
    reg = node_child(h->n, "link_code_companion_reg");
    assert_non_null(strstr(h->xml, "<iq to=\"s.whatsapp.net\" type=\"set\" xmlns=\"md\""));
    assert_true(node_attr_is(reg, "jid", "27820000001@s.whatsapp.net"));
    assert_true(node_attr_is(reg, "should_show_push_notification", "true"));
    assert_int_equal(child_bytes(reg, "link_code_pairing_wrapped_companion_ephemeral_pub").n, 80);
    assert_true(span_eq(child_bytes(reg, "companion_server_auth_key_pub"),
                        SPAN_ARRAY(t->b->conn->account->keys.noise.pub)));
    assert_true(span_eq_cstr(child_bytes(reg, "companion_platform_id"), "1"));
    assert_true(span_eq_cstr(child_bytes(reg, "companion_platform_display"), "Chrome (Linux)"));
    assert_true(span_eq(child_bytes(reg, "link_code_pairing_nonce"), SPAN("\0", 1)));
    answer(t, h,
           with(el(t, "link_code_companion_reg", NULL),
                bytes_el(t, "link_code_pairing_ref", SPAN_LIT("REF-1"))));
    assert_int_equal(code_result, CMD_OK);
    assert_int_equal(strlen(shown_code), 9);
    assert_int_equal(shown_code[4], '-');
    snprintf(c->code, sizeof c->code, "%.4s%.4s", shown_code, shown_code + 5);
    OK(link_code_unwrap_key(c->code,
                            child_bytes(reg, "link_code_pairing_wrapped_companion_ephemeral_pub"),
                            c->companion));
    x25519_generate(&t->f.rng, &c->ephemeral);
    x25519_generate(&t->f.rng, &c->identity);
    OK(link_code_wrap_key(c->code, c->ephemeral.pub, &t->f.rng, c->wrapped));
}

static struct node *typed(struct line *t, struct code_phone *c, const char *ref)
{
    struct node *n = el(t, "link_code_companion_reg", NULL);

    node_add(n, bytes_el(t, "link_code_pairing_ref", span_cstr(ref)));
    node_add(
        n, bytes_el(t, "link_code_pairing_wrapped_primary_ephemeral_pub", SPAN_ARRAY(c->wrapped)));
    node_add(n, bytes_el(t, "primary_identity_pub", SPAN_ARRAY(c->identity.pub)));
    return with(el(t, "notification", "from", "s.whatsapp.net", "type", "link_code_companion_reg",
                   "id", "N7", "t", "1790000000", NULL),
                n);
}

static void paired_by_code(void **state)
{
    (void)state;
    struct line *t = showing();
    struct code_phone c;
    const struct node *reg;
    struct heard *h;
    struct phone p;
    char again[10];

    ask_for_code(t, &c);
    assert_true(bridge_pair_code(t->b, again));
    assert_string_equal(again, shown_code);
    deaf(t);
    server_send(t, typed(t, &c, "REF-2")); /* of somebody else's pairing */
    hear(t, "<ack class=\"notification\" id=\"N7\"");
    assert_null(maybe_hear(t, "companion_finish"));
    deaf(t);
    server_send(t, typed(t, &c, "REF-1"));
    h = hear(t, "companion_finish");
    hear(t, "<ack class=\"notification\" id=\"N7\" to=\"s.whatsapp.net\" "
            "type=\"link_code_companion_reg\"/>");
    reg = node_child(h->n, "link_code_companion_reg");
    assert_true(node_attr_is(reg, "jid", "27820000001@s.whatsapp.net"));
    assert_true(span_eq_cstr(child_bytes(reg, "link_code_pairing_ref"), "REF-1"));
    assert_true(span_eq(child_bytes(reg, "companion_identity_public"),
                        SPAN_ARRAY(t->b->conn->account->keys.identity.pub)));
    OK(link_code_finish_phone(
        &c.ephemeral, &c.identity, c.companion, t->b->conn->account->keys.identity.pub,
        child_bytes(reg, "link_code_pairing_wrapped_key_bundle"), c.adv_secret));
    /* pair-success is proven with the secret that both have derived. */
    answer(t, h, NULL);
    p = a_phone(t);
    p.adv_secret = c.adv_secret;
    server_send(t, pair_success(t, phone_identity(t, &p)));
    check_reply(t, &p, hear(t, "<pair-device-sign>"));
    assert_string_equal(stored_devices(t), "1");
    phone_free(&p);
    line_free(t);
}

static void codes_that_are_not_given(void **state)
{
    (void)state;
    static const char *const bad[] = {"082000001", "123456", "27820000001x", "+"};
    struct line *t = showing();
    struct heard *h;
    struct node *n;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bridge_pair_code_request(t->b, span_cstr(bad[i]), note_code, NULL);
        assert_int_equal(code_result, CMD_BAD_REQUEST);
    }
    turn(t);
    assert_null(maybe_hear(t, "companion_hello"));
    bridge_pair_code_request(t->b, SPAN_LIT("27820000001"), note_code, NULL);
    turn(t);
    h = hear(t, "companion_hello");
    n = with(el(t, "iq", "from", "s.whatsapp.net", "type", "error", NULL),
             el(t, "error", "code", "429", NULL));
    node_copy_attr(&t->server.arena, n, h->n, "id");
    server_send(t, n);
    assert_int_equal(code_result, CMD_RATE_LIMITED);
    assert_string_equal(shown_code, "");
    line_free(t);
}

/* Asked for before the server has offered pairing: sent as soon as it does (P-PR-17). */
static void code_waits_for_pair_device(void **state)
{
    (void)state;
    struct line *t = line_new(false);

    t->config.pair_code = true;
    t->config.phone = J("27820000001@s.whatsapp.net");
    bridge_start(t->b);
    server_accept(t);
    assert_null(maybe_hear(t, "companion_hello"));
    server_send(t, pair_device(t, "s.whatsapp.net"));
    hear(t, "companion_hello");
    line_free(t);
}

static unsigned hellos(struct line *t)
{
    unsigned n = 0;

    for (size_t i = 0; i < t->server.nheard; i++)
        n += strstr(t->server.heard[i].xml, "companion_hello") != NULL;
    return n;
}

/* Whoever has seen a code that was typed cannot use it again; a new one has to be made. */
static void code_is_good_for_one_use(void **state)
{
    (void)state;
    struct line *t = showing();
    struct code_phone c;
    char code[10];

    ask_for_code(t, &c);
    server_send(t, typed(t, &c, "REF-1"));
    hear(t, "companion_finish");
    assert_false(bridge_pair_code(t->b, code));
    deaf(t);
    server_send(t, typed(t, &c, "REF-1"));
    assert_null(maybe_hear(t, "companion_finish"));
    hear(t, "<ack class=\"notification\" id=\"N7\"");
    bridge_pair_code_request(t->b, SPAN_LIT("27820000001"), note_code, NULL);
    turn(t);
    hear(t, "companion_hello");
    line_free(t);
}

static void code_is_good_for_its_time_only(void **state)
{
    (void)state;
    struct line *t = showing();
    struct code_phone c;
    char code[10];

    ask_for_code(t, &c);
    pass(t, PAIR_CODE_MS - 1);
    assert_true(bridge_pair_code(t->b, code));
    pass(t, 1);
    assert_int_equal(state_of(t), CONN_WAIT_PAIR_SCAN);
    assert_false(bridge_pair_code(t->b, code));
    deaf(t);
    server_send(t, typed(t, &c, "REF-1"));
    assert_null(maybe_hear(t, "companion_finish"));
    hear(t, "<ack class=\"notification\" id=\"N7\"");
    line_free(t);
}

/* 131,072 rounds of PBKDF2: the loop goes on meanwhile, and an answer that comes too late is none.
 */
static void code_is_hashed_by_a_worker(void **state)
{
    (void)state;
    struct line *t = showing();
    struct code_phone c;
    struct qr_current qr;

    jobs_held = true;
    bridge_pair_code_request(t->b, SPAN_LIT("27820000001"), note_code, NULL);
    turn(t);
    assert_non_null(the_jobs.work);
    assert_int_equal(hellos(t), 0);
    assert_true(bridge_qr(t->b, &qr));
    /* No code is valid before the server has given it a name, also none without one. */
    server_send(t, with(el(t, "notification", "from", "s.whatsapp.net", "type",
                           "link_code_companion_reg", "id", "N8", "t", "1790000000", NULL),
                        el(t, "link_code_companion_reg", NULL)));
    jobs_held = false;
    turn(t);
    assert_int_equal(hellos(t), 1);
    deaf(t);
    pass(t, 80 * 1000); /* no answer to that one */
    ask_for_code(t, &c);
    jobs_held = true;
    server_send(t, typed(t, &c, "REF-1"));
    assert_non_null(the_jobs.work);
    assert_null(maybe_hear(t, "companion_finish"));
    server_end(t, WS_END_CLOSED); /* meanwhile */
    jobs_held = false;
    turn(t);
    assert_null(the_jobs.work);
    line_free(t);
}

/* A server that offers pairing without end does not keep the workers busy. */
static void codes_are_bounded_in_time(void **state)
{
    (void)state;
    struct line *t = line_new(false);
    unsigned hashed = 0;

    t->config.pair_code = true;
    t->config.phone = J("27820000001@s.whatsapp.net");
    bridge_start(t->b);
    server_accept(t);
    jobs_held = true;
    for (int i = 0; i < 3 * PAIR_CODES_MAX; i++) {
        struct jobs j;

        server_send(t, pair_device(t, "s.whatsapp.net"));
        j = the_jobs;
        the_jobs = (struct jobs){0};
        hashed += j.work != NULL;
        if (j.work)
            j.done(j.ctx, false);
    }
    assert_int_equal(hashed, PAIR_CODES_MAX);
    line_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registration),
        cmocka_unit_test(qr_text_and_times),
        cmocka_unit_test(foreign_pair_device),
        cmocka_unit_test(paired_by_qr),
        cmocka_unit_test(bad_proofs),
        cmocka_unit_test(wrong_number),
        cmocka_unit_test(store_fails),
        cmocka_unit_test(paired_by_code),
        cmocka_unit_test(codes_that_are_not_given),
        cmocka_unit_test(code_waits_for_pair_device),
        cmocka_unit_test(code_is_good_for_one_use),
        cmocka_unit_test(code_is_good_for_its_time_only),
        cmocka_unit_test(code_is_hashed_by_a_worker),
        cmocka_unit_test(codes_are_bounded_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
