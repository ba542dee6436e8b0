/* Receiving each kind of content, and messages of our own phone and devices. */
#include "bridge/history/limits.h"
#include "tests/unit/bridge/receive_people.h"

#include "proto/peer_wire.h"
#include "proto/web_message.h"
#include "proto/wire_field.h"
#include "store/messages/contacts.h"
#include "store/messages/history_files.h"
#include "store/messages/phone_requests.h"
#include "store/session/groups.h"
#include "store/session/lid_map.h"

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
    struct store_group g = {
        .jid = J(GROUP), .members = members, .nmembers = 2, .updated_at = fixture_time};
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
        assert_look(r, "SELECT count(*)||max(revoked_at IS NOT NULL) FROM messages",
                    i ? "21" : "20");
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
    struct content_extras ahead = {
        .has_expiration = true, .expiration = 604800, .ephemeral_setting_timestamp = 1790000090};
    struct buf b = buf_new(1 << 16), setting = buf_new(64);
    struct jid alice_jid = J(ALICE);
    struct writer alice;
    uint32_t seconds = 7;
    int64_t set_at = 0;

    fixture_time = 1790000030;
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
    /* Set in the future, says a clock that is wrong: what is set after it counts all the same. */
    b = buf_new(1 << 16);
    OK(content_encode_text(SPAN_LIT("from tomorrow"), &ahead, &b));
    receive_content(r, &alice, ALICE, "A5", &b);
    OK(store_chat_timer_get(r->f.s, &alice_jid, &seconds, &set_at));
    assert_int_equal(seconds, 604800);
    assert_in_range(set_at, 0, fixture_time);
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

