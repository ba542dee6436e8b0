/* Receiving a message that cannot be read: the bridge asks for it again, counts it, keeps a
 * placeholder. */
#include "tests/unit/bridge/receive_people.h"

#include "bridge/receive/in_message_decrypt.h"
#include "bridge/receive/in_message_private.h"
#include "store/session/lid_map.h"
#include "store/session/retry.h"

/* ---- what cannot be read ---- */

static void undecryptable_then_resent(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    OK(store_prekey_delete(r->f.s, 1)); /* the key that she uses is gone */
    OK(store_commit(r->f.s));
    n = letter(r, &alice, ALICE, "A1", "cannot be read");
    receive(r, n);
    assert_int_equal(nsent, 2);
    has(sent[0], "type=\"retry\"");
    has(sent[0], "count=\"1\"");
    has(sent[0], "error=\"3\"");
    has(sent[0], "<keys>");
    has(sent[0], "<device-identity>");
    has(sent[0], "<registration>");
    has(sent[0], "t=\"1790000000\"");
    has(sent[1], "<ack");
    has(sent[1], "class=\"message\"");
    hasnt(sent[1], "error");
    assert_look(r, "SELECT content||state||kind IS NULL FROM messages", "1");
    assert_look(r, "SELECT content||state FROM messages", "waiting");
    receive(r, n);
    has(sent[0], "count=\"2\"");

    writer_free(&alice);
    writer_init(&alice, 1);
    writer_start(&alice, r);
    receive(r, letter(r, &alice, ALICE, "A1", "now it can"));
    has(sent[0], "type=\"inactive\"");
    assert_look(r, "SELECT count(*)||content||state FROM messages", "1now it can");
    assert_look_wa(r, "SELECT count(*) FROM bridge_retry_owed", "0");
    writer_free(&alice);
}

static void retries_end(void **state)
{
    struct receiver *r = *state;
    struct node *n = stanza(r, ALICE, "A1");

    add_enc(r, n, "msg", SPAN_LIT("\x33no message at all"));
    for (int i = 1; i <= 4; i++) {
        char count[32];

        receive(r, n);
        snprintf(count, sizeof count, "count=\"%d\"", i);
        has(sent[0], count);
        assert_int_equal(nsent, 2);
        if (i == 2)
            receiver_restart(r);
    }
    receive(r, n);
    assert_int_equal(nsent, 1);
    has(sent[0], "<ack");
    assert_look(r, "SELECT count(*)||state FROM messages", "1waiting");
}

static void the_count_of_a_resend_goes_on(void **state)
{
    struct receiver *r = *state;
    struct node *n = stanza(r, ALICE, "A1");
    struct node *enc = add_enc(r, n, "msg", SPAN_LIT("\x33no message at all"));

    node_attr_text(&r->arena, enc, "count", "2");
    node_attr_text(&r->arena, enc, "decrypt-fail", "hide");
    receive(r, n);
    has(sent[0], "count=\"3\"");
    assert_look(r, "SELECT count(*) FROM messages", "0");
}

static void owed_ones_are_asked_for_again(void **state)
{
    struct receiver *r = *state;
    struct node *n = stanza(r, ALICE, "A1");

    add_enc(r, n, "msg", SPAN_LIT("\x33no message at all"));
    receive(r, n);
    receiver_restart(r);
    nsent = 0;
    events_emit_kind(&r->b.events, BRIDGE_EV_OFFLINE_DONE);
    OK(batch_commit(&r->b));
    assert_int_equal(nsent, 0); /* only just asked */
    fixture_time += 120;
    events_emit_kind(&r->b.events, BRIDGE_EV_OFFLINE_DONE);
    OK(batch_commit(&r->b));
    assert_int_equal(nsent, 1);
    has(sent[0], "count=\"2\"");
    has(sent[0], "to=\"" ALICE "\"");
    has(sent[0], "<keys>");
}

static void changed_identity(void **state)
{
    struct receiver *r = *state;
    struct writer old, new;
    struct node *late;

    writer_init(&old, 1);
    writer_init(&new, 2);
    writer_start(&old, r);
    receive(r, letter(r, &old, ALICE, "A1", "old phone"));
    late = letter(r, &old, ALICE, "A2", "late");
    writer_start(&new, r);
    receive(r, letter(r, &new, ALICE, "A3", "new phone"));
    receive(r, late);
    receive(r, letter(r, &new, ALICE, "A4", "new phone again"));
    assert_look(r,
                "SELECT group_concat(content) FROM (SELECT content FROM messages"
                " WHERE kind <> 'event' ORDER BY id)",
                "old phone,late,new phone,new phone again");
    assert_look(r, "SELECT count(*) FROM messages WHERE kind = 'event'", "1");
    assert_look_wa(r, "SELECT count(*) FROM whatsmeow_identity_keys", "1");
    writer_free(&old);
    writer_free(&new);
}

