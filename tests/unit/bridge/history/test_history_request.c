/* A message is lost for good: the bridge asks for the history around it when the phone has not sent
 * the history by itself, and only once there is a message at which it can begin. */
#include "tests/unit/bridge/receive_fixture.h"

#include "bridge/history/history_request.h"
#include "proto/history_wire.h"
#include "proto/web_message.h"
#include "proto/wire_field.h"
#include "store/messages/messages.h"

#define ALICE     "27820000011@s.whatsapp.net"
#define OWN_PHONE "27820000001@s.whatsapp.net"

struct scene {
    struct receiver r;
    struct writer alice, phone;
    int64_t time_before;
};

static int setup(void **state)
{
    static struct scene s;
    static char empty[1];

    memset(&s, 0, sizeof s);
    s.time_before = fixture_time;
    receiver_init(&s.r);
    s.r.b.config = calloc(1, sizeof *s.r.b.config);
    assert_non_null(s.r.b.config);
    s.r.b.config->server_url = s.r.b.config->ca_file = empty;
    OK(history_request_new(&s.r.b, &s.r.b.history));
    writer_init(&s.phone, 9);
    writer_start(&s.phone, &s.r);
    writer_init(&s.alice, 1);
    writer_start(&s.alice, &s.r);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    history_request_free(s->r.b.history);
    free(s->r.b.config);
    writer_free(&s->alice);
    writer_free(&s->phone);
    receiver_free(&s->r);
    fixture_time = s->time_before;
    return 0;
}

static void from_alice(struct scene *s, const char *id, const char *text, struct node **ret_n)
{
    struct node *n = stanza(&s->r, ALICE, id);

    add_sealed(&s->r, &s->alice, n, text_message(&s->r, text));
    receive(&s->r, n);
    if (ret_n)
        *ret_n = n;
}

/* A session with the phone, and Alice's message A1 received, forgotten, and delivered again. */
static void lose_one(struct scene *s)
{
    struct node *n = stanza(&s->r, OWN_PHONE, "P1");

    add_sealed(&s->r, &s->phone, n, text_message(&s->r, "note to self"));
    receive(&s->r, n);
    from_alice(s, "A1", "gone", &n);
    poke_sql(s->r.f.msg, "DELETE FROM messages WHERE id = 'A1'");
    receive(&s->r, n);
    assert_look(&s->r, "SELECT state FROM messages WHERE id = 'A1'", "waiting");
    assert_look_wa(&s->r, "SELECT chat_jid || reason || closed FROM bridge_history_gaps",
                   ALICE "old_counter0");
}

static void pass(struct scene *s, int64_t seconds)
{
    fixture_time += seconds;
    mono_now += seconds * 1000;
    nsent = 0;
    timers_run(&s->r.loop.timers);
}

/* The id of the question that was just sent. */
static void question(char id[64])
{
    assert_int_equal(nsent, 1);
    const char *at = strstr(sent[0], " id=\"");
    assert_non_null(strstr(sent[0], "category=\"peer\""));
    assert_non_null(at);
    snprintf(id, 64, "%.*s", (int)strcspn(at + 5, "\""), at + 5);
}

static void history_is_asked_for_after_a_while(void **state)
{
    struct scene *s = *state;
    char id[64];

    lose_one(s);
    pass(s, 2);
    assert_int_equal(nsent, 0);
    pass(s, 1);
    from_alice(s, "A2", "the next one", NULL);
    pass(s, 2);
    assert_int_equal(nsent, 0); /* the phone may still send it by itself */
    pass(s, 61);
    question(id);
    assert_look_wa(&s->r, "SELECT anchor_id FROM bridge_history_gaps", "A2");
    assert_string_equal(look_wa(&s->r, "SELECT request_id FROM bridge_history_gaps"), id);
    pass(s, 120);
    assert_int_equal(nsent, 0); /* once */
}

static void what_came_by_itself_is_not_asked_for(void **state)
{
    struct scene *s = *state;

    lose_one(s);
    pass(s, 2);
    from_alice(s, "A2", "the next one", NULL);
    poke_sql(s->r.f.msg, "UPDATE messages SET state = '', content = 'gone' WHERE id = 'A1'");
    pass(s, 2);
    pass(s, 61);
    assert_int_equal(nsent, 0);
    assert_look_wa(&s->r, "SELECT closed FROM bridge_history_gaps", "1");
}

/* ---- answers ---- */

static void put_web(struct buf *out, const char *chat, const char *id, int64_t t, const char *text)
{
    struct buf message = buf_new(4096), web = buf_new(8192);

    OK(content_encode_text(span_cstr(text), NULL, &message));
    const struct web_message w = {.key = {.remote_jid = span_cstr(chat), .id = span_cstr(id)},
                                  .message = buf_span(&message),
                                  .timestamp = t};
    OK(web_message_encode(&w, &web));
    size_t mark = wire_open(out, 2);
    wire_put_bytes(out, 1, buf_span(&web));
    wire_close(out, mark);
    buf_free(&message);
    buf_free(&web);
}

