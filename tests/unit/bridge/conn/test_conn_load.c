/* A connection that has more to send than its line takes, or more to read than one turn should do.
 */
#include "bridge/platform/limits.h"
#include "tests/unit/bridge/conn_fixture.h"

static void busy(bool moves)
{
    the_ws.uplink.unconfirmed = 100 * 1000;
    the_ws.uplink.confirmed += moves ? 1000 : 0;
}

/* Five minutes for one stanza: nothing comes, but the other end takes more and more of it. */
static void a_slow_line_is_not_a_dead_one(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    int64_t since;

    bridge_start(t->b);
    log_in(t);
    for (int i = 0; i < 300; i++) {
        busy(true);
        line_pass(t, 1000);
        deaf(t);
    }
    assert_int_equal(state_of(t), CONN_ONLINE);
    since = now_ms;
    while (state_of(t) == CONN_ONLINE && now_ms - since < 600000) {
        busy(false);
        line_pass(t, 1000);
    }
    assert_int_equal(why_of(t), CONN_WHY_NETWORK);
    assert_true(now_ms - since <= PING_MAX_MS + PING_SILENCE_MS + PING_ANSWER_MS + 1000);
    line_free(t);
}

/* Each silence is asked about anew: that one was answered says nothing of the next. */
static void every_silence_is_asked_about(void **state)
{
    (void)state;
    struct line *t = line_new(true);

    bridge_start(t->b);
    log_in(t);
    for (int i = 0; i < 20; i++) {
        struct heard *h = NULL;

        /* An ack is sent, and nothing comes but the answers to pings, late ones. */
        server_send(t, el(t, "receipt", "from", "5@lid", "id", "R", NULL));
        deaf(t);
        for (int s = 0; !h && s < 2 * PING_MAX_MS; s += 500) {
            line_pass(t, 500);
            h = maybe_hear(t, "xmlns=\"w:p\"");
        }
        assert_non_null(h);
        line_pass(t, PING_ANSWER_MS - 1000);
        assert_int_equal(state_of(t), CONN_ONLINE);
        answer(t, h, NULL);
    }
    assert_int_equal(t->events[BRIDGE_EV_OFFLINE], 0);
    line_free(t);
}

/* The ping stood behind it, and its answer has its time from then on. */
static void what_has_left_at_last_is_answered_in_time(void **state)
{
    (void)state;
    struct line *t = line_new(true);

    bridge_start(t->b);
    log_in(t);
    deaf(t);
    for (int64_t since = now_ms; !maybe_hear(t, "xmlns=\"w:p\"");) {
        assert_true(now_ms - since <= PING_MAX_MS + PING_SILENCE_MS); /* or it would never come */
        busy(true);
        line_pass(t, 1000);
    }
    for (int i = 0; i < 60; i++) {
        busy(true);
        line_pass(t, 1000);
        deaf(t);
    }
    the_ws.uplink.unconfirmed = 0;
    the_ws.uplink.confirmed += 1000;
    line_pass(t, PING_ANSWER_MS - 1000);
    assert_int_equal(state_of(t), CONN_ONLINE);
    line_pass(t, 2 * PING_ANSWER_MS);
    assert_int_equal(why_of(t), CONN_WHY_NETWORK);
    line_free(t);
}

static struct node *receipt(struct line *t, unsigned number)
{
    char id[16];

    snprintf(id, sizeof id, "R%u", number);
    return el(t, "receipt", "from", "5:2@lid", "id", id, "type", "nonsense", NULL);
}

static void answers_wait_for_room_and_requests_do_not(void **state)
{
    (void)state;
    struct line *t = line_new(true);

    bridge_start(t->b);
    log_in(t);
    deaf(t);
    the_ws.waiting = ANSWER_ROOM_BYTES;
    server_send(t, receipt(t, 1));
    assert_null(maybe_hear(t, "<ack"));
    server_send(t, el(t, "iq", "from", "s.whatsapp.net", "type", "get", "xmlns", "urn:xmpp:ping",
                      "id", "S1", NULL));
    hear(t, "id=\"S1\"");
    server_send(t, receipt(t, 2));
    assert_null(maybe_hear(t, "<ack"));
    the_ws.waiting = 0;
    the_ws.cb.drained(the_ws.cb.ctx);
    turn(t);
    hear(t, "id=\"R1\"");
    hear(t, "id=\"R2\"");
    assert_int_equal(state_of(t), CONN_ONLINE);
    line_free(t);
}