/* The phone does not repeat what it has heard hist_sync for. */
static void history_that_is_not_noted_is_not_acknowledged(void **state)
{
    struct receiver *r = *state;
    const struct history_notification history = {.sync_type = 3, .direct_path = SPAN_LIT("/h")};
    struct buf b = buf_new(1 << 16);
    struct writer phone;
    char id[16];

    writer_init(&phone, 9);
    writer_start(&phone, r);
    for (int i = 0; i < HISTORY_OFFERED_MAX; i++) {
        snprintf(id, sizeof id, "H%d", i);
        OK(store_history_file_put(r->b.store, span_cstr(id), SPAN_LIT("x"), 1));
    }
    OK(store_commit(r->b.store));
    OK(history_notification_encode(&history, &b));
    receive(r, peer_stanza(r, &phone, "P1", &b));
    for (size_t i = 0; i < nsent; i++)
        assert_null(strstr(sent[i], "hist_sync"));
    assert_look_wa(r, "SELECT count(*) FROM bridge_history_files", "256");
    OK(store_history_file_done(r->b.store, 1));
    OK(store_commit(r->b.store));
    OK(history_notification_encode(&history, &b));
    receive(r, peer_stanza(r, &phone, "P2", &b));
    has(sent[0], "type=\"hist_sync\"");
    assert_look_wa(r, "SELECT count(*) FROM bridge_history_files WHERE message_id = 'P2'", "1");
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

/* Of the request that was just sent. */
static void request_id(char id[static 64])
{
    const char *at = strstr(sent[0], " id=\"");

    assert_non_null(at);
    snprintf(id, 64, "%.*s", (int)strcspn(at + 5, "\""), at + 5);
}

/* The request is open once more: each answer ends it. */
static const char *id_again(struct receiver *r, const char *id)
{
    struct store_phone_request asked = {.chat = J(ALICE), .sender = J(ALICE), .id = "A1"};

    OK(store_phone_request_put(r->f.s, span_cstr(id), &asked, fixture_time));
    return id;
}

/* The phone answers this request with one message. */
static void hand_on(struct receiver *r, struct writer *phone, const char *request, const char *chat,
                    const char *id, const char *text)
{
    struct buf b = buf_new(1 << 16), web = buf_new(1 << 16);
    const struct web_message w = {.key = {.remote_jid = span_cstr(chat), .id = span_cstr(id)},
                                  .message = text_message(r, text),
                                  .timestamp = fixture_time - 10,
                                  .push_name = SPAN_LIT("Alice")};

    OK(web_message_encode(&w, &web));
    {
        const struct peer_result result = {.web_message = buf_span(&web)};
        const struct peer_response response = {.type = PEER_PLACEHOLDER_RESEND,
                                               .stanza_id = span_cstr(request),
                                               .results = &result,
                                               .n = 1};

        OK(peer_response_encode(&response, &b));
    }
    receive(r, peer_stanza(r, phone, "P1", &b));
    buf_free(&web);
}

/* Alice's A1 cannot be read, and the phone is asked for it. */
static void ask_the_phone(struct receiver *r, struct writer *phone, char id[static 64])
{
    struct node *n = stanza(r, ALICE, "A1");

    writer_init(phone, PHONE_NUMBER);
    writer_start(phone, r);
    receive(r, letter(r, phone, OWN_PHONE, "P0", "note to self"));
    add_enc(r, n, "msg", SPAN_LIT("\x33no message at all"));
    receive(r, n);
    mono_now += 10000;
    fixture_time += 10;
    nsent = 0;
    timers_run(&r->loop.timers);
    OK(batch_commit(&r->b));
    assert_int_equal(nsent, 1);
    has(sent[0], "category=\"peer\"");
    request_id(id);
}

static void resent_by_the_phone(void **state)
{
    struct receiver *r = *state;
    struct writer phone;
    char id[64];

    ask_the_phone(r, &phone, id);
    /* Without a request, for another request, of another chat, under another id: not taken. */
    hand_on(r, &phone, "", ALICE, "A1", "nobody asked");
    hand_on(r, &phone, "3EB0FFFF", ALICE, "A1", "nobody asked");
    hand_on(r, &phone, id, BOB, "A1", "nobody asked");
    hand_on(r, &phone, id_again(r, id), ALICE, "A9", "nobody asked");
    assert_look(r, "SELECT count(*) FROM messages WHERE content = 'nobody asked'", "0");
    assert_int_equal(r->b.trust.unasked_answers, 4);
    hand_on(r, &phone, id_again(r, id), ALICE, "A1", "here it is");
    assert_look(r, "SELECT content||state||is_from_me FROM messages WHERE id = 'A1'",
                "here it is0");
    assert_look_wa(r, "SELECT count(*) FROM bridge_retry_owed", "0");
    assert_look_wa(r, "SELECT count(*) FROM bridge_phone_requests", "0");
    writer_free(&phone);
}

/* Of two LIDs only one is hers; by that one it is the same message. */
static void resent_under_another_persons_lid(void **state)
{
    struct receiver *r = *state;
    struct jid alice = J(ALICE), lid = J(BOB_LID);
    struct writer phone;
    char id[64];

    ask_the_phone(r, &phone, id);
    OK(store_lid_put(r->f.s, &(struct jid){.server = JID_LID, .user = "222000222"}, &alice, NULL));
    hand_on(r, &phone, id, BOB_LID, "A1", "of somebody else"); /* her LID is another one */
    assert_int_equal(r->b.trust.unasked_answers, 1);
    OK(store_lid_put(r->f.s, &lid, &(struct jid){.server = JID_PN, .user = "27820000012"}, NULL));
    hand_on(r, &phone, id_again(r, id), ALICE_LID, "A1", "here it is");
    assert_look(r, "SELECT content||chat_jid FROM messages WHERE id = 'A1'", "here it is" ALICE);
    writer_free(&phone);
}

/* Whose LID it is nobody has told: it may be hers, so nothing is lost. */
static void resent_under_an_unknown_lid(void **state)
{
    struct receiver *r = *state;
    struct writer phone;
    char id[64];

    ask_the_phone(r, &phone, id);
    hand_on(r, &phone, id, ALICE_LID, "A1", "here it is");
    assert_look(r, "SELECT count(*) FROM messages WHERE content = 'here it is'", "1");
    assert_int_equal(r->b.trust.unasked_answers, 0);
    writer_free(&phone);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* The Go bridge's rows have no words there, or there is no such row (P-MC-15): who looks for words
 * or numbers in `content` must not find file names. */
static void content_is_what_somebody_wrote(void **state)
{
    struct receiver *r = *state;
    struct writer alice;
    struct content_media m = {.present = true,
                              .mimetype = SPAN_LIT("application/pdf"),
                              .file_name = SPAN_LIT("DR1000002 plan.pdf"),
                              .url = SPAN_LIT("https://example.invalid/x")};
    struct content_key key = {.remote_jid = SPAN_LIT(ALICE), .id = SPAN_LIT("C1"), .from_me = true};
    struct buf b = buf_new(1 << 16);

    writer_init(&alice, 1);
    writer_start(&alice, r);
    OK(content_encode_media(CONTENT_DOCUMENT, &m, SPAN_NULL, NULL, &b));
    receive_content(r, &alice, ALICE, "C1", &b);
    assert_look(r, "SELECT content||'|'||summary||'|'||media_type FROM messages WHERE id = 'C1'",
                "|[document] DR1000002 plan.pdf|document");
    OK(content_encode_media(CONTENT_DOCUMENT, &m, SPAN_LIT("DR1000003"), NULL, &b));
    receive_content(r, &alice, ALICE, "C2", &b);
    assert_look(r, "SELECT content||'|'||coalesce(summary, '-') FROM messages WHERE id = 'C2'",
                "DR1000003|-");
    OK(content_encode_edit(&key, text_message(r, "DR1000004"), fixture_time * 1000, &b));
    receive_content(r, &alice, ALICE, "C3", &b);
    assert_look(r, "SELECT content||'|'||coalesce(summary, '-') FROM messages WHERE id = 'C1'",
                "DR1000004|-");
    writer_free(&alice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(changes),
        T(foreign_revokes),
        T(mentions_and_quotes),
        T(disappearing_messages_are_noted),
        T(media),
        T(content_is_what_somebody_wrote),
        T(own_other_device),
        T(news_from_the_phone),
        T(history_that_is_not_noted_is_not_acknowledged),
        T(news_from_a_stranger),
        T(resent_by_the_phone),
        T(resent_under_another_persons_lid),
        T(resent_under_an_unknown_lid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
