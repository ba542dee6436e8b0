/* The passkey step of pairing (P-PR-27..35) in the whole bridge, with the test as server and phone:
 * what is sent, what each wait ends in, and when a code must be compared. */
#include "tests/unit/bridge/conn_fixture.h"

#include "base/text.h"
#include "bridge/calls/health.h"
#include "bridge/pair/pairing.h"
#include "bridge/pair/passkey.h"
#include "crypto/prim_aead.h"
#include "crypto/prim_hash.h"
#include "proto/passkey_wire.h"

#define OPTIONS                                                                                    \
    "{\"challenge\":\"AAECAwQFBgcICQoLDA0ODw\",\"rpId\":\"whatsapp.com\",\"timeout\":600000,"      \
    "\"allowCredentials\":[{\"id\":\"AQID\",\"type\":\"public-key\"}],"                            \
    "\"userVerification\":\"required\"}"

static enum cmd_result last_result;
static uint32_t last_code;
static unsigned nresults;

static void note(void *ctx, enum cmd_result r, uint32_t server_code, const char *text)
{
    (void)ctx;
    assert_true(text[0]);
    last_result = r;
    last_code = server_code;
    nresults++;
}

static struct line *scanned(void)
{
    struct line *t = line_new(false);
    struct node *refs = el(t, "pair-device", NULL);

    nresults = 0;
    bridge_start(t->b);
    server_accept(t);
    node_add(refs, bytes_el(t, "ref", SPAN_LIT("2@ref")));
    server_send(t,
                with(el(t, "iq", "from", "s.whatsapp.net", "type", "set", "id", "P1", NULL), refs));
    assert_int_equal(state_of(t), CONN_WAIT_PAIR_SCAN);
    deaf(t);
    return t;
}

static struct node *demand(struct line *t, const char *from, struct span options)
{
    struct node *n = el(t, "notification", "from", from, "type", "passkey_prologue_request", "id",
                        "N1", "t", "1790001000", NULL);

    return span_is_null(options) ? n : with(n, bytes_el(t, "passkey_request_options", options));
}

static struct passkey_view view(struct line *t)
{
    struct passkey_view v;

    bridge_passkey(t->b, &v);
    return v;
}

static struct line *asked(void)
{
    struct line *t = scanned();

    server_send(t, demand(t, "s.whatsapp.net", SPAN_LIT(OPTIONS)));
    hear(t, "<ack class=\"notification\" id=\"N1\" to=\"s.whatsapp.net\" "
            "type=\"passkey_prologue_request\"/>");
    assert_int_equal(state_of(t), CONN_WAIT_PASSKEY);
    assert_int_equal(view(t).phase, PASSKEY_ASKED);
    return t;
}

/* The answer of a browser: a signature cannot be checked here. */
static void respond(struct line *t, bool compare)
{
    static const char client[] =
        "{\"type\":\"webauthn.get\",\"challenge\":\"AAECAwQFBgcICQoLDA0ODw\","
        "\"origin\":\"https://web.whatsapp.com\"}";
    uint8_t data[37] = {0};
    struct buf json = buf_new(4096);

    sha256(SPAN_LIT("whatsapp.com"), data);
    data[32] = 5;
    buf_append_cstr(&json, "{\"type\":\"public-key\",\"id\":\"AQID\",\"rawId\":\"AQID\","
                           "\"response\":{\"signature\":\"c2ln\",\"clientDataJSON\":\"");
    buf_b64url(&json, span_cstr(client), true);
    buf_append_cstr(&json, "\",\"authenticatorData\":\"");
    buf_b64url(&json, SPAN_ARRAY(data), false);
    buf_append_cstr(&json, "\"}}");
    bridge_passkey_response(t->b, buf_span(&json), compare, note, NULL);
    buf_free(&json);
    turn(t);
}

static void refuse(struct line *t, const struct heard *h, const char *code)
{
    struct node *n = with(el(t, "iq", "from", "s.whatsapp.net", "type", "error", NULL),
                          el(t, "error", "code", code, NULL));

    node_copy_attr(&t->server.arena, n, h->n, "id");
    server_send(t, n);
}

static struct heard *prologue(struct line *t)
{
    struct heard *h = hear(t, "<ref/>");

    assert_true(node_attr_is(h->n, "type", "get") && node_attr_is(h->n, "xmlns", "md"));
    answer(t, h, bytes_el(t, "ref", SPAN_LIT("REF-9")));
    return hear(t, "<passkey_prologue>");
}

/* A field of a protobuf whose lengths and numbers are below 128: content of bytes, a number's byte.
 */
