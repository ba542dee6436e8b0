/* What must not be lost when a connection or the disk fails in the middle: prekey ids that may have
 * left, and messages that could not be stored. The whole bridge runs; see conn_fixture.h. */
#include "tests/unit/bridge/conn_fixture.h"

#include "base/text.h"
#include "bridge/calls/health.h"
#include "bridge/core/batch.h"
#include "store/core/meta.h"
#include "store/messages/contacts.h"
#include "store/session/prekeys.h"

static void to_login(struct line *t)
{
    server_accept(t);
    server_send(t, el(t, "success", "t", "1790001000", "lid", OWN_LID, NULL));
}

static uint32_t first_id(const struct heard *h)
{
    struct span id =
        node_content_bytes(node_child(node_child(node_child(h->n, "list"), "key"), "id"));

    assert_int_equal(id.n, 3);
    return (uint32_t)id.p[0] << 16 | (uint32_t)id.p[1] << 8 | id.p[2];
}

static size_t keys_in(const struct heard *h)
{
    return node_child_count(node_child(h->n, "list"));
}

static struct node *low(struct line *t, const char *id, const char *count)
{
    return with(el(t, "notification", "from", "s.whatsapp.net", "type", "encrypt", "id", id, "t",
                   "1790001000", NULL),
                el(t, "count", "value", count, NULL));
}

/* ---- prekeys ---- */

/* The login's own look and the server's word, in every order: one upload. */
static void two_triggers_make_one_upload(void **state)
{
    (void)state;
    for (int when = 0; when < 2; when++) {
        struct line *t = line_new(true);
        struct heard *count, *keys;

        bridge_start(t->b);
        to_login(t);
        count = hear(t, "<count/>");
        if (when == 0)
            server_send(t, low(t, "N1", "0"));
        answer(t, count, el(t, "count", "value", "0", NULL));
        keys = hear(t, "<registration>");
        assert_int_equal(keys_in(keys), PREKEY_FIRST_BATCH);
        if (when == 1)
            server_send(t, low(t, "N1", "0"));
        answer(t, keys, NULL);
        answer(t, hear(t, "<active/>"), NULL);
        line_pass(t, 1000);
        assert_null(maybe_hear(t, "<count/>"));
        assert_null(maybe_hear(t, "<registration>"));
        assert_string_equal(peek_sql(t->f.wa, "SELECT count(*) FROM whatsmeow_pre_keys"), "812");
        line_free(t);
    }
}

/* The socket goes while an upload is unanswered: the server may have these keys or not. They stay
 * usable, and the next upload has others (rule 8). */
static void unknown_outcome_is_never_offered_again(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    struct heard *h;

    bridge_start(t->b);
    to_login(t);
    answer(t, hear(t, "<count/>"), el(t, "count", "value", "0", NULL));
    h = hear(t, "<registration>");
    assert_int_equal(first_id(h), 1);
    server_end(t, WS_END_NO_NETWORK);
    deaf(t);
    line_pass(t, 10000);
    to_login(t);
    answer(t, hear(t, "<count/>"), el(t, "count", "value", "0", NULL));
    h = hear(t, "<registration>");
    assert_int_equal(first_id(h), PREKEY_FIRST_BATCH + 1);
    assert_int_equal(keys_in(h), PREKEY_BATCH); /* we did offer some: not the first time */
    /* And over a restart in that very moment. */
    server_end(t, WS_END_NO_NETWORK);
    line_restart(t);
    deaf(t);
    bridge_start(t->b);
    to_login(t);
    answer(t, hear(t, "<count/>"), el(t, "count", "value", "0", NULL));
    h = hear(t, "<registration>");
    assert_int_equal(first_id(h), PREKEY_FIRST_BATCH + PREKEY_BATCH + 1);
    assert_string_equal(peek_sql(t->f.wa, "SELECT count(*) || '/' || sum(uploaded) || '/' ||"
                                          " count(DISTINCT key) FROM whatsmeow_pre_keys"),
                        "912/912/912");
    line_free(t);
}

/* No answer at all: the login goes on, and what was offered is not offered again. */
static void silent_upload(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    struct heard *h;

    bridge_start(t->b);
    to_login(t);
    answer(t, hear(t, "<count/>"), el(t, "count", "value", "0", NULL));
    hear(t, "<registration>");
    for (int i = 0; i < 20 && !(h = maybe_hear(t, "<active/>")); i++) {
        line_pass(t, 5000);
        server_send(t, el(t, "presence", "from", "5@lid", NULL)); /* the server lives */
    }
    assert_non_null(h);
    answer(t, h, NULL);
    assert_true(conn_online(t->b->conn));
    line_pass(t, 2000);
    answer(t, hear(t, "<count/>"), el(t, "count", "value", "0", NULL));
    assert_int_equal(first_id(hear(t, "<registration>")), PREKEY_FIRST_BATCH + 1);
    line_free(t);
}

