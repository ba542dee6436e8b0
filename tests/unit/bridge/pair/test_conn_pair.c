/* Pairing by QR: what the bridge shows, what it checks, what it stores before it answers, and what
 * it refuses (area PR). The whole bridge runs; the test plays server and phone. */
#include "tests/unit/bridge/phone_fixture.h"

#include "base/text.h"
#include "bridge/pair/pairing.h"
#include "crypto/prim_hash.h"
#include "store/session/signal_store.h"

/* ---- the QR ---- */

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
        line_pass(t, i == 0 ? 59999 : 19999);
        assert_true(bridge_qr(t->b, &qr));
        assert_string_equal(qr.code, buf_cstr(&want));
        line_pass(t, 1);
    }
    /* After the last one the server closes; then a new set, under the same keys. */
    assert_false(bridge_qr(t->b, &qr));
    server_end(t, WS_END_CLOSED);
    assert_int_equal(why_of(t), CONN_WHY_REFS_OVER);
    line_pass(t, 2000);
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

/* ---- the proof ---- */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registration),        cmocka_unit_test(qr_text_and_times),
        cmocka_unit_test(foreign_pair_device), cmocka_unit_test(paired_by_qr),
        cmocka_unit_test(bad_proofs),          cmocka_unit_test(wrong_number),
        cmocka_unit_test(store_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