static struct span field(struct span msg, unsigned number)
{
    while (msg.n >= 2) {
        unsigned key = msg.p[0];
        size_t n = (key & 7) == 2 ? msg.p[1] : 0;
        struct span content = (key & 7) == 2 ? SPAN(msg.p + 2, n) : SPAN(msg.p + 1, 1);

        assert_true(key < 128 && n < 128 && n + 2 <= msg.n);
        if (key >> 3 == number)
            return content;
        msg = span_skip(msg, 2 + n);
    }
    fail_msg("no field %u", number);
    return SPAN_NULL;
}

/* ---- the phone ---- */

struct phone {
    struct x25519_pair pair;
    uint8_t nonce[32], companion[32], commitment[32];
    struct span identity, payload;
};

static struct span child(const struct heard *h, const char *tag)
{
    return node_content_bytes(node_child(h->n->first, tag));
}

static struct phone phone_reads(struct line *t, const struct heard *h)
{
    struct phone p = {.payload = child(h, "prologue_payload")};

    p.identity = field(p.payload, 1);
    assert_true(span_eq_cstr(field(p.identity, 3), "REF-9"));
    assert_true(field(p.identity, 2).p[0] == 0);
    memcpy(p.companion, field(p.identity, 1).p, 32);
    memcpy(p.commitment, field(field(p.payload, 2), 1).p, 32);
    x25519_generate(&t->f.rng, &p.pair);
    rng_fill(&t->f.rng, p.nonce, sizeof p.nonce);
    return p;
}

static void phone_continues(struct line *t, const struct phone *p)
{
    struct buf b = buf_new(128);

    buf_append(&b, SPAN_LIT("\x0a\x20"));
    buf_append(&b, SPAN_ARRAY(p->pair.pub));
    buf_append(&b, SPAN_LIT("\x12\x20"));
    buf_append(&b, SPAN_ARRAY(p->nonce));
    server_send(t, with(el(t, "notification", "from", "s.whatsapp.net", "type", "crsc_continuation",
                           "id", "N2", "t", "1790001000", NULL),
                        bytes_el(t, "primary_ephemeral_identity", buf_span(&b))));
    buf_free(&b);
}

/* The companion's nonce; what the phone shows. */
static struct heard *phone_shows(struct line *t, const struct phone *p, char code[static 9])
{
    struct heard *h = hear(t, "<companion_nonce>");
    struct span nonce = node_content_bytes(h->n->first);
    uint8_t hash[32];

    assert_int_equal(nonce.n, 32);
    passkey_commitment(p->identity, nonce.p, hash);
    assert_memory_equal(hash, p->commitment, 32);
    passkey_code(nonce.p, p->pair.pub, p->nonce, code);
    return h;
}

static void phone_opens(struct line *t, const struct phone *p, const struct heard *h)
{
    const struct device_keys *k = &t->b->conn->account->keys;
    struct span sealed = node_content_bytes(h->n->first), plain;
    struct buf out = buf_new(1024);
    uint8_t key[32];

    OK(passkey_request_key(&p->pair, p->companion, 0, "REF-9", key));
    OK(aes_gcm_open(key, field(sealed, 2).p, SPAN_NULL, field(sealed, 1), &out));
    plain = buf_span(&out);
    assert_true(span_eq(field(plain, 1), SPAN_ARRAY(k->noise.pub)));
    assert_true(span_eq(field(plain, 2), SPAN_ARRAY(k->identity.pub)));
    assert_true(span_eq(field(plain, 3), SPAN_ARRAY(k->adv_secret)));
    buf_free(&out);
}

/* Time passes on a healthy connection: pings are answered. */
static void linger(struct line *t, int64_t ms)
{
    deaf(t);
    while (ms > 0) {
        int64_t step = ms < 5000 ? ms : 5000;
        struct heard *ping;

        line_pass(t, step);
        ms -= step;
        while ((ping = maybe_hear(t, "xmlns=\"w:p\"")) != NULL)
            answer(t, ping, NULL);
        deaf(t);
        assert_int_equal(state_of(t), CONN_WAIT_PASSKEY);
    }
}

/* ---- tests ---- */

