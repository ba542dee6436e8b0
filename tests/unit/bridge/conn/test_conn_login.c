/* From the socket to online and back: the handshake, the login, keepalive, and how the bridge
 * reacts to each stanza of the server. The whole bridge runs; only socket, clock and workers are
 * the test's. */
#include "tests/unit/bridge/conn_fixture.h"

/* ---- handshake and login ---- */

static void login_in_order(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    struct heard *h;

    bridge_start(t->b);
    assert_string_equal(dialled, "wss://web.whatsapp.com/ws/chat");
    server_accept(t);
    assert_int_equal(t->server.handshakes, 1);
    assert_memory_equal(t->server.hs.rs, t->account.keys.noise.pub, 32);
    assert_true(t->server.payload.username == 27820000001 && t->server.payload.device == 7);
    assert_true(t->server.payload.passive && t->server.payload.pull);
    assert_false(t->server.payload.registers);
    assert_int_equal(t->server.payload.version.tertiary, 1045649367);
    assert_int_equal(t->server.nheard, 0); /* nothing before <success> */

    server_send(t, el(t, "success", "t", "1790001500", "lid", OWN_LID, NULL));
    assert_true(conn_logged_in(t->b->conn));
    assert_int_equal(bridge_server_now_s(t->b), 1790001500);
    wall_jump_ms = INT64_C(20) * 365 * 86400 * 1000; /* the server's time does not follow */
    assert_int_equal(bridge_server_now_s(t->b), 1790001500);
    wall_jump_ms = 0;
    h = hear(t, "<count/>");
    assert_non_null(strstr(h->xml, "to=\"s.whatsapp.net\" type=\"get\" xmlns=\"encrypt\""));
    assert_null(maybe_hear(t, "<iq"));
    answer(t, h, el(t, "count", "value", "700", NULL));
    h = hear(t, "<registration>"); /* none of ours is marked as offered */
    answer(t, h, NULL);
    h = hear(t, "<active/>");
    assert_non_null(strstr(h->xml, "type=\"set\" xmlns=\"passive\""));
    assert_false(conn_online(t->b->conn));
    assert_int_equal(t->events[BRIDGE_EV_ONLINE], 0);
    answer(t, h, NULL);
    assert_true(conn_online(t->b->conn));
    assert_int_equal(t->events[BRIDGE_EV_ONLINE], 1);

    /* A second <success> changes nothing (P-LG-03). */
    server_send(t, el(t, "success", "t", "1890000000", "lid", "5:1@lid", NULL));
    assert_int_equal(bridge_server_now_s(t->b), 1790001500);
    assert_int_equal(state_of(t), CONN_ONLINE);
    line_free(t);
}

/* A refused <active/> is logged, not fatal (P-LG-09). */
static void active_refused(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    struct heard *h;
    struct node *n;

    bridge_start(t->b);
    server_accept(t);
    server_send(t, el(t, "success", "t", "1790001000", NULL));
    answer(t, hear(t, "<count/>"), el(t, "count", "value", "700", NULL));
    answer(t, hear(t, "<registration>"), NULL);
    h = hear(t, "<active/>");
    n = with(el(t, "iq", "from", "s.whatsapp.net", "type", "error", NULL),
             el(t, "error", "code", "500", "text", "x", NULL));
    node_copy_attr(&t->server.arena, n, h->n, "id");
    server_send(t, n);
    assert_true(conn_online(t->b->conn));
    line_free(t);
}

/* The server goes on talking meanwhile. */
static void five_seconds(struct line *t)
{
    line_pass(t, 5000);
    server_send(t, el(t, "presence", "from", "5@lid", NULL));
}

/* Refused for now: online all the same, and asked again when the server wants to be. */
static void active_refused_for_now(void **state)
{
    static const struct {
        const char *backoff;
        int pause_s;
    } steps[] = {{"30", 30}, {NULL, 20}, {NULL, 40}};
    struct line *t = line_new(true);
    struct heard *h;

    (void)state;
    bridge_start(t->b);
    server_accept(t);
    server_send(t, el(t, "success", "t", "1790001000", NULL));
    answer(t, hear(t, "<count/>"), el(t, "count", "value", "700", NULL));
    answer(t, hear(t, "<registration>"), NULL);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct node *error = el(t, "error", "code", "429", NULL), *n;

        h = hear(t, "<active/>");
        node_attr_text(&t->server.arena, error, "backoff", steps[i].backoff);
        n = with(el(t, "iq", "from", "s.whatsapp.net", "type", "error", NULL), error);
        node_copy_attr(&t->server.arena, n, h->n, "id");
        server_send(t, n);
        assert_true(conn_online(t->b->conn));
        for (int s = 5; s < steps[i].pause_s; s += 5)
            five_seconds(t);
        assert_null(maybe_hear(t, "<active/>"));
        five_seconds(t);
    }
    answer(t, hear(t, "<active/>"), NULL);
    for (int s = 0; s < 200; s += 5)
        five_seconds(t);
    assert_null(maybe_hear(t, "<active/>"));
    assert_true(conn_online(t->b->conn));
    line_free(t);
}

