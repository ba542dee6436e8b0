/* Which devices a private message has missed, when the hash in its ack is not ours. */
#include "tests/unit/bridge/send_fixture.h"

#include "store/core/state.h"

#define NEW_DEVICE   "222000011:4@lid"
#define NEWER_DEVICE "222000011:5@lid"

static void differ(const char *id, const char *hash)
{
    ack_with(id, 0, hash);
    run();
}

/* Stanzas that brought a message to devices which had missed it. */
static size_t completed(const char *device)
{
    size_t n = 0;

    for (size_t i = 0; i < nsent; i++)
        n += strncmp(sent[i], "<message", 8) == 0 && strstr(sent[i], device) != NULL;
    return n;
}

static void exchange(size_t i, const char *hash)
{
    pass(2000);
    send_text(i, CONTACT, "text");
    assert_int_equal(w.nwire, i + 1);
    differ(wire_id(i), hash);
}

static void a_hash_that_nothing_explains_asks_once_an_hour(void **state)
{
    (void)state;
    for (size_t i = 0; i < 6; i++)
        exchange(i, i % 2 ? "2:AAAAAAAA" : "2:BBBBBBBB");
    assert_int_equal(w.asked[ASKED_DEVICES], 6 + 1);
    pass((int64_t)PERSON_REFRESH_S * 1000);
    exchange(6, "2:AAAAAAAA");
    exchange(7, "2:AAAAAAAA");
    assert_int_equal(w.asked[ASKED_DEVICES], 8 + 2);
    assert_int_equal(completed("222000011"), 0);
}

static void what_was_under_way_is_completed_with_it(void **state)
{
    struct send_request r = request(CONTACT, "text");
    char ids[3][64];

    (void)state;
    r.wait_s = 0;
    for (size_t i = 0; i < 3; i++) {
        send_with(i, &r);
        snprintf(ids[i], sizeof ids[i], "%s", wire_id(i));
    }
    add_peer(NEW_DEVICE);
    for (size_t i = 0; i < 3; i++) {
        pass(2000);
        differ(ids[i], "2:AAAAAAAA");
    }
    assert_int_equal(completed(NEW_DEVICE), 3);
}

/* Each device that is found is news: another one is looked for at once. */
static void after_an_answer_that_explained_it_is_asked_again(void **state)
{
    char id[64];

    (void)state;
    send_text(0, CONTACT, "one");
    snprintf(id, sizeof id, "%s", wire_id(0));
    add_peer(NEW_DEVICE);
    differ(id, "2:AAAAAAAA");
    assert_int_equal(completed(NEW_DEVICE), 1);
    pass(2000);
    send_text(1, CONTACT, "two");
    snprintf(id, sizeof id, "%s", wire_id(1));
    add_peer(NEWER_DEVICE);
    differ(id, "2:BBBBBBBB");
    assert_int_equal(completed(NEWER_DEVICE), 1);
    assert_int_equal(completed(NEW_DEVICE), 1);
    /* This one explains nothing, and the next hashes are left alone. */
    exchange(2, "2:CCCCCCCC");
    exchange(3, "2:DDDDDDDD");
    assert_int_equal(w.asked[ASKED_DEVICES], 4 + 3);
}

/* Sends a message, whose ack reveals a device; log: the lines about that. */
static void reveal(const char *device, enum wb_err session_error, char *log, size_t log_max)
{
    const int fd = w.r.log.fd;
    FILE *lines = tmpfile();

    assert_non_null(lines);
    send_text(0, CONTACT, "one");
    add_peer(device);
    w.session_error = session_error;
    w.r.log.fd = fileno(lines);
    differ(wire_id(0), "2:AAAAAAAA");
    w.r.log.fd = fd;
    w.session_error = WB_OK;
    rewind(lines);
    log[fread(log, 1, log_max - 1, lines)] = '\0';
    (void)fclose(lines);
}

static const char *sealed_for(const char *device)
{
    static char sql[200];

    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM bridge_sealed JOIN bridge_sealed_lists USING (list)"
             " WHERE message_id = '%s' AND devices LIKE '%%%s%%'",
             wire_id(0), device);
    return peek_sql(w.r.f.wa, sql);
}

/* The device gets the next message, and the log says so. */
static void left_out(enum wb_err why, const char *line)
{
    char log[4000];

    reveal(NEW_DEVICE, why, log, sizeof log);
    assert_int_equal(completed(NEW_DEVICE), 0);
    assert_non_null(strstr(log, line));
    assert_string_equal(sealed_for(":0,3,4"), "0");
    assert_null(w.r.b.out_message->missing);
    pass(2000);
    send_text(1, CONTACT, "two");
    assert_non_null(enc_for(wire_node(1), NEW_DEVICE));
}

static void refused_prekeys_leave_it_to_the_next_message(void **state)
{
    (void)state;
    left_out(WB_ERR_REFUSED, "not sent to devices that lack it");
}

static void a_pause_of_prekey_queries_leaves_it_to_the_next_message(void **state)
{
    (void)state;
    left_out(WB_ERR_RATE_LIMITED, "get the next message");
}

/* Nothing leaves, and no ratchet has moved for it. */
static void what_cannot_be_stored_is_not_sent(void **state)
{
    (void)state;
    add_peer(NEW_DEVICE);
    send_text(0, CONTACT, "before");
    ack(wire_id(0));
    w.npeers--;
    send_text(1, CONTACT, "one");
    w.npeers++;
    OK(db_exec(&w.r.f.s->wa,
               "CREATE TABLE before AS SELECT their_id, session FROM whatsmeow_sessions;"
               "CREATE TRIGGER full BEFORE INSERT ON bridge_sealed"
               " BEGIN SELECT RAISE(ABORT, 'full'); END"));
    differ(wire_id(1), "2:AAAAAAAA");
    OK(db_exec(&w.r.f.s->wa, "DROP TRIGGER full"));
    OK(batch_commit(&w.r.b));
    assert_int_equal(completed(NEW_DEVICE), 0);
    assert_string_equal(peek_sql(w.r.f.wa, "SELECT (SELECT count(*) FROM before) || count(*) FROM"
                                           " (SELECT their_id, session FROM whatsmeow_sessions"
                                           " EXCEPT SELECT their_id, session FROM before)"),
                        "50");
    pass(2000);
    send_text(2, CONTACT, "two");
    assert_span(read_as(NEW_DEVICE, wire_node(2)).text, "two");
}

static int setup(void **state)
{
    (void)world_setup(state);
    nsent = 0;
    return 0;
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(a_hash_that_nothing_explains_asks_once_an_hour),
        T(what_was_under_way_is_completed_with_it),
        T(after_an_answer_that_explained_it_is_asked_again),
        T(refused_prekeys_leave_it_to_the_next_message),
        T(a_pause_of_prekey_queries_leaves_it_to_the_next_message),
        T(what_cannot_be_stored_is_not_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