/* 16.7 million ids are used up: nothing is offered any more, and the bridge stays connected. */
static void no_ids_left(void **state)
{
    (void)state;
    struct line *t = line_new(true);

    OK(store_meta_put_int(t->f.s, "prekey_high", PREKEY_ID_MAX - 10));
    OK(store_commit(t->f.s));
    bridge_start(t->b);
    to_login(t);
    answer(t, hear(t, "<count/>"), el(t, "count", "value", "0", NULL));
    answer(t, hear(t, "<active/>"), NULL);
    assert_true(conn_online(t->b->conn));
    assert_null(maybe_hear(t, "<registration>"));
    line_free(t);
}

/* ---- the disk ---- */

/* Our LID could not be written down: that is made up for at the next login. */
static void the_lid_of_a_failed_login(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    struct jid none = {0};

    t->account.lid = none;
    poke_sql(t->f.wa, "UPDATE whatsmeow_device SET lid = NULL; DELETE FROM whatsmeow_lid_map");
    bridge_start(t->b);
    poke_sql(t->f.wa, "CREATE TRIGGER full BEFORE UPDATE ON whatsmeow_device"
                      " BEGIN SELECT RAISE(ABORT, 'full'); END");
    to_login(t);
    assert_int_equal(why_of(t), CONN_WHY_STORE);
    assert_true(jid_is_none(&t->b->own_lid));
    poke_sql(t->f.wa, "DROP TRIGGER full");
    deaf(t);
    line_pass(t, 60000);
    to_login(t);
    if (why_of(t) == CONN_WHY_STORE) { /* another program has written */
        deaf(t);
        line_pass(t, 60000);
        to_login(t);
    }
    hear(t, "<count/>");
    assert_string_equal(peek_sql(t->f.wa, "SELECT lid FROM whatsmeow_device"), OWN_LID);
    assert_string_equal(peek_sql(t->f.wa, "SELECT count(*) FROM whatsmeow_lid_map"), "1");
    line_free(t);
}

static enum health_status status(struct line *t)
{
    struct arena a = arena_new(1 << 20);
    struct health h;
    enum health_status s;

    OK(bridge_health(t->b, &a, &h));
    s = h.status;
    arena_free(&a);
    return s;
}

/* A message of somebody without a session: a row that says so is stored, then it is acked. */
static struct node *message(struct line *t)
{
    struct node *n =
        el(t, "message", "from", "5@lid", "id", "M1", "type", "text", "t", "1790001000", NULL);
    struct node *enc = el(t, "enc", "v", "2", "type", "msg", NULL);
    static const uint8_t bytes[60] = {0x33, 1, 2, 3};

    node_set_bytes(&t->server.arena, enc, SPAN_ARRAY(bytes));
    return with(n, enc);
}

static const char *rows(struct line *t)
{
    return peek_sql(t->f.msg, "SELECT count(*) FROM messages WHERE id = 'M1'");
}

/* What a probe writes into either file. */
static void fill_disk(struct line *t, bool messages)
{
    poke_sql(t->f.msg, "CREATE TRIGGER full_1 BEFORE INSERT ON messages BEGIN"
                       " SELECT raise(ABORT, 'no room'); END");
    if (messages)
        poke_sql(t->f.msg, "CREATE TRIGGER full_2 BEFORE UPDATE ON bridge_change_seq"
                           " BEGIN SELECT raise(ABORT, 'no room'); END");
    else
        poke_sql(t->f.wa, "CREATE TRIGGER full_2 BEFORE INSERT ON bridge_meta WHEN"
                          " new.name = 'probe' BEGIN SELECT raise(ABORT, 'no room'); END");
}