/* A socket that is lost while we wait for the answer does not make us online. */
static void socket_lost_before_active(void **state)
{
    (void)state;
    struct line *t = line_new(true);

    bridge_start(t->b);
    server_accept(t);
    server_send(t, el(t, "success", "t", "1790001000", NULL));
    answer(t, hear(t, "<count/>"), el(t, "count", "value", "700", NULL));
    answer(t, hear(t, "<registration>"), NULL);
    hear(t, "<active/>");
    server_end(t, WS_END_CLOSED);
    turn(t);
    assert_int_equal(t->events[BRIDGE_EV_ONLINE], 0);
    assert_int_equal(state_of(t), CONN_WAIT_BACKOFF);
    line_free(t);
}

/* P-LG-02: the LID of <success> is stored, with the pair of our own account. */
static void lid_of_success(void **state)
{
    (void)state;
    struct line *t = line_new(true);

    bridge_start(t->b);
    server_accept(t);
    server_send(t, el(t, "success", "t", "1790001000", "lid", "222000222:7@lid", NULL));
    assert_string_equal(peek_sql(t->f.wa, "SELECT lid FROM whatsmeow_device"), "222000222:7@lid");
    assert_string_equal(peek_sql(t->f.wa, "SELECT lid || '=' || pn FROM whatsmeow_lid_map"),
                        "222000222=27820000001");
    assert_string_equal(t->b->own_lid.user, "222000222");
    line_free(t);
}

static void silent_servers(void **state)
{
    (void)state;
    struct line *t = line_new(true);

    bridge_start(t->b);
    t->server.silent = true;
    server_accept(t);
    assert_int_equal(state_of(t), CONN_WAIT_SERVER_HELLO);
    line_pass(t, CONN_HANDSHAKE_STEP_MS - 1);
    assert_int_equal(state_of(t), CONN_WAIT_SERVER_HELLO);
    line_pass(t, 1);
    assert_int_equal(state_of(t), CONN_WAIT_BACKOFF);
    assert_int_equal(why_of(t), CONN_WHY_SILENT);

    /* The intro goes out again on the next connection, and once. */
    t->server.silent = false;
    line_pass(t, 10000);
    assert_int_equal(dials, 2);
    server_accept(t);
    assert_int_equal(state_of(t), CONN_WAIT_SUCCESS);
    line_pass(t, CONN_HANDSHAKE_STEP_MS);
    assert_int_equal(state_of(t), CONN_WAIT_BACKOFF);
    line_free(t);
}

static void certificates(void **state)
{
    (void)state;
    struct line *t = line_new(true);

    bridge_start(t->b);
    t->server.foreign_root = true;
    server_accept(t);
    assert_int_equal(t->server.handshakes, 0); /* nothing of ours was told */
    assert_int_equal(why_of(t), CONN_WHY_CERT);
    t->server.foreign_root = false;
    t->server.not_after_s = START_S - 1;
    line_pass(t, 10000);
    server_accept(t);
    assert_int_equal(t->server.handshakes, 0);
    assert_int_equal(why_of(t), CONN_WHY_CLOCK);
    /* Told apart, and not tried again at once. */
    line_pass(t, 59 * 1000);
    assert_int_equal(dials, 2);
    line_pass(t, 2000);
    assert_int_equal(dials, 3);
    line_free(t);
}

/* ---- prekeys ---- */