/* As zlib without compression (RFC 1950, RFC 1951 3.2.4). */
static void stored_zlib(struct span in, struct buf *out)
{
    uint32_t a = 1, b = 0;

    assert_true(in.n < 65536);
    for (size_t i = 0; i < in.n; i++) {
        a = (a + in.p[i]) % 65521;
        b = (b + a) % 65521;
    }
    buf_u16be(out, 0x7801);
    buf_u8(out, 1);
    buf_u8(out, (uint8_t)in.n);
    buf_u8(out, (uint8_t)(in.n >> 8));
    buf_u8(out, (uint8_t)~in.n);
    buf_u8(out, (uint8_t)(~in.n >> 8));
    buf_append(out, in);
    buf_u32be(out, b << 16 | a);
}

static enum wb_err answer(struct scene *s, const char *request_id, const char *chat,
                          const struct buf *messages)
{
    struct buf sync = buf_new(65536), packed = buf_new(65536);

    wire_put_uint(&sync, 1, HISTORY_ON_DEMAND);
    size_t mark = wire_open(&sync, 2);
    wire_put_bytes(&sync, 1, span_cstr(chat));
    buf_append(&sync, buf_span(messages));
    wire_close(&sync, mark);
    stored_zlib(buf_span(&sync), &packed);
    const struct history_notification n = {.sync_type = HISTORY_ON_DEMAND,
                                           .request_id = span_cstr(request_id),
                                           .inline_payload = buf_span(&packed)};
    nsent = 0;
    enum wb_err err = history_request_answer(&s->r.b, &n);
    if (err == WB_OK)
        OK(batch_commit(&s->r.b));
    else
        store_rollback(s->r.f.s);
    buf_free(&sync);
    buf_free(&packed);
    return err;
}

static void an_answer_fills_the_placeholder_and_changes_nothing_else(void **state)
{
    struct scene *s = *state;
    struct buf page = buf_new(65536);
    int64_t lost_at = fixture_time;
    char id[64];

    lose_one(s);
    pass(s, 3);
    from_alice(s, "A2", "the next one", NULL);
    pass(s, 2);
    pass(s, 61);
    question(id);
    put_web(&page, ALICE, "A2", lost_at + 3, "another text than ours");
    put_web(&page, ALICE, "A1", lost_at, "gone");
    put_web(&page, ALICE, "", lost_at, "no id");
    put_web(&page, "27820000099@s.whatsapp.net", "B1", lost_at, "of another chat");
    put_web(&page, ALICE, "A0", lost_at - 5, "before");
    OK(answer(s, id, ALICE, &page));
    assert_look(&s->r, "SELECT state || content FROM messages WHERE id = 'A1'", "gone");
    assert_look(&s->r, "SELECT content FROM messages WHERE id = 'A2'", "the next one");
    assert_look(&s->r, "SELECT content FROM messages WHERE id = 'A0'", "before");
    assert_look_wa(&s->r, "SELECT closed || filled FROM bridge_history_gaps", "12");
    assert_look(&s->r, "SELECT count(*) FROM messages WHERE id = 'B1'", "0"); /* not asked for */
    assert_int_equal(s->r.b.trust.unasked_answers, 1);
    assert_int_equal(nsent, 0);      /* it went back far enough */
    OK(answer(s, id, ALICE, &page)); /* once more: nobody asked */
    assert_look(&s->r, "SELECT count(*) FROM messages WHERE chat_jid = '" ALICE "'", "3");
    buf_free(&page);
}

static void answers_that_are_not_what_was_asked_for(void **state)
{
    struct scene *s = *state;
    struct buf page = buf_new(65536);
    char id[64];

    lose_one(s);
    pass(s, 3);
    from_alice(s, "A2", "the next one", NULL);
    pass(s, 2);
    pass(s, 61);
    question(id);
    put_web(&page, ALICE, "A1", fixture_time, "gone");
    OK(answer(s, "3EB0OTHER", ALICE, &page));
    assert_look(&s->r, "SELECT state FROM messages WHERE id = 'A1'", "waiting");
    struct history_notification n = {.sync_type = HISTORY_ON_DEMAND,
                                     .request_id = span_cstr(id),
                                     .inline_payload = SPAN_LIT("no zlib")};
    assert_int_equal(wb_err_class(history_request_answer(&s->r.b, &n)), WB_CLASS_PEER);
    n.inline_payload = SPAN_NULL; /* and no file either */
    assert_int_equal(history_request_answer(&s->r.b, &n), WB_ERR_MALFORMED);
    store_rollback(s->r.f.s);
    /* Another chat than the one asked about: nothing of it is taken, and that was all there is. */
    OK(answer(s, id, "27820000099@s.whatsapp.net", &page));
    assert_look(&s->r, "SELECT state FROM messages WHERE id = 'A1'", "waiting");
    assert_look_wa(&s->r, "SELECT closed || filled FROM bridge_history_gaps", "10");
    buf_free(&page);
}