/* The whole step; the handoff proof spares the comparison of codes. */
static void proved(void **state)
{
    (void)state;
    struct line *t = scanned();
    uint8_t before[32], key[32], proof[32];
    struct arena a = arena_new(1 << 20);
    struct heard *h, *sent;
    struct health health;
    struct qr_current qr;
    struct phone p;
    char code[9];

    memcpy(before, t->b->conn->account->keys.adv_secret, 32);
    server_send(t, demand(t, "s.whatsapp.net", SPAN_LIT(OPTIONS)));
    assert_memory_not_equal(t->b->conn->account->keys.adv_secret, before, 32);
    assert_true(span_eq_cstr(view(t).options, OPTIONS));
    assert_int_equal(view(t).expires_in_s, 600);
    assert_false(bridge_qr(t->b, &qr));
    OK(bridge_health(t->b, &a, &health));
    assert_int_equal(health.status, HEALTH_PAIRING);
    assert_string_equal(health.passkey, "requested");
    assert_non_null(strstr(health.detail, "passkey"));

    respond(t, false);
    sent = prologue(t);
    assert_true(span_eq_cstr(child(sent, "credential_id"), "\x01\x02\x03"));
    p = phone_reads(t, sent);
    passkey_handoff_key(before, key);
    passkey_handoff_proof(key, p.payload, proof);
    assert_true(span_eq(child(sent, "pairing_handoff_proof"), SPAN_ARRAY(proof)));
    assert_int_equal(nresults, 0);
    answer(t, sent, NULL);
    assert_int_equal(last_result, CMD_OK);
    assert_int_equal(view(t).phase, PASSKEY_PHONE);
    phone_continues(t, &p);
    hear(t, "<ack class=\"notification\" id=\"N2\" to=\"s.whatsapp.net\" "
            "type=\"crsc_continuation\"/>");
    t->server.taken = 0;
    h = phone_shows(t, &p, code);
    assert_null(maybe_hear(t, "<encrypted_pairing_request>"));
    answer(t, h, NULL);
    h = hear(t, "<encrypted_pairing_request>");
    phone_opens(t, &p, h);
    assert_int_equal(view(t).phase, PASSKEY_FINISHING);
    /* A second continuation changes nothing. */
    deaf(t);
    phone_continues(t, &p);
    assert_null(maybe_hear(t, "<companion_nonce>"));
    assert_int_equal(view(t).phase, PASSKEY_FINISHING);
    arena_free(&a);
    line_free(t);
}

/* After five minutes the proof is worth nothing: the owner compares (P-PR-30, P-PR-35). */
static void late_answer(void **state)
{
    (void)state;
    struct line *t = asked();
    struct heard *h, *sent;
    struct phone p;
    char code[9];

    linger(t, PASSKEY_HANDOFF_MS + 1);
    assert_int_equal(view(t).phase, PASSKEY_ASKED);
    respond(t, false);
    sent = prologue(t);
    assert_true(span_is_null(child(sent, "pairing_handoff_proof")));
    p = phone_reads(t, sent);
    /* The phone may be faster than the server's answer. */
    phone_continues(t, &p);
    h = phone_shows(t, &p, code);
    answer(t, h, NULL);
    assert_int_equal(view(t).phase, PASSKEY_COMPARE);
    answer(t, sent, NULL);
    assert_int_equal(last_result, CMD_OK);
    assert_int_equal(view(t).phase, PASSKEY_COMPARE);
    assert_memory_equal(view(t).code, code, 4);
    assert_string_equal(view(t).code + 5, code + 4);
    assert_null(maybe_hear(t, "<encrypted_pairing_request>"));
    bridge_passkey_confirm(t->b, span_cstr(code), note, NULL);
    turn(t);
    h = hear(t, "<encrypted_pairing_request>");
    phone_opens(t, &p, h);
    assert_int_equal(nresults, 1);
    answer(t, h, NULL);
    assert_int_equal(nresults, 2);
    assert_int_equal(last_result, CMD_OK);
    line_free(t);
}

/* The server's word on the answer comes last of all: each caller hears of its own call, once. */
static void answered_out_of_order(void **state)
{
    (void)state;
    struct line *t = asked();
    struct heard *h, *sent;
    struct phone p;
    char code[9];

    respond(t, true);
    sent = prologue(t);
    p = phone_reads(t, sent);
    phone_continues(t, &p);
    h = phone_shows(t, &p, code);
    answer(t, h, NULL);
    assert_int_equal(view(t).phase, PASSKEY_COMPARE);
    assert_int_equal(nresults, 1); /* the phone goes on, so it was taken */
    assert_int_equal(last_result, CMD_OK);
    bridge_passkey_confirm(t->b, span_cstr(code), note, NULL);
    turn(t);
    h = hear(t, "<encrypted_pairing_request>");
    answer(t, sent, NULL);
    assert_int_equal(nresults, 1);
    answer(t, h, NULL);
    assert_int_equal(nresults, 2);
    assert_int_equal(last_result, CMD_OK);
    line_free(t);
}