static void prekey_upload_form(void **state)
{
    (void)state;
    static const char *const order[] = {"registration", "type", "identity", "list", "skey"};
    struct line *t = line_new(true);
    struct heard *h;
    const struct node *n, *key;
    size_t i = 0;

    bridge_start(t->b);
    server_accept(t);
    server_send(t, el(t, "success", "t", "1790001000", NULL));
    answer(t, hear(t, "<count/>"), el(t, "count", "value", "0", NULL));
    h = hear(t, "<registration>");
    for (n = h->n->first; n; n = n->next, i++)
        assert_true(i < 5 && node_is(n, order[i]));
    assert_int_equal(i, 5);
    assert_int_equal(node_content_bytes(node_child(h->n, "registration")).n, 4);
    assert_true(span_eq_cstr(node_content_bytes(node_child(h->n, "type")), "\x05"));
    assert_true(span_eq(node_content_bytes(node_child(h->n, "identity")),
                        SPAN_ARRAY(t->account.keys.identity.pub)));
    n = node_child(h->n, "list");
    assert_int_equal(node_child_count(n), PREKEY_FIRST_BATCH);
    for (key = n->first; key; key = key->next) {
        assert_int_equal(node_content_bytes(node_child(key, "id")).n, 3);
        assert_int_equal(node_content_bytes(node_child(key, "value")).n, 32);
    }
    n = node_child(h->n, "skey");
    assert_true(span_eq(node_content_bytes(node_child(n, "id")), SPAN("\0\0\1", 3)));
    assert_int_equal(node_content_bytes(node_child(n, "signature")).n, 64);
    /* Stored and marked before they left (rule 8). */
    assert_string_equal(peek_sql(t->f.wa, "SELECT count(*) || '/' || sum(uploaded) FROM"
                                          " whatsmeow_pre_keys"),
                        "812/812");
    line_free(t);
}

static void upload_refused(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    struct heard *h;
    struct node *n;

    bridge_start(t->b);
    server_accept(t);
    server_send(t, el(t, "success", "t", "1790001000", NULL));
    answer(t, hear(t, "<count/>"), el(t, "count", "value", "2", NULL));
    h = hear(t, "<registration>");
    n = with(el(t, "iq", "from", "s.whatsapp.net", "type", "error", NULL),
             el(t, "error", "code", "503", NULL));
    node_copy_attr(&t->server.arena, n, h->n, "id");
    server_send(t, n);
    answer(t, hear(t, "<active/>"), NULL); /* the login goes on */
    assert_true(conn_online(t->b->conn));
    assert_null(maybe_hear(t, "<count/>"));
    line_pass(t, 1000); /* Fibonacci seconds: 1, 1, 2 */
    h = hear(t, "<count/>");
    answer(t, h, el(t, "count", "value", "60", NULL));
    assert_null(maybe_hear(t, "<registration>")); /* they are there after all */
    line_free(t);
}

static void refill_on_notification(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    struct node *low;
    struct heard *h;

    bridge_start(t->b);
    log_in(t);
    deaf(t);
    low = with(el(t, "notification", "from", "s.whatsapp.net", "type", "encrypt", "id", "N1", "t",
                  "1790001000", NULL),
               el(t, "count", "value", "4", NULL));
    server_send(t, low);
    h = hear(t, "<count/>");
    hear(t, "<ack class=\"notification\" id=\"N1\" to=\"s.whatsapp.net\" type=\"encrypt\"/>");
    server_send(t, low); /* a second trigger meanwhile asks nothing more */
    assert_null(maybe_hear(t, "<count/>"));
    /* The last upload was less than ten minutes ago, and the server has enough (P-LG-08). */
    answer(t, h, el(t, "count", "value", "50", NULL));
    assert_null(maybe_hear(t, "<registration>"));
    server_send(t, low);
    answer(t, hear(t, "<count/>"), el(t, "count", "value", "3", NULL));
    h = hear(t, "<registration>");
    assert_int_equal(node_child_count(node_child(h->n, "list")), PREKEY_BATCH);
    answer(t, h, NULL);
    deaf(t);
    server_send(t, with(el(t, "notification", "from", "s.whatsapp.net", "type", "encrypt", "id",
                           "N2", "t", "1790001000", NULL),
                        el(t, "count", "value", "5", NULL)));
    hear(t, "id=\"N2\"");
    assert_null(maybe_hear(t, "<count/>")); /* five are enough */
    line_free(t);
}

/* ---- presence, offline queue ---- */

