/* Receiving, from the stanza to the rows and the answers, with a real store and real keys. */
#include "receive_fixture.h"

#include "proto/wire_field.h"
#include "store/contacts.h"

#include "proto/peer_wire.h"
#include "proto/web_message.h"
#include "store/groups.h"
#include "store/lid_map.h"

#define ALICE     "27820000011@s.whatsapp.net"
#define ALICE_LID "222000222@lid"
#define BOB       "27820000012@s.whatsapp.net"
#define BOB_LID   "333000333@lid"
#define GROUP     "120363000000000001@g.us"
#define OWN_PHONE "27820000001@s.whatsapp.net"

static int setup(void **state)
{
    struct receiver *r = malloc(sizeof *r);

    fixture_time = 1790000000;
    mono_now = 1000;
    receiver_init(r);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    receiver_free(*state);
    free(*state);
    return 0;
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

static void hasnt(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("'%s' is in: %s", part, text);
}

/* ---- one to one ---- */

static void private_messages(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n;
    uint32_t prekey;
    char sql[128];

    writer_init(&alice, 1);
    prekey = writer_start(&alice, r);
    n = letter(r, &alice, ALICE, "A1", "good morning");
    node_attr_text(&r->arena, n, "notify", "Alice");
    receive(r, n);
    assert_look(r,
                "SELECT chat_jid||' '||sender||' '||content||' '||is_from_me||' '||timestamp"
                " FROM messages",
                ALICE " 27820000011 good morning 0 1790000000");
    assert_look(r, "SELECT kind||'/'||media_type||'/'||push_name||'/'||state FROM messages",
                "text//Alice/");
    assert_int_equal(nsent, 1);
    has(sent[0], "<receipt");
    has(sent[0], "id=\"A1\"");
    has(sent[0], "to=\"" ALICE "\"");
    has(sent[0], "type=\"inactive\"");
    assert_int_equal(r->nevents, 1);
    assert_string_equal(r->events[0], ALICE " A1");
    assert_int_equal(r->b.messages_stored, 1);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM whatsmeow_pre_keys WHERE key_id = %u", prekey);
    assert_look_wa(r, sql, "0");
    assert_look_wa(r, "SELECT push_name FROM whatsmeow_contacts", "Alice");

    r->b.presence_available = true;
    receive(r, letter(r, &alice, ALICE, "A2", "second"));
    hasnt(sent[0], "type=");
    assert_look(r, "SELECT count(*) FROM messages WHERE state = ''", "2");
    writer_free(&alice);
}

static void a_copy_is_receipted_once_more(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    n = letter(r, &alice, ALICE, "A1", "once");
    receive(r, n);
    receive(r, n);
    assert_int_equal(nsent, 1);
    has(sent[0], "<receipt");
    hasnt(sent[0], "retry");
    assert_look(r, "SELECT count(*)||content FROM messages", "1once");
    assert_int_equal(r->nevents, 1);
    writer_free(&alice);
}

static void out_of_order(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n[3];
    const char *ids[] = {"A0", "A1", "A2"};

    writer_init(&alice, 1);
    writer_start(&alice, r);
    for (int i = 0; i < 3; i++)
        n[i] = letter(r, &alice, ALICE, ids[i], ids[i]);
    receive(r, n[2]);
    receive(r, n[0]);
    receive(r, n[1]);
    assert_look(r, "SELECT group_concat(content) FROM (SELECT content FROM messages ORDER BY id)",
                "A0,A1,A2");
    writer_free(&alice);
}

/* The store fails between decryption and commit: the server delivers again, nothing is lost and
 * nothing is doubled. */
static void delivery_after_a_failed_commit(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    n = letter(r, &alice, ALICE, "A1", "kept");
    nsent = 0;
    OK(receiver_apply(r, n));
    batch_fail(&r->b, WB_ERR_NO_SPACE);
    assert_true(r->dropped);
    assert_int_equal(nsent, 0);
    assert_int_equal(r->nevents, 0);
    assert_look(r, "SELECT count(*) FROM messages", "0");
    receive(r, n);
    assert_look(r, "SELECT content FROM messages", "kept");
    assert_int_equal(r->nevents, 1);
    writer_free(&alice);
}

/* The crash between the commits: messages.db has the row, the ratchet has not moved. */
static void a_stored_row_does_not_stop_the_ratchet(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    receive(r, letter(r, &alice, ALICE, "A1", "first"));
    n = letter(r, &alice, ALICE, "A2", "second");
    poke_sql(r->f.msg, "INSERT INTO messages (id, chat_jid, sender, content, timestamp, is_from_me,"
                       " sender_jid, state) VALUES ('A2', '" ALICE "', '27820000011', 'second',"
                       " 1790000000, 0, '" ALICE "', '')");
    receive(r, n);
    has(sent[0], "<receipt");
    receive(r, letter(r, &alice, ALICE, "A3", "third"));
    receive(r, n); /* now an old counter with a known id */
    hasnt(sent[0], "retry");
    assert_look(r, "SELECT count(*) FROM messages", "3");
    writer_free(&alice);
}

static void both_identities_are_one_person(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct node *n;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    receive(r, letter(r, &alice, ALICE, "A1", "by number"));
    n = letter(r, &alice, ALICE_LID, "A2", "by LID");
    node_attr_text(&r->arena, n, "addressing_mode", "lid");
    attr_jid(r, n, "sender_pn", ALICE);
    receive(r, n);
    has(sent[0], "to=\"" ALICE_LID "\"");
    assert_look(r, "SELECT group_concat(DISTINCT chat_jid||sender) FROM messages",
                ALICE "27820000011");
    assert_look(r, "SELECT count(*)||max(state) FROM messages", "2");
    assert_look_wa(r, "SELECT group_concat(their_id) FROM whatsmeow_sessions", "222000222_1:0");
    receive(r, letter(r, &alice, ALICE, "A3", "by number again"));
    assert_look(r, "SELECT content FROM messages WHERE id = 'A3'", "by number again");
    assert_string_equal(r->events[1], ALICE " A2");
    writer_free(&alice);
}

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
    assert_look(r, "SELECT group_concat(content) FROM (SELECT content FROM messages ORDER BY id)",
                "old phone,late,new phone,new phone again");
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
    timers_run(&r->timers);
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
    receive(r, stanza(r, ALICE, "A1")); /* nothing in it */
    has(sent[0], "error=\"488\"");
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

/* ---- groups ---- */

static struct node *group_stanza(struct receiver *r, const char *who, const char *id)
{
    struct node *n = stanza(r, GROUP, id);

    attr_jid(r, n, "participant", who);
    return n;
}

static void group_messages(void **state)
{
    struct receiver *r = *state;
    struct writer bob;
    struct node *n = group_stanza(r, BOB, "G1"), *again;

    writer_init(&bob, 3);
    writer_start(&bob, r);
    OK(sender_key_create(bob.group_key, &bob.rng));
    add_sealed(r, &bob, n, key_message(r, &bob, GROUP));
    add_group_sealed(r, &bob, n, text_message(r, "hello all"));
    receive(r, n);
    assert_look(r, "SELECT chat_jid||' '||sender||' '||content FROM messages",
                GROUP " 27820000012 hello all");
    assert_int_equal(nsent, 1);
    has(sent[0], "to=\"" GROUP "\"");
    has(sent[0], "participant=\"" BOB "\"");
    has(sent[0], "type=\"inactive\"");

    again = group_stanza(r, BOB, "G2");
    add_group_sealed(r, &bob, again, text_message(r, "without the key now"));
    receive(r, again);
    receive(r, again);
    receive(r, n);
    has(sent[0], "<receipt");
    hasnt(sent[0], "retry");
    assert_look(r, "SELECT count(*)||max(state) FROM messages", "2");
    writer_free(&bob);
}

static void group_without_the_key(void **state)
{
    struct receiver *r = *state;
    struct writer bob;
    struct node *n = group_stanza(r, BOB_LID, "G1"), *resent;

    node_attr_text(&r->arena, n, "addressing_mode", "lid");
    attr_jid(r, n, "participant_pn", BOB);
    writer_init(&bob, 3);
    OK(sender_key_create(bob.group_key, &bob.rng));
    add_group_sealed(r, &bob, n, text_message(r, "what key?"));
    receive(r, n);
    assert_int_equal(nsent, 2);
    has(sent[0], "type=\"retry\"");
    has(sent[0], "participant=\"" BOB_LID "\"");
    has(sent[0], "<keys>");
    assert_look(r, "SELECT state||sender FROM messages", "waiting27820000012");

    /* The answer is pairwise and brings the key (P-RC-43). */
    writer_start(&bob, r);
    resent = group_stanza(r, BOB_LID, "G1");
    {
        struct buf both = buf_new(1 << 16);

        buf_append(&both, text_message(r, "what key?"));
        buf_append(&both, key_message(r, &bob, GROUP));
        node_attr_text(&r->arena, add_sealed(r, &bob, resent, keep(r, &both)), "count", "1");
    }
    receive(r, resent);
    assert_look(r, "SELECT count(*)||content||state FROM messages", "1what key?");
    n = group_stanza(r, BOB_LID, "G2");
    add_group_sealed(r, &bob, n, text_message(r, "this one"));
    receive(r, n);
    assert_look(r, "SELECT content FROM messages WHERE id = 'G2'", "this one");
    writer_free(&bob);
}

/* A good pairwise part is kept although the group part cannot be read (rule 1). */
static void each_part_is_judged_alone(void **state)
{
    struct receiver *r = *state;
    struct writer bob;
    struct node *n = group_stanza(r, BOB, "G1");

    writer_init(&bob, 3);
    writer_start(&bob, r);
    OK(sender_key_create(bob.group_key, &bob.rng));
    add_sealed(r, &bob, n, key_message(r, &bob, GROUP));
    add_enc(r, n, "skmsg", SPAN_LIT("\x33 broken"));
    receive(r, n);
    has(sent[0], "type=\"retry\"");
    n = group_stanza(r, BOB, "G2");
    add_group_sealed(r, &bob, n, text_message(r, "the key was kept"));
    receive(r, n);
    assert_look(r, "SELECT content FROM messages WHERE id = 'G2'", "the key was kept");
    writer_free(&bob);
}

/* ---- kinds of content ---- */

static void receive_content(struct receiver *r, struct writer *w, const char *from, const char *id,
                            struct buf *message)
{
    struct node *n = stanza(r, from, id);

    add_sealed(r, w, n, keep(r, message));
    receive(r, n);
}

static void changes(void **state)
{
    struct receiver *r = *state;
    struct content_key key = {.remote_jid = SPAN_LIT(ALICE), .id = SPAN_LIT("A1"), .from_me = true};
    struct buf b = buf_new(1 << 16);
    struct writer alice;
    struct node *reaction;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    receive(r, letter(r, &alice, ALICE, "A1", "frist"));
    OK(content_encode_edit(&key, text_message(r, "first"), fixture_time * 1000, &b));
    receive_content(r, &alice, ALICE, "A2", &b);
    assert_look(r, "SELECT content||(edited_at > 0) FROM messages", "first1");
    OK(content_encode_reaction(&key, SPAN_LIT("\xf0\x9f\x91\x8d"), fixture_time * 1000, &b));
    reaction = stanza(r, ALICE, "A3");
    add_sealed(r, &alice, reaction, keep(r, &b));
    receive(r, reaction);
    assert_look(r, "SELECT reaction FROM reactions", "\xf0\x9f\x91\x8d");
    /* A second delivery is no loss, though no row has its id. */
    receive(r, reaction);
    assert_int_equal(nsent, 1);
    has(sent[0], "<receipt");
    OK(content_encode_revoke(&key, &b));
    receive_content(r, &alice, ALICE, "A4", &b);
    assert_look(r, "SELECT content||(revoked_at > 0) FROM messages", "first1");
    assert_look(r, "SELECT count(*) FROM messages", "1");
    writer_free(&alice);
}

/* Only the author, or an admin of the group, may delete. */
static void foreign_revokes(void **state)
{
    struct receiver *r = *state;
    struct content_key key = {
        .remote_jid = SPAN_LIT(GROUP), .id = SPAN_LIT("G1"), .participant = SPAN_LIT(BOB)};
    struct store_group_member members[] = {{.pn = J(ALICE)}, {.pn = J(BOB)}};
    struct store_group g = {.jid = J(GROUP), .members = members, .nmembers = 2};
    struct writer alice, bob;
    struct node *n;
    struct buf b = buf_new(1 << 16);

    OK(store_group_put(r->f.s, &g));
    OK(store_commit(r->f.s));
    writer_init(&alice, 1);
    writer_init(&bob, 3);
    writer_start(&alice, r);
    writer_start(&bob, r);
    n = group_stanza(r, BOB, "G1");
    add_sealed(r, &bob, n, text_message(r, "mine"));
    receive(r, n);
    for (int i = 0; i < 2; i++) {
        n = group_stanza(r, ALICE, i ? "G3" : "G2");
        OK(content_encode_revoke(&key, &b));
        add_sealed(r, &alice, n, keep(r, &b));
        receive(r, n);
        assert_look(r, "SELECT count(*)||(revoked_at IS NOT NULL) FROM messages", i ? "11" : "10");
        members[0].rank = STORE_ADMIN;
        OK(store_group_put(r->f.s, &g));
        OK(store_commit(r->f.s));
    }
    writer_free(&alice);
    writer_free(&bob);
}

static void mentions_and_quotes(void **state)
{
    struct receiver *r = *state;
    const struct span mentioned[] = {SPAN_LIT("111000111@lid"), SPAN_LIT(BOB_LID),
                                     SPAN_LIT("nobody"), SPAN_LIT("4440@lid")};
    struct content_extras extras = {.mentioned = mentioned,
                                    .nmentioned = 4,
                                    .reply_id = SPAN_LIT("Q1"),
                                    .reply_from = SPAN_LIT(BOB_LID)};
    struct buf b = buf_new(1 << 16);
    struct writer alice;
    bool changed;
    struct jid lid = J(BOB_LID), pn = J(BOB), own_lid = J("111000111@lid"), own_pn = J(OWN_PHONE);

    OK(store_lid_put(r->f.s, &lid, &pn, &changed));
    OK(store_lid_put(r->f.s, &own_lid, &own_pn, &changed));
    writer_init(&alice, 1);
    writer_start(&alice, r);
    OK(content_encode_text(SPAN_LIT("@111000111 look"), &extras, &b));
    receive_content(r, &alice, ALICE, "A1", &b);
    assert_look(r, "SELECT mentions||mentions_me FROM messages",
                "[\"" OWN_PHONE "\",\"" BOB "\",\"4440@lid\"]1");
    assert_look(r, "SELECT quoted_id||quoted_sender||kind FROM messages", "Q1" BOB "text");
    writer_free(&alice);
}

/* P-SD-43: what a private chat says of disappearing messages; an older word changes nothing. */
static void disappearing_messages_are_noted(void **state)
{
    struct receiver *r = *state;
    struct content_extras on = {
        .has_expiration = true, .expiration = 604800, .ephemeral_setting_timestamp = 1790000010};
    struct content_extras older = {
        .has_expiration = true, .expiration = 86400, .ephemeral_setting_timestamp = 1790000001};
    struct buf b = buf_new(1 << 16), setting = buf_new(64);
    struct jid alice_jid = J(ALICE);
    struct writer alice;
    uint32_t seconds = 7;
    int64_t set_at = 0;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    receive(r, letter(r, &alice, ALICE, "A1", "says nothing of it"));
    assert_int_equal(store_chat_timer_get(r->f.s, &alice_jid, &seconds, &set_at), WB_ERR_NOT_FOUND);
    OK(content_encode_text(SPAN_LIT("gone in a week"), &on, &b));
    receive_content(r, &alice, ALICE, "A2", &b);
    b = buf_new(1 << 16);
    OK(content_encode_text(SPAN_LIT("late"), &older, &b));
    receive_content(r, &alice, ALICE, "A3", &b);
    OK(store_chat_timer_get(r->f.s, &alice_jid, &seconds, &set_at));
    assert_int_equal(seconds, 604800);
    assert_int_equal(set_at, 1790000010);
    /* ProtocolMessage type 3 EPHEMERAL_SETTING: switched off, a little later. */
    wire_put_uint(&setting, 2, 3);
    wire_put_uint(&setting, 4, 0);
    wire_put_uint(&setting, 5, 1790000020);
    b = buf_new(1 << 16);
    wire_put_bytes(&b, 12, buf_span(&setting));
    buf_free(&setting);
    receive_content(r, &alice, ALICE, "A4", &b);
    OK(store_chat_timer_get(r->f.s, &alice_jid, &seconds, &set_at));
    assert_int_equal(seconds, 0);
    writer_free(&alice);
}

static void media(void **state)
{
    struct receiver *r = *state;
    uint8_t key[32] = {1}, hash[32] = {2};
    struct content_media m = {.present = true,
                              .mimetype = SPAN_LIT("image/jpeg"),
                              .url = SPAN_LIT("https://mmg.example.net/x"),
                              .direct_path = SPAN_LIT("/x"),
                              .media_key = SPAN_ARRAY(key),
                              .file_sha256 = SPAN_ARRAY(hash),
                              .file_enc_sha256 = SPAN_ARRAY(hash),
                              .file_length = 77};
    struct buf b = buf_new(1 << 16);
    struct writer alice;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    OK(content_encode_media(CONTENT_IMAGE, &m, SPAN_LIT("the caption"), NULL, &b));
    receive_content(r, &alice, ALICE, "3EB0ABCD", &b);
    assert_look(r,
                "SELECT content||'|'||media_type||'|'||filename||'|'||url||'|'||file_length||'|'||"
                "length(media_key)||'|'||(raw IS NOT NULL) FROM messages",
                "the caption|image|image_20260921_141320_3EB0ABCD.jpg|https://mmg.example.net/x|77|"
                "32|1");
    m.file_name = SPAN_LIT("../../etc/passwd");
    OK(content_encode_media(CONTENT_DOCUMENT, &m, SPAN_NULL, NULL, &b));
    receive_content(r, &alice, ALICE, "3EB0ABCE", &b);
    assert_look(r, "SELECT filename FROM messages WHERE media_type = 'document'", "passwd");
    writer_free(&alice);
}

/* ---- from ourselves ---- */

static void own_other_device(void **state)
{
    struct receiver *r = *state;
    struct buf b = buf_new(1 << 16);
    struct writer phone;
    struct node *n = stanza(r, OWN_PHONE, "O1");

    attr_jid(r, n, "recipient", BOB_LID);
    attr_jid(r, n, "peer_recipient_pn", BOB);
    writer_init(&phone, 9);
    writer_start(&phone, r);
    OK(content_encode_device_sent(SPAN_LIT(BOB_LID), text_message(r, "from my phone"), &b));
    add_sealed(r, &phone, n, keep(r, &b));
    receive(r, n);
    assert_look(r, "SELECT chat_jid||' '||sender||' '||is_from_me||' '||content FROM messages",
                BOB " 27820000001 1 from my phone");
    assert_int_equal(nsent, 1);
    has(sent[0], "type=\"sender\"");
    has(sent[0], "recipient=\"" BOB_LID "\"");

    OK(content_encode_device_sent(SPAN_LIT(ALICE), text_message(r, "no recipient"), &b));
    receive_content(r, &phone, OWN_PHONE, "O2", &b);
    assert_look(r, "SELECT chat_jid FROM messages WHERE id = 'O2'", ALICE);
    writer_free(&phone);
}

static struct node *peer_stanza(struct receiver *r, struct writer *w, const char *id, struct buf *b)
{
    struct node *n = stanza(r, OWN_PHONE, id);

    node_attr_text(&r->arena, n, "category", "peer");
    node_attr_text(&r->arena, n, "type", "peer_msg");
    add_sealed(r, w, n, keep(r, b));
    return n;
}

static void news_from_the_phone(void **state)
{
    struct receiver *r = *state;
    uint8_t data[32] = {5};
    const struct app_state_key k = {.key_id = SPAN_LIT("\x01\x02\x03\x04\x05\x06"),
                                    .key_data = SPAN_ARRAY(data),
                                    .fingerprint = SPAN_LIT("\x08\x01"),
                                    .timestamp = 17};
    const struct app_state_keys keys = {&k, 1};
    const struct history_notification history = {.sync_type = 3, .direct_path = SPAN_LIT("/h")};
    struct lid_mapping pair = {.pn = 27820000012, .assigned_lid = 333000333};
    const struct lid_mappings maps = {.pairs = &pair, .n = 1, .chat_db_timestamp = 1754000000};
    struct buf b = buf_new(1 << 16);
    struct writer phone;

    writer_init(&phone, 9);
    writer_start(&phone, r);
    OK(app_state_keys_encode(&keys, &b));
    receive(r, peer_stanza(r, &phone, "P1", &b));
    assert_look_wa(r, "SELECT hex(key_id)||timestamp FROM whatsmeow_app_state_sync_keys",
                   "01020304050617");
    assert_int_equal(nsent, 2);
    has(sent[0], "type=\"peer_msg\"");
    has(sent[0], "to=\"" OWN_PHONE "\"");
    has(sent[1], "type=\"peer_msg\"");
    OK(history_notification_encode(&history, &b));
    receive(r, peer_stanza(r, &phone, "P2", &b));
    assert_int_equal(nsent, 3);
    has(sent[0], "type=\"hist_sync\"");
    OK(lid_mappings_encode(&maps, &b));
    receive(r, peer_stanza(r, &phone, "P3", &b));
    assert_look_wa(r, "SELECT lid||pn FROM whatsmeow_lid_map WHERE pn = '27820000012'",
                   "33300033327820000012");
    assert_look_wa(r, "SELECT lid_migration_ts FROM whatsmeow_device", "1754000000");
    assert_look(r, "SELECT count(*) FROM messages", "0");
    assert_look(r, "SELECT count(*) FROM chats", "0");
    writer_free(&phone);
}

/* The same bytes from somebody else have no effect. */
static void news_from_a_stranger(void **state)
{
    struct receiver *r = *state;
    uint8_t data[32] = {5};
    const struct app_state_key k = {.key_id = SPAN_LIT("\x01"), .key_data = SPAN_ARRAY(data)};
    const struct app_state_keys keys = {&k, 1};
    struct buf b = buf_new(1 << 16);
    struct writer alice;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    OK(app_state_keys_encode(&keys, &b));
    receive_content(r, &alice, ALICE, "A1", &b);
    assert_look_wa(r, "SELECT count(*) FROM whatsmeow_app_state_sync_keys", "0");
    assert_look(r, "SELECT count(*) FROM messages", "0");
    has(sent[0], "<receipt");
    writer_free(&alice);
}

static void resent_by_the_phone(void **state)
{
    struct receiver *r = *state;
    struct node *n = stanza(r, ALICE, "A1");
    struct buf b = buf_new(1 << 16), web = buf_new(1 << 16);
    struct writer phone;

    writer_init(&phone, 9);
    writer_start(&phone, r);
    receive(r, letter(r, &phone, OWN_PHONE, "P0", "note to self"));
    add_enc(r, n, "msg", SPAN_LIT("\x33no message at all"));
    receive(r, n);
    mono_now += 10000;
    fixture_time += 10;
    nsent = 0;
    timers_run(&r->timers);
    OK(batch_commit(&r->b));
    assert_int_equal(nsent, 1);
    has(sent[0], "category=\"peer\"");
    {
        const struct web_message w = {.key = {.remote_jid = SPAN_LIT(ALICE), .id = SPAN_LIT("A1")},
                                      .message = text_message(r, "here it is"),
                                      .timestamp = fixture_time - 10,
                                      .push_name = SPAN_LIT("Alice")};

        OK(web_message_encode(&w, &web));
    }
    {
        const struct peer_result result = {.web_message = buf_span(&web)};
        const struct peer_response response = {
            .type = PEER_PLACEHOLDER_RESEND, .results = &result, .n = 1};

        OK(peer_response_encode(&response, &b));
    }
    receive(r, peer_stanza(r, &phone, "P1", &b));
    buf_free(&web);
    assert_look(r, "SELECT content||state||is_from_me FROM messages WHERE id = 'A1'",
                "here it is0");
    assert_look_wa(r, "SELECT count(*) FROM bridge_retry_owed", "0");
    writer_free(&phone);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(private_messages),
        T(a_copy_is_receipted_once_more),
        T(out_of_order),
        T(delivery_after_a_failed_commit),
        T(a_stored_row_does_not_stop_the_ratchet),
        T(both_identities_are_one_person),
        T(undecryptable_then_resent),
        T(retries_end),
        T(the_count_of_a_resend_goes_on),
        T(owed_ones_are_asked_for_again),
        T(changed_identity),
        T(loss_is_asked_for_from_the_phone),
        T(requests_to_the_phone_are_not_lost),
        T(no_message_inside),
        T(odd_stanzas),
        T(bots_and_old_status_are_not_asked),
        T(group_messages),
        T(group_without_the_key),
        T(each_part_is_judged_alone),
        T(changes),
        T(foreign_revokes),
        T(mentions_and_quotes),
        T(disappearing_messages_are_noted),
        T(media),
        T(own_other_device),
        T(news_from_the_phone),
        T(news_from_a_stranger),
        T(resent_by_the_phone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