/* Reading on would only bring more to answer; nothing is lost, and nothing is an error. */
static void too_many_answers_stop_the_reading(void **state)
{
    (void)state;
    struct line *t = line_new(true);

    bridge_start(t->b);
    log_in(t);
    the_ws.waiting = READ_QUEUE_BYTES_MAX;
    server_send(t, receipt(t, 1));
    assert_true(the_ws.reading_off);
    assert_false(conn_readable(t->b->conn));
    the_ws.waiting = 0;
    the_ws.cb.drained(the_ws.cb.ctx);
    turn(t);
    assert_false(the_ws.reading_off);
    hear(t, "id=\"R1\"");
    line_free(t);
}

/* What is too much for the socket is refused before the stream's counter moves. */
static void a_full_queue_breaks_nothing(void **state)
{
    (void)state;
    struct line *t = line_new(true);

    bridge_start(t->b);
    log_in(t);
    deaf(t);
    the_ws.waiting = WS_SEND_QUEUE_BYTES_MAX;
    assert_int_equal(outgoing_send(t->b, el(t, "presence", "type", "available", NULL)),
                     WB_ERR_TOO_LARGE);
    turn(t);
    the_ws.waiting = 0;
    OK(outgoing_send(t->b, el(t, "presence", "type", "available", NULL)));
    turn(t);
    hear(t, "<presence");
    assert_int_equal(state_of(t), CONN_ONLINE);
    line_free(t);
}

/* All of it arrives in one read; one batch a turn, in order, and the rest is not forgotten. */
static void one_batch_a_turn(void **state)
{
    (void)state;
    enum { MORE = 44 };
    struct line *t = line_new(true);
    struct buf all = buf_new(4 << 20), packed = buf_new(4096), sealed = buf_new(4096);

    bridge_start(t->b);
    log_in(t);
    for (unsigned i = 0; i < BATCH_STANZAS_MAX + MORE; i++) {
        buf_clear(&packed);
        buf_clear(&sealed);
        OK(node_pack(receipt(t, i), &packed));
        OK(noise_transport_seal(&t->server.transport, buf_span(&packed), &sealed));
        OK(frame_write(&all, buf_span(&sealed)));
    }
    deaf(t);
    the_ws.cb.receive(the_ws.cb.ctx, buf_span(&all));
    server_read(t);
    assert_int_equal(t->server.nheard, BATCH_STANZAS_MAX);
    assert_true(the_ws.reading_off);
    hear(t, "id=\"R0\"");
    hear(t, "id=\"R255\"");
    deaf(t);
    turn(t);
    assert_int_equal(t->server.nheard, MORE);
    assert_false(the_ws.reading_off);
    hear(t, "id=\"R256\"");
    hear(t, "id=\"R299\"");
    buf_free(&all);
    buf_free(&packed);
    buf_free(&sealed);
    line_free(t);
}

/* The server's last word stands behind a full batch, and then the socket is gone. */
static void the_last_word_is_heard(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    struct buf all = buf_new(4 << 20), packed = buf_new(4096), sealed = buf_new(4096);

    bridge_start(t->b);
    log_in(t);
    for (unsigned i = 0; i <= BATCH_STANZAS_MAX; i++) {
        buf_clear(&packed);
        buf_clear(&sealed);
        OK(node_pack(i < BATCH_STANZAS_MAX
                         ? receipt(t, i)
                         : with(el(t, "stream:error", "code", "401", NULL),
                                el(t, "conflict", "type", "device_removed", NULL)),
                     &packed));
        OK(noise_transport_seal(&t->server.transport, buf_span(&packed), &sealed));
        OK(frame_write(&all, buf_span(&sealed)));
    }
    deaf(t);
    the_ws.cb.receive(the_ws.cb.ctx, buf_span(&all));
    server_read(t);
    assert_int_equal(state_of(t), CONN_ONLINE);
    server_end(t, WS_END_CLOSED);
    turn(t);
    assert_int_equal(why_of(t), CONN_WHY_LOGGED_OUT);
    assert_int_equal(state_of(t), CONN_STOPPED);
    buf_free(&all);
    buf_free(&packed);
    buf_free(&sealed);
    line_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_line_is_not_a_dead_one),
        cmocka_unit_test(every_silence_is_asked_about),
        cmocka_unit_test(what_has_left_at_last_is_answered_in_time),
        cmocka_unit_test(answers_wait_for_room_and_requests_do_not),
        cmocka_unit_test(too_many_answers_stop_the_reading),
        cmocka_unit_test(a_full_queue_breaks_nothing),
        cmocka_unit_test(one_batch_a_turn),
        cmocka_unit_test(the_last_word_is_heard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