/* Content lost for good: the key is used, the id unknown. */
static void loss_is_asked_for_from_the_phone(void **state)
{
    struct receiver *r = *state;
    struct writer alice, phone;
    struct node *n;

    writer_init(&phone, 9);
    writer_start(&phone, r);
    receive(r, letter(r, &phone, OWN_PHONE, "P1", "note to self"));
    writer_init(&alice, 1);
    writer_start(&alice, r);
    n = letter(r, &alice, ALICE, "A1", "gone");
    receive(r, n);
    poke_sql(r->f.msg, "DELETE FROM messages WHERE id = 'A1'");
    receive(r, n);
    assert_int_equal(nsent, 2);
    has(sent[0], "category=\"peer\"");
    has(sent[0], "to=\"" OWN_PHONE "\"");
    has(sent[0], "<meta appdata=\"default\"/>");
    has(sent[1], "<receipt");
    hasnt(sent[1], "retry");
    assert_look(r, "SELECT state FROM messages WHERE id = 'A1'", "waiting");
    writer_free(&alice);
    writer_free(&phone);
}

/* whatsmeow decrypted it, stored the content, and ended before it was handled: the redelivery finds
 * a used key. The row is gone once it is stored, and a copy is known. */
static void left_in_the_buffer(struct receiver *r, bool by_bytes)
{
    struct writer alice;
    struct buf padded = buf_new(1000);
    struct in_message m;
    uint8_t hash[32];
    struct node *n;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    n = letter(r, &alice, ALICE, "A1", "almost lost");
    receive(r, n);
    poke_sql(r->f.msg, "DELETE FROM messages WHERE id = 'A1'");
    OK(in_message_parse(n, &r->arena, &r->b.own_pn, &r->b.own_lid, &m));
    OK(store_canonical(r->f.s, &m.sender, &m.address));
    if (by_bytes)
        sha256(m.enc[0].bytes, hash);
    else
        in_message_decrypt_enc_hash(&m, &m.enc[0], hash);
    /* conversation: "almost lost", with one byte of padding */
    buf_append(&padded, SPAN_LIT("\x0a\x0b"
                                 "almost lost\x01"));
    OK(store_event_put(r->f.s, hash, buf_span(&padded), m.t, 1));
    OK(store_commit(r->f.s));
    receive(r, n);
    assert_int_equal(nsent, 1);
    has(sent[0], "<receipt");
    hasnt(sent[0], "retry");
    assert_look(r, "SELECT content FROM messages WHERE id = 'A1' AND state = ''", "almost lost");
    assert_string_equal(
        peek_sql(r->f.wa, "SELECT count(*) FROM whatsmeow_event_buffer WHERE plaintext IS NULL"),
        "1");
    receive(r, n);
    assert_int_equal(nsent, 1);
    assert_look(r, "SELECT count(*) FROM messages", "1");
    buf_free(&padded);
    writer_free(&alice);
}

static void what_whatsmeow_left_in_its_buffer(void **state)
{
    left_in_the_buffer(*state, false);
}

static void what_an_older_whatsmeow_left(void **state)
{
    left_in_the_buffer(*state, true);
}

static size_t phone_requests(struct receiver *r)
{
    size_t n = 0;

    OK(batch_commit(&r->b));
    for (size_t i = 0; i < nsent; i++)
        n += strstr(sent[i], "category=\"peer\"") != NULL;
    nsent = 0;
    return n;
}

static void ack_request(struct receiver *r)
{
    const char *id = strstr(sent[0], " id=\"");

    assert_non_null(id);
    OK(in_message_acked(&r->b, SPAN_LIT("3EB0OTHER")));
    OK(in_message_acked(&r->b, SPAN(id + 5, strcspn(id + 5, "\""))));
    OK(batch_commit(&r->b));
}

/* A request to the phone that the server has not acked may be lost: with the connection, or with
 * the process. One that was acked is not repeated. */