/* The two files may lie on different disks. */
static void full_disk_under(bool messages)
{
    struct line *t = line_new(true);

    bridge_start(t->b);
    log_in(t);
    line_pass(t, 1000);
    deaf(t);
    fill_disk(t, messages);
    server_send(t, message(t));
    /* Nothing is acknowledged, and nobody is told that we are well. */
    assert_null(maybe_hear(t, "M1"));
    assert_int_equal(why_of(t), CONN_WHY_STORE);
    assert_int_equal(status(t), HEALTH_STORE_ERROR);
    assert_int_equal(t->events[BRIDGE_EV_BATCH_FAILED], 1);
    assert_int_equal(t->events[BRIDGE_EV_OFFLINE], 1);
    /* No connection while nothing can be stored: WhatsApp keeps what we could not take. */
    line_pass(t, 600 * 1000);
    assert_int_equal(dials, 1);
    assert_int_equal(status(t), HEALTH_STORE_ERROR);
    assert_string_equal(rows(t), "0");
    /* Room again: it goes on by itself, and what comes again is stored and acked. */
    poke_sql(t->f.msg, "DROP TRIGGER full_1");
    poke_sql(messages ? t->f.msg : t->f.wa, "DROP TRIGGER full_2");
    line_pass(t, 600 * 1000);
    assert_int_equal(dials > 1, true);
    assert_int_not_equal(status(t), HEALTH_STORE_ERROR);
    OK(conn_reconnect(t->b->conn));
    turn(t);
    log_in(t);
    assert_int_equal(status(t), HEALTH_OK);
    deaf(t);
    server_send(t, message(t));
    hear(t, "<receipt");
    assert_string_equal(rows(t), "1");
    line_free(t);
}

static void full_disk(void **state)
{
    (void)state;
    full_disk_under(false);
    full_disk_under(true);
}

static void write_a_name(struct line *t)
{
    const struct jid who = J("27820000019@s.whatsapp.net");

    OK(store_contact_push_name(t->f.s, &who, SPAN_LIT("Bob"), NULL));
}

/* What WhatsApp wants holds after a restart, whatever became of the batch in which it came. */
static void a_pause_outlives_the_batch_that_failed(void **state)
{
    (void)state;
    struct line *t = line_new(true);
    struct buf kept = buf_new(STORE_META_MAX);

    bridge_start(t->b);
    iq_pause_begin(&t->b->iq.pauses, IQ_KIND_USYNC, 600, clock_mono_ms(&hand_clock));
    t->b->iq.pauses_changed(t->b);
    batch_fail(t->b, WB_ERR_NO_SPACE);
    assert_int_equal(store_meta_get(t->f.s, STORE_META_QUERY_PAUSES, &kept), WB_ERR_NOT_FOUND);
    write_a_name(t);
    OK(batch_commit(t->b));
    store_rollback(t->f.s);
    OK(store_meta_get(t->f.s, STORE_META_QUERY_PAUSES, &kept));
    assert_non_null(strstr(buf_cstr(&kept), IQ_KIND_USYNC));
    buf_free(&kept);
    line_free(t);
}

/* What another program wrote in messages.db, and cannot be changed now, harms nobody else. */
static void a_tidying_that_fails_leaves_the_connection_alone(void **state)
{
    (void)state;
    struct line *t = line_new(true);

    poke_sql(t->f.msg,
             "INSERT INTO messages (id, chat_jid, sender, content, timestamp, is_from_me) VALUES"
             " ('G1', '27820000009@s.whatsapp.net', '27820000009', 'x',"
             " '2026-09-21 17:13:20+02:00', 0);"
             "CREATE TRIGGER no BEFORE UPDATE ON messages BEGIN SELECT RAISE(ABORT, 'no'); END;");
    bridge_start(t->b);
    log_in(t);
    write_a_name(t);
    line_pass(t, 1);
    assert_int_equal(state_of(t), CONN_ONLINE);
    assert_false(t->b->store_failed);
    assert_string_equal(peek_sql(t->f.wa, "SELECT push_name FROM whatsmeow_contacts"), "Bob");
    assert_string_equal(peek_sql(t->f.msg, "SELECT typeof(timestamp) FROM messages"), "text");
    poke_sql(t->f.msg, "DROP TRIGGER no");
    line_pass(t, 61 * 1000);
    assert_string_equal(peek_sql(t->f.msg, "SELECT typeof(timestamp) FROM messages"), "integer");
    line_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_triggers_make_one_upload),
        cmocka_unit_test(unknown_outcome_is_never_offered_again),
        cmocka_unit_test(silent_upload),
        cmocka_unit_test(no_ids_left),
        cmocka_unit_test(the_lid_of_a_failed_login),
        cmocka_unit_test(a_pause_outlives_the_batch_that_failed),
        cmocka_unit_test(a_tidying_that_fails_leaves_the_connection_alone),
        cmocka_unit_test(full_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