static void presence_with_a_name(void **state)
{
    (void)state;
    static char name[] = "Depot@7";
    struct line *t = line_new(true);

    t->config.push_name = name;
    bridge_start(t->b);
    log_in(t);
    hear(t, "<presence type=\"available\" name=\"Depot7\"/>");
    hear(t, "<presence type=\"unavailable\" name=\"Depot7\"/>");
    assert_false(t->b->presence_available);
    server_end(t, WS_END_CLOSED);
    t->config.presence = PRESENCE_AVAILABLE;
    deaf(t);
    line_pass(t, 10000);
    log_in(t);
    hear(t, "<presence type=\"available\" name=\"Depot7\"/>");
    assert_null(maybe_hear(t, "unavailable"));
    assert_true(t->b->presence_available);
    server_end(t, WS_END_CLOSED);
    assert_false(t->b->presence_available);
    t->config.push_name = no_text;
    deaf(t);
    line_pass(t, 10000);
    log_in(t);
    assert_null(maybe_hear(t, "<presence")); /* without a name there is none */
    line_free(t);
}

/* Renamed on the phone: the old name is not announced any more. */
static void presence_with_the_name_of_now(void **state)
{
    (void)state;
    struct line *t = line_new(true);

    bridge_start(t->b);
    log_in(t);
    for (int i = 0; i < 2; i++) {
        server_send(t, el(t, "notification", "from", "27820000001@s.whatsapp.net", "type",
                          "account_sync", "id", "N1", "t", "1790001000", "pushname",
                          i ? "Depot 2" : "Depot", NULL));
        server_end(t, WS_END_CLOSED);
        deaf(t);
        line_pass(t, 10000);
        log_in(t);
        hear(t, i ? "<presence type=\"available\" name=\"Depot 2\"/>"
                  : "<presence type=\"available\" name=\"Depot\"/>");
    }
    line_free(t);
}

/* P-TV-15: what is sent before a presence, at server time 1700000000. */
static void unified_session_vector(void **state)
{
    (void)state;
    static char name[] = "Depot";
    struct line *t = line_new(true);

    t->config.push_name = name;
    bridge_start(t->b);
    server_accept(t);
    server_send(t, el(t, "success", "t", "1700000000", "lid", OWN_LID, NULL));
    answer(t, hear(t, "<count/>"), el(t, "count", "value", "700", NULL));
    answer(t, hear(t, "<registration>"), NULL);
    answer(t, hear(t, "<active/>"), NULL);
    hear(t, "<ib><unified_session id=\"166400000\"/></ib>");
    line_free(t);
}

static void offline_phase(void **state)
{
    (void)state;
    struct line *t = line_new(true);

    bridge_start(t->b);
    log_in(t);
    server_send(t, with(el(t, "ib", "from", "s.whatsapp.net", NULL),
                        el(t, "offline_preview", "count", "2", "message", "2", NULL)));
    assert_int_equal(t->events[BRIDGE_EV_OFFLINE_DONE], 0);
    deaf(t);
    server_send(
        t, with(el(t, "ib", "from", "s.whatsapp.net", NULL), el(t, "offline", "count", "2", NULL)));
    assert_int_equal(t->events[BRIDGE_EV_OFFLINE_DONE], 1);
    assert_null(maybe_hear(t, "<ack")); /* no ack for <ib> */
    line_pass(t, CONN_OFFLINE_PHASE_MS);
    assert_int_equal(t->events[BRIDGE_EV_OFFLINE_DONE], 1);
    /* Without the word of the server it is over after a minute. */
    server_end(t, WS_END_CLOSED);
    deaf(t);
    line_pass(t, 10000);
    log_in(t);
    line_pass(t, 18000); /* no ping yet: nothing that the server would have to answer */
    assert_int_equal(t->events[BRIDGE_EV_OFFLINE_DONE], 1);
    for (int i = 0; i < 9; i++) {
        line_pass(t, 5000);
        server_send(t, el(t, "presence", "from", "5@lid", NULL));
    }
    assert_int_equal(t->events[BRIDGE_EV_OFFLINE_DONE], 2);
    line_free(t);
}

/* ---- requests ---- */

static enum wb_err last_answer;
static unsigned answers;
static void note_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    (void)b;
    (void)key;
    last_answer = reply->err;
    answers++;
}