static void requests_to_the_phone_are_not_lost(void **state)
{
    struct receiver *r = *state;
    struct node *n = stanza(r, ALICE, "A1");
    struct writer phone;

    writer_init(&phone, 9);
    writer_start(&phone, r);
    receive(r, letter(r, &phone, OWN_PHONE, "P0", "note to self"));
    add_enc(r, n, "msg", SPAN_LIT("\x33no message at all"));
    receive(r, n);
    nsent = 0;
    mono_now += 6000;
    fixture_time += 6;
    timers_run(&r->loop.timers);
    assert_int_equal(phone_requests(r), 1);
    /* Its ack is on its way. */
    fixture_time += 30;
    events_emit_kind(&r->b.events, BRIDGE_EV_OFFLINE_DONE);
    assert_int_equal(phone_requests(r), 0);
    /* Another connection; another process, twice. */
    events_emit_kind(&r->b.events, BRIDGE_EV_OFFLINE);
    events_emit_kind(&r->b.events, BRIDGE_EV_OFFLINE_DONE);
    assert_int_equal(phone_requests(r), 1);
    for (int i = 0; i < 2; i++) {
        fixture_time += 6;
        receiver_restart(r);
        events_emit_kind(&r->b.events, BRIDGE_EV_OFFLINE_DONE);
        OK(batch_commit(&r->b));
        if (i == 1)
            ack_request(r);
        else
            assert_int_equal(phone_requests(r), 1);
    }
    assert_look_wa(r, "SELECT phone_asked FROM bridge_retry_owed", "2");
    nsent = 0;
    fixture_time += 600;
    receiver_restart(r);
    events_emit_kind(&r->b.events, BRIDGE_EV_OFFLINE_DONE);
    assert_int_equal(phone_requests(r), 0);
    writer_free(&phone);
}

/* Each login forgets all of them, not the first few hundred. */
static void old_requests_to_the_phone_are_forgotten(void **state)
{
    struct receiver *r = *state;
    char sql[500];

    OK(batch_commit(&r->b));
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO bridge_phone_requests SELECT (SELECT jid FROM whatsmeow_device),"
             " 'R' || i, 'c@g.us', 's@lid', 'M' || i, %lld - (i > 1) * 20 * 86400 FROM n",
             3 * STORE_PRUNE_ROWS, (long long)fixture_time);
    poke_sql(r->f.wa, sql);
    receiver_restart(r);
    events_emit_kind(&r->b.events, BRIDGE_EV_OFFLINE_DONE);
    for (int i = 0; i < 4; i++) {
        mono_now += 6000;
        timers_run(&r->loop.timers);
    }
    OK(batch_commit(&r->b));
    assert_look_wa(r, "SELECT count(*)||min(request_id) FROM bridge_phone_requests", "1R1");
}

static void no_message_inside(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n = stanza(r, ALICE, "A1");

    writer_init(&alice, 1);
    writer_start(&alice, r);
    add_sealed(r, &alice, n, SPAN_LIT("\xff\xff\xff"));
    receive(r, n);
    assert_int_equal(nsent, 1);
    has(sent[0], "<ack");
    has(sent[0], "error=\"491\"");
    assert_look(r, "SELECT kind||hex(raw) FROM messages", "unreadableFFFFFF");
    receive(r, letter(r, &alice, ALICE, "A2", "the session goes on"));
    assert_look(r, "SELECT content FROM messages WHERE id = 'A2'", "the session goes on");
    writer_free(&alice);
}

static void odd_stanzas(void **state)
{
    struct receiver *r = *state;
    struct node *n = stanza(r, GROUP, "G1"); /* no participant */

    receive(r, n);
    has(sent[0], "error=\"487\"");
    n = stanza(r, ALICE, "A2");
    node_attr_text(&r->arena, node_child_new(&r->arena, n, "unavailable"), "type", "view_once");
    receive(r, n);
    assert_int_equal(nsent, 1);
    has(sent[0], "<ack");
    hasnt(sent[0], "error");
    assert_look(r, "SELECT id||state FROM messages", "A2waiting");
}

