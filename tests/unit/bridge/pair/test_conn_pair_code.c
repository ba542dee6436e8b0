/* Pairing by a code that is typed on the phone: who gets one, what it proves, how long it is good,
 * and when WhatsApp withdraws the code or the QR (P-PR-17..26, P-X2-16). */
#include "tests/unit/bridge/phone_fixture.h"

#include "base/text.h"
#include "bridge/pair/pairing.h"

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

/* Whoever waits when the bridge stops is told, or their memory would be lost with it. */
static void who_waits_at_the_end_is_told(void **state)
{
    (void)state;
    struct line *t = showing();

    code_result = CMD_OK;
    bridge_pair_code_request(t->b, SPAN_LIT("27820000001"), note_code, NULL);
    line_free(t);
    assert_int_equal(code_result, CMD_NOT_CONNECTED);
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

static struct node *reg_refresh(struct line *t, const char *child)
{
    return with(el(t, "notification", "from", "s.whatsapp.net", "type", "companion_reg_refresh",
                   "id", "N8", "t", "1790000000", NULL),
                el(t, child, NULL));
}

/* What the QR on show says the ADV secret is: the part before the client type. */
static bool qr_names(struct line *t, const uint8_t secret[static ADV_SECRET_BYTES])
{
    struct buf want = buf_new(256);
    struct qr_current qr;
    bool same;

    buf_append_cstr(&want, ",");
    buf_b64(&want, SPAN(secret, ADV_SECRET_BYTES));
    buf_append_cstr(&want, ",9");
    assert_true(bridge_qr(t->b, &qr));
    same = strstr(qr.code, buf_cstr(&want)) != NULL;
    buf_free(&want);
    return same;
}

/* P-X2-16. The secret is made anew, and the QR names it at once, except while a typed code is being
 * proven. */
static void secret_is_made_anew_on_request(void **state)
{
    (void)state;
    static const char *const children[] = {"companion_reg_refresh", "pair-device-rotate-qr"};
    struct line *t = showing();
    const uint8_t *secret = t->b->conn->account->keys.adv_secret;
    uint8_t before[ADV_SECRET_BYTES];
    struct qr_current qr;
    struct code_phone c;

    for (int i = 0; i < 2; i++) {
        memcpy(before, secret, sizeof before);
        line_pass(t, 1000);
        server_send(t, reg_refresh(t, children[i]));
        hear(t, "<ack class=\"notification\" id=\"N8\"");
        assert_memory_not_equal(secret, before, sizeof before);
        assert_true(qr_names(t, secret));
        assert_true(bridge_qr(t->b, &qr) && qr.expires_in_s == 59 - i); /* its time runs on */
    }
    memcpy(before, secret, sizeof before);
    server_send(t, reg_refresh(t, "something-else"));
    hear(t, "<ack class=\"notification\" id=\"N8\"");
    assert_memory_equal(secret, before, sizeof before);

    ask_for_code(t, &c);
    server_send(t, typed(t, &c, "REF-1"));
    hear(t, "companion_finish");
    assert_memory_not_equal(secret, before, sizeof before);
    assert_true(qr_names(t, secret));
    memcpy(before, secret, sizeof before);
    server_send(t, reg_refresh(t, children[0]));
    hear(t, "<ack class=\"notification\" id=\"N8\"");
    assert_memory_equal(secret, before, sizeof before);
    line_free(t);
}

/* P-X2-16. The owner may cancel on the phone after the code was typed, and nobody tells us: what
 * WhatsApp retired meanwhile is not shown for longer than the phone may take. */
static void a_code_that_leads_nowhere_keeps_no_retired_qr(void **state)
{
    (void)state;
    struct line *t = showing();
    const uint8_t *secret = t->b->conn->account->keys.adv_secret;
    uint8_t before[ADV_SECRET_BYTES];
    struct code_phone c;

    ask_for_code(t, &c);
    server_send(t, typed(t, &c, "REF-1"));
    answer(t, hear(t, "companion_finish"), NULL);
    memcpy(before, secret, sizeof before);
    server_send(t, reg_refresh(t, "companion_reg_refresh"));
    assert_memory_equal(secret, before, sizeof before);
    /* With the first QR after that time. */
    for (int ms = 0; ms < PAIR_FINISH_MS; ms += 20 * 1000) {
        assert_memory_equal(secret, before, sizeof before);
        assert_true(qr_names(t, secret));
        line_pass(t, 20 * 1000);
    }
    assert_memory_not_equal(secret, before, sizeof before);
    assert_true(qr_names(t, secret));
    /* One that is retired later is made anew at once. */
    memcpy(before, secret, sizeof before);
    server_send(t, reg_refresh(t, "companion_reg_refresh"));
    assert_memory_not_equal(secret, before, sizeof before);
    line_free(t);
}

static void a_code_that_is_refused_keeps_no_retired_qr(void **state)
{
    (void)state;
    struct line *t = showing();
    const uint8_t *secret = t->b->conn->account->keys.adv_secret;
    uint8_t before[ADV_SECRET_BYTES];
    struct code_phone c;
    struct heard *h;
    struct node *n;

    ask_for_code(t, &c);
    server_send(t, typed(t, &c, "REF-1"));
    h = hear(t, "companion_finish");
    n = with(el(t, "iq", "from", "s.whatsapp.net", "type", "error", NULL),
             el(t, "error", "code", "400", NULL));
    node_copy_attr(&t->server.arena, n, h->n, "id");
    memcpy(before, secret, sizeof before);
    server_send(t, reg_refresh(t, "companion_reg_refresh"));
    assert_memory_equal(secret, before, sizeof before);
    server_send(t, n);
    assert_memory_not_equal(secret, before, sizeof before);
    assert_true(qr_names(t, secret));
    line_free(t);
}

/* P-X2-16. Only the code that is on show is replaced. */
static void code_is_made_anew_on_request(void **state)
{
    (void)state;
    struct line *t = showing();
    struct code_phone c;
    char first[10], second[10];
    struct node *n;

    ask_for_code(t, &c);
    assert_true(bridge_pair_code(t->b, first));
    for (int wrong = 1; wrong >= 0; wrong--) {
        n = el(t, "link_code_companion_reg", "stage", "refresh_code", NULL);
        node_add(n, bytes_el(t, "link_code_pairing_ref", span_cstr(wrong ? "REF-0" : "REF-1")));
        deaf(t);
        server_send(t, with(el(t, "notification", "from", "s.whatsapp.net", "type",
                               "link_code_companion_reg", "id", "N9", "t", "1790000000", NULL),
                            n));
        if (wrong) {
            hear(t, "<ack class=\"notification\" id=\"N9\"");
            assert_null(maybe_hear(t, "companion_hello"));
            assert_true(bridge_pair_code(t->b, second));
            assert_string_equal(first, second);
        }
    }
    answer(t, hear(t, "companion_hello"),
           with(el(t, "link_code_companion_reg", NULL),
                bytes_el(t, "link_code_pairing_ref", SPAN_LIT("REF-2"))));
    assert_true(bridge_pair_code(t->b, second));
    assert_string_not_equal(first, second);
    line_free(t);
}

static void code_is_good_for_its_time_only(void **state)
{
    (void)state;
    struct line *t = showing();
    struct code_phone c;
    char code[10];

    ask_for_code(t, &c);
    line_pass(t, PAIR_CODE_MS - 1);
    assert_true(bridge_pair_code(t->b, code));
    line_pass(t, 1);
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
    line_pass(t, 80 * 1000); /* no answer to that one */
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
        struct hand_jobs j;

        server_send(t, pair_device(t, "s.whatsapp.net"));
        j = hand_jobs_take();
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
        cmocka_unit_test(paired_by_code),
        cmocka_unit_test(codes_that_are_not_given),
        cmocka_unit_test(who_waits_at_the_end_is_told),
        cmocka_unit_test(code_waits_for_pair_device),
        cmocka_unit_test(code_is_good_for_one_use),
        cmocka_unit_test(secret_is_made_anew_on_request),
        cmocka_unit_test(a_code_that_leads_nowhere_keeps_no_retired_qr),
        cmocka_unit_test(a_code_that_is_refused_keeps_no_retired_qr),
        cmocka_unit_test(code_is_made_anew_on_request),
        cmocka_unit_test(code_is_good_for_its_time_only),
        cmocka_unit_test(code_is_hashed_by_a_worker),
        cmocka_unit_test(codes_are_bounded_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