static void a_file_that_has_to_wait_is_asked_for_again(void **state)
{
    struct scene *s = *state;
    const uint8_t key[32] = {1};
    char id[64];

    lose_one(s);
    pass(s, 3);
    from_alice(s, "A2", "the next one", NULL);
    pass(s, 2);
    pass(s, 61);
    question(id);
    s->r.b.iq.closed = true; /* nobody can be asked for the hosts */
    const struct history_notification n = {.sync_type = HISTORY_ON_DEMAND,
                                           .request_id = span_cstr(id),
                                           .direct_path = SPAN_LIT("/a/file"),
                                           .media_key = SPAN_ARRAY(key),
                                           .file_sha256 = SPAN_ARRAY(key),
                                           .file_enc_sha256 = SPAN_ARRAY(key)};
    OK(history_request_answer(&s->r.b, &n));
    OK(batch_commit(&s->r.b));
    assert_look_wa(&s->r, "SELECT request_id || closed FROM bridge_history_gaps", "0");
}

/* Some messages no phone answers for; what is before them it has all the same. */
static void a_silent_phone_is_asked_by_another_message(void **state)
{
    struct scene *s = *state;
    char id[64], again[64];

    lose_one(s);
    pass(s, 3);
    from_alice(s, "A2", "the next one", NULL);
    pass(s, 2);
    pass(s, 61);
    question(id);
    pass(s, 60);
    from_alice(s, "A3", "and one more", NULL);
    pass(s, 3600);
    assert_int_equal(nsent, 0);
    /* By itself, with no new login in between. */
    pass(s, 12 * 3600);
    question(again);
    assert_string_not_equal(id, again);
    assert_look_wa(&s->r, "SELECT anchor_id || pages FROM bridge_history_gaps", "A32");
    pass(s, 12 * 3600 + 1); /* there is no newer one */
    question(id);
    assert_look_wa(&s->r, "SELECT anchor_id || pages FROM bridge_history_gaps", "A33");
}

enum { CHATS = 13, WITH_OWN = CHATS + 1, AT_A_TIME = 10 };

static void chat_of(size_t i, char out[JID_TEXT_MAX])
{
    snprintf(out, JID_TEXT_MAX, "2782000%04zu@s.whatsapp.net", 1000 + i);
}

static void a_phone_is_not_flooded(void **state)
{
    struct scene *s = *state;
    struct buf none = buf_new(1024);
    char text[JID_TEXT_MAX], id[64];
    struct node *n = stanza(&s->r, OWN_PHONE, "P1");

    add_sealed(&s->r, &s->phone, n, text_message(&s->r, "note to self"));
    receive(&s->r, n);
    OK(store_history_gap_all(s->r.f.s, fixture_time - 1000, fixture_time - 500));
    for (size_t i = 0; i < CHATS; i++) {
        enum store_message_outcome outcome;

        chat_of(i, text);
        struct jid chat = J(text);
        const struct store_message m = {.id = SPAN_LIT("M"),
                                        .chat = chat,
                                        .sender = chat,
                                        .timestamp = fixture_time,
                                        .received_at = fixture_time,
                                        .kind = "text",
                                        .content = SPAN_LIT("after the gap")};
        OK(store_message_put(s->r.f.s, &m, &outcome));
        events_emit(&s->r.b.events,
                    &(struct bridge_event){.kind = BRIDGE_EV_MESSAGE, .chat = &chat, .id = "M"});
    }
    OK(store_commit(s->r.f.s));
    pass(s, 2);
    assert_int_equal(nsent, AT_A_TIME);
    pass(s, 60);
    assert_int_equal(nsent, 0);
    /* An answer makes room for the next one. */
    snprintf(id, sizeof id, "%s",
             look_wa(&s->r, "SELECT request_id FROM bridge_history_gaps WHERE request_id <> ''"));
    chat_of(0, text);
    OK(answer(s, id, text, &none));
    pass(s, 2);
    assert_int_equal(nsent, 1);
    pass(s, 60);
    assert_int_equal(nsent, 0);
    /* And so does time. */
    pass(s, 600);
    assert_int_equal(nsent, WITH_OWN - AT_A_TIME - 1);
    assert_look_wa(&s->r, "SELECT count(*) FROM bridge_history_gaps", "14");
    buf_free(&none);
}

#define SCENARIO(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(history_is_asked_for_after_a_while),
        SCENARIO(what_came_by_itself_is_not_asked_for),
        SCENARIO(an_answer_fills_the_placeholder_and_changes_nothing_else),
        SCENARIO(answers_that_are_not_what_was_asked_for),
        SCENARIO(a_file_that_has_to_wait_is_asked_for_again),
        SCENARIO(a_silent_phone_is_asked_by_another_message),
        SCENARIO(a_phone_is_not_flooded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