/* A browser's timeout is not the person's. */
static void time_to_answer(void **state)
{
    (void)state;
    static const struct {
        const char *timeout;
        int64_t s;
    } times[] = {{"60000", 300}, {"null", 300}, {"600000", 600}, {"86400000", 900}};

    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        struct line *t = scanned();
        char options[200];

        snprintf(options, sizeof options,
                 "{\"challenge\":\"AAEC\",\"rpId\":\"whatsapp.com\",\"timeout\":%s}",
                 times[i].timeout);
        server_send(t, demand(t, "s.whatsapp.net", span_cstr(options)));
        assert_int_equal(view(t).expires_in_s, times[i].s);
        line_free(t);
    }
}

/* Each wait ends: pairing starts anew, and it is said why. */
static void waits_end(void **state)
{
    (void)state;
    static const struct {
        unsigned steps;
        int64_t ms;
        const char *problem;
    } waits[] = {
        {0, 600 * 1000, "expired"},
        {1, PASSKEY_PHONE_MS, "phone did not continue"},
        {2, PASSKEY_COMPARE_MS, "not confirmed"},
        {3, PASSKEY_FINISHING_MS, "did not link"},
    };

    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        struct line *t = asked();
        struct heard *sent = NULL;
        struct phone p = {0};
        char code[9];

        if (waits[i].steps >= 1) {
            respond(t, true);
            sent = prologue(t);
            answer(t, sent, NULL);
        }
        if (waits[i].steps >= 2) {
            p = phone_reads(t, sent);
            phone_continues(t, &p);
            answer(t, phone_shows(t, &p, code), NULL);
        }
        if (waits[i].steps >= 3) {
            bridge_passkey_confirm(t->b, span_cstr(code), note, NULL);
            turn(t);
            answer(t, hear(t, "<encrypted_pairing_request>"), NULL);
        }
        linger(t, waits[i].ms - 1);
        assert_int_equal(state_of(t), CONN_WAIT_PASSKEY);
        line_pass(t, 1);
        assert_int_equal(why_of(t), CONN_WHY_PASSKEY);
        assert_int_equal(view(t).phase, PASSKEY_NONE);
        assert_non_null(strstr(view(t).problem, waits[i].problem));
        line_pass(t, 2000);
        assert_int_equal(dials, 2);
        line_free(t);
    }
}

/* A socket that died while the owner looks for the key is noticed. */
static void dead_socket(void **state)
{
    (void)state;
    struct line *t = asked();

    line_pass(t, 2 * PING_MAX_MS + PING_SILENCE_MS + PING_ANSWER_MS);
    assert_int_equal(view(t).phase, PASSKEY_NONE);
    assert_int_not_equal(state_of(t), CONN_WAIT_PASSKEY);
    line_free(t);
}

static void refused(void **state)
{
    (void)state;
    struct line *t = asked();
    struct heard *h;

    respond(t, false);
    refuse(t, hear(t, "<ref/>"), "503");
    assert_int_equal(last_result, CMD_REFUSED);
    assert_int_equal(last_code, 503);
    assert_int_equal(view(t).phase, PASSKEY_ASKED);
    respond(t, false);
    refuse(t, prologue(t), "401");
    assert_int_equal(last_code, 401);
    assert_int_equal(view(t).phase, PASSKEY_ASKED);
    /* A ref that cannot stand in a key's salt. */
    respond(t, false);
    answer(t, hear(t, "<ref/>"), bytes_el(t, "ref", SPAN_LIT("a\nb")));
    assert_int_equal(last_result, CMD_REFUSED);
    assert_null(maybe_hear(t, "<passkey_prologue>"));
    respond(t, false);
    h = prologue(t);
    assert_false(span_is_null(child(h, "pairing_handoff_proof"))); /* not used up by refusals */
    assert_int_equal(nresults, 3);
    server_end(t, WS_END_CLOSED);
    assert_int_equal(nresults, 4);
    assert_int_equal(last_result, CMD_NOT_CONNECTED);
    assert_int_equal(why_of(t), CONN_WHY_PASSKEY);
    line_free(t);
}