/* What waits when the socket goes is told so; ids of the next connection are others (P-LG-25). */
static void requests_end_with_the_connection(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    struct arena a = arena_new(1 << 16);
    char prefix[sizeof t->b->iq.prefix];

    answers = 0;
    bridge_start(t->b);
    log_in(t);
    OK(iq_send(&t->b->iq, &a, iq_new(&a, "get", "w:test", NULL), 0, note_answer, 0));
    turn(t);
    snprintf(prefix, sizeof prefix, "%s", t->b->iq.prefix);
    assert_non_null(strstr(hear(t, "w:test")->xml, prefix));
    server_end(t, WS_END_CLOSED);
    assert_int_equal(answers, 1);
    assert_int_equal(last_answer, WB_ERR_NET);
    assert_int_equal(t->events[BRIDGE_EV_OFFLINE], 1);
    assert_int_equal(iq_send(&t->b->iq, &a, iq_new(&a, "get", "w:test", NULL), 0, note_answer, 0),
                     WB_ERR_STATE);
    line_pass(t, 10000);
    assert_int_equal(dials, 2);
    assert_string_not_equal(t->b->iq.prefix, prefix);
    arena_free(&a);
    line_free(t);
}

/* ---- stanzas that mean nothing here ---- */

static void everything_is_acked_once(void **state)
{
    (void)state;
    struct line *t = line_new(true);

    bridge_start(t->b);
    log_in(t);
    deaf(t);
    server_send(t, el(t, "notification", "from", "s.whatsapp.net", "type", "psa", "id", "N1",
                      "participant", "5:2@lid", "t", "1790001000", NULL));
    hear(t, "<ack class=\"notification\" id=\"N1\" to=\"s.whatsapp.net\" "
            "participant=\"5:2@lid\" type=\"psa\"/>");
    server_send(t, with(el(t, "call", "from", "5:2@lid", "id", "C1", "t", "1790001000", NULL),
                        el(t, "offer", "call-id", "X", "call-creator", "5:2@lid", NULL)));
    hear(t, "<ack class=\"call\" id=\"C1\" to=\"5:2@lid\"/>");
    server_send(t, el(t, "receipt", "from", "5:2@lid", "id", "R1", "type", "nonsense", NULL));
    hear(t, "<ack class=\"receipt\" id=\"R1\" to=\"5:2@lid\" type=\"nonsense\"/>");
    deaf(t);
    server_send(t, el(t, "something", "from", "5:2@lid", "id", "S1", NULL));
    server_send(t, el(t, "chatstate", "from", "5@lid", NULL));
    server_send(t, el(t, "presence", "from", "5@lid", NULL));
    server_send(t, el(t, "error", "code", "479", NULL));
    assert_int_equal(t->server.nheard, 0);
    assert_int_equal(state_of(t), CONN_ONLINE);
    line_free(t);
}

/* A stanza that cannot be read is passed over; a frame that does not decrypt is the end of the
 * stream (P-BN-23, P-HS-12). */
static void unreadable_frames(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    struct buf sealed = buf_new(1024);

    bridge_start(t->b);
    log_in(t);
    deaf(t);
    OK(noise_transport_seal(&t->server.transport, SPAN("\0\xf8\x03\x3f", 4), &sealed));
    server_write(buf_span(&sealed));
    turn(t);
    assert_int_equal(state_of(t), CONN_ONLINE);
    server_send(t, el(t, "iq", "from", "s.whatsapp.net", "type", "get", "xmlns", "urn:xmpp:ping",
                      "id", "S1", NULL));
    hear(t, "id=\"S1\"");
    buf_clear(&sealed);
    OK(noise_transport_seal(&t->server.transport, SPAN("\0\xf8\x01\x3f", 4), &sealed));
    sealed.p[1] ^= 1;
    server_write(buf_span(&sealed));
    turn(t);
    assert_int_equal(why_of(t), CONN_WHY_PROTOCOL);
    assert_int_equal(state_of(t), CONN_WAIT_BACKOFF);
    buf_free(&sealed);
    line_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(login_in_order),
        cmocka_unit_test(active_refused),
        cmocka_unit_test(active_refused_for_now),
        cmocka_unit_test(socket_lost_before_active),
        cmocka_unit_test(lid_of_success),
        cmocka_unit_test(silent_servers),
        cmocka_unit_test(certificates),
        cmocka_unit_test(prekey_upload_form),
        cmocka_unit_test(upload_refused),
        cmocka_unit_test(refill_on_notification),
        cmocka_unit_test(presence_with_a_name),
        cmocka_unit_test(presence_with_the_name_of_now),
        cmocka_unit_test(unified_session_vector),
        cmocka_unit_test(offline_phase),
        cmocka_unit_test(requests_end_with_the_connection),
        cmocka_unit_test(everything_is_acked_once),
        cmocka_unit_test(unreadable_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