/* Their authors cannot answer, or nobody looks any more (P-RC-37). */
static void bots_and_old_status_are_not_asked(void **state)
{
    struct receiver *r = *state;
    struct node *n = stanza(r, "867051314767696@bot", "B1");

    add_enc(r, n, "msg", SPAN_LIT("\x33no message at all"));
    receive(r, n);
    assert_int_equal(nsent, 1);
    has(sent[0], "<ack");
    for (int old = 0; old < 2; old++) {
        n = stanza(r, "status@broadcast", old ? "S2" : "S1");
        attr_jid(r, n, "participant", ALICE);
        node_attr_u64(&r->arena, n, "t", (uint64_t)fixture_time - (old ? 86401 : 86399));
        add_enc(r, n, "skmsg", SPAN_LIT("\x33no message at all"));
        receive(r, n);
        assert_int_equal(nsent, old ? 1 : 2);
        has(sent[old ? 0 : 1], "<ack");
    }
    assert_look(r, "SELECT group_concat(id) FROM messages WHERE state = 'waiting'", "B1,S1");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Whatever it is that makes a message impossible to store: it is refused, but a person sees that
 * there was one, and the phone is asked for it. The next one is stored as always. */
static void what_cannot_be_dealt_with_leaves_a_trace(void **state)
{
    struct receiver *r = *state;
    const struct span mentioned[] = {SPAN_LIT("111000111@lid")};
    struct content_extras extras = {.mentioned = mentioned, .nmentioned = 1};
    struct buf b = buf_new(1 << 16);
    struct writer alice, phone;
    struct node *n = stanza(r, ALICE, "A1");

    writer_init(&phone, 9);
    writer_start(&phone, r);
    receive(r, letter(r, &phone, OWN_PHONE, "P0", "note to self"));
    writer_init(&alice, 1);
    writer_start(&alice, r);
    OK(content_encode_text(SPAN_LIT("@111000111 look"), &extras, &b));
    add_sealed(r, &alice, n, keep(r, &b));
    buf_free(&r->b.in_message->mentions);
    r->b.in_message->mentions = buf_new(4); /* the list of mentions does not fit */
    receive(r, n);
    assert_false(r->dropped);
    assert_int_equal(nsent, 2);
    has(sent[0], "category=\"peer\"");
    has(sent[1], "error=\"500\"");
    assert_look(r, "SELECT sender||state FROM messages WHERE id = 'A1'", "27820000011waiting");
    assert_look_wa(r, "SELECT count(*) FROM whatsmeow_sessions", "1"); /* the phone's: undone */
    receive(r, letter(r, &alice, ALICE, "A2", "the next one"));
    assert_look(r, "SELECT content FROM messages WHERE id = 'A2'", "the next one");
    writer_free(&alice);
    writer_free(&phone);
}

static struct node *not_for_us(struct receiver *r, const char *id)
{
    struct node *n = stanza(r, ALICE, id);

    node_child_new(&r->arena, n, "unavailable");
    return n;
}

/* Requests to our phone that were undone with their stanza: they never leave, no ack would end
 * them.
 */
static void undone_requests_take_no_place(void **state)
{
    struct receiver *r = *state;
    struct writer phone;
    char id[16];

    writer_init(&phone, 9);
    writer_start(&phone, r);
    receive(r, letter(r, &phone, OWN_PHONE, "P0", "note to self"));
    poke_sql(r->f.wa, "CREATE TRIGGER too_large BEFORE INSERT ON bridge_retry_owed"
                      " WHEN NEW.message_id LIKE 'A%' BEGIN SELECT zeroblob(2000000000); END");
    receiver_restart(r);
    for (int i = 0; i < RETRY_REQUESTS_KEPT; i++) {
        snprintf(id, sizeof id, "A%d", i);
        receive(r, not_for_us(r, id));
        assert_int_equal(nsent, 1);
        has(sent[0], "error=\"500\"");
    }
    assert_false(r->dropped);
    receive(r, not_for_us(r, "B1"));
    assert_int_equal(nsent, 2);
    has(sent[0], "category=\"peer\"");
    assert_look_wa(r, "SELECT phone_asked FROM bridge_retry_owed", "1");
    writer_free(&phone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_cannot_be_dealt_with_leaves_a_trace),
        T(undone_requests_take_no_place),
        T(undecryptable_then_resent),
        T(retries_end),
        T(the_count_of_a_resend_goes_on),
        T(owed_ones_are_asked_for_again),
        T(changed_identity),
        T(loss_is_asked_for_from_the_phone),
        T(what_whatsmeow_left_in_its_buffer),
        T(what_an_older_whatsmeow_left),
        T(requests_to_the_phone_are_not_lost),
        T(no_message_inside),
        T(old_requests_to_the_phone_are_forgotten),
        T(odd_stanzas),
        T(bots_and_old_status_are_not_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