/* Options that cannot be read are asked for (P-PR-27); then it is over. */
static void unreadable_options(void **state)
{
    (void)state;
    struct line *t = scanned();
    struct heard *h;

    server_send(t, demand(t, "s.whatsapp.net", SPAN_LIT("{}")));
    assert_int_equal(view(t).phase, PASSKEY_FETCHING);
    h = hear(t, "<passkey_request_options/>");
    assert_true(node_attr_is(h->n, "type", "get") && node_attr_is(h->n, "xmlns", "md"));
    respond(t, false);
    assert_int_equal(last_result, CMD_CONFLICT);
    answer(t, h, bytes_el(t, "passkey_request_options", SPAN_LIT(OPTIONS)));
    assert_int_equal(view(t).phase, PASSKEY_ASKED);
    line_free(t);

    t = scanned();
    server_send(t, demand(t, "s.whatsapp.net", SPAN_NULL));
    answer(t, hear(t, "<passkey_request_options/>"),
           bytes_el(t, "passkey_request_options", SPAN_LIT("[]")));
    assert_int_equal(why_of(t), CONN_WHY_PASSKEY);
    assert_non_null(strstr(view(t).problem, "cannot be read"));
    line_free(t);
}

/* Only the server itself, and only at its time. */
static void out_of_place(void **state)
{
    (void)state;
    struct line *t = scanned();
    struct phone p = {0};

    server_send(t, demand(t, "27820001000@s.whatsapp.net", SPAN_LIT(OPTIONS)));
    assert_int_equal(state_of(t), CONN_WAIT_PAIR_SCAN);
    x25519_generate(&t->f.rng, &p.pair);
    phone_continues(t, &p);
    assert_int_equal(state_of(t), CONN_WAIT_PAIR_SCAN);
    assert_null(maybe_hear(t, "<companion_nonce>"));
    line_free(t);

    t = line_new(true);
    bridge_start(t->b);
    log_in(t);
    server_send(t, demand(t, "s.whatsapp.net", SPAN_LIT(OPTIONS)));
    assert_int_equal(state_of(t), CONN_ONLINE);
    assert_int_equal(view(t).phase, PASSKEY_NONE);
    line_free(t);
}

/* What the phone sends cannot be used: wrong sizes, a key of small order. */
static void bad_phone(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct line *t = asked();
        struct phone p = {0}; /* the neutral point */

        respond(t, false);
        answer(t, prologue(t), NULL);
        if (i == 0)
            phone_continues(t, &p);
        else
            server_send(t, with(el(t, "notification", "from", "s.whatsapp.net", "type",
                                   "crsc_continuation", "id", "N2", "t", "1", NULL),
                                bytes_el(t, "primary_ephemeral_identity", SPAN_LIT("\x0a\x01x"))));
        assert_null(maybe_hear(t, "<companion_nonce>"));
        assert_int_equal(why_of(t), CONN_WHY_PASSKEY);
        assert_non_null(strstr(view(t).problem, "makes no sense"));
        line_free(t);
    }
}

/* Another challenge on the same connection: the old one is void, the proof is still of the QR's
 * secret. New refs do not end the step. */
static void asked_again(void **state)
{
    (void)state;
    struct line *t = scanned();
    uint8_t before[32], key[32], proof[32];
    struct heard *sent;

    memcpy(before, t->b->conn->account->keys.adv_secret, 32);
    server_send(t, demand(t, "s.whatsapp.net", SPAN_LIT(OPTIONS)));
    respond(t, false);
    server_send(t, demand(t, "s.whatsapp.net", SPAN_LIT(OPTIONS)));
    assert_int_equal(last_result, CMD_CONFLICT);
    answer(t, hear(t, "<ref/>"), bytes_el(t, "ref", SPAN_LIT("OLD"))); /* of the first */
    assert_null(maybe_hear(t, "<passkey_prologue>"));
    server_send(t, with(el(t, "iq", "from", "s.whatsapp.net", "type", "set", "id", "P2", NULL),
                        with(el(t, "pair-device", NULL), bytes_el(t, "ref", SPAN_LIT("2@new")))));
    hear(t, "<iq to=\"s.whatsapp.net\" id=\"P2\" type=\"result\"/>");
    assert_int_equal(view(t).phase, PASSKEY_ASKED);
    respond(t, false);
    sent = prologue(t);
    passkey_handoff_key(before, key);
    passkey_handoff_proof(key, child(sent, "prologue_payload"), proof);
    assert_true(span_eq(child(sent, "pairing_handoff_proof"), SPAN_ARRAY(proof)));
    line_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proved),
        cmocka_unit_test(late_answer),
        cmocka_unit_test(answered_out_of_order),
        cmocka_unit_test(waits_end),
        cmocka_unit_test(time_to_answer),
        cmocka_unit_test(refused),
        cmocka_unit_test(out_of_place),
        cmocka_unit_test(unreadable_options),
        cmocka_unit_test(dead_socket),
        cmocka_unit_test(bad_phone),
        cmocka_unit_test(asked_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
