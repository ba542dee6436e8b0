/* Times and durations that others write, with hostile values. */
#include "tests/unit/bridge/receive_people.h"

#include "bridge/core/peer_time.h"
#include "bridge/groups/group_parse.h"
#include "bridge/receive/in_message_private.h"
#include "proto/peer_wire.h"
#include "proto/web_message.h"
#include "proto/wire_field.h"
#include "store/core/state.h"
#include "store/messages/contacts.h"
#include "store/messages/messages.h"

enum { NOW = 1790000000, DAY = 86400 };

static void times(void **state)
{
    struct receiver *r = *state;
    const struct bridge *b = &r->b;
    static const uint64_t wrong[] = {0,
                                     1,
                                     1230767999,             /* before WhatsApp */
                                     NOW + 3601,             /* WhatsApp's clock says earlier */
                                     4294967295,             /* 2106 */
                                     253402300799,           /* 9999 */
                                     100000000000,           /* ms of 1973 */
                                     (NOW + 3601) * 1000ull, /* ms of later */
                                     (uint64_t)NOW * 1000 * 1000,
                                     9000000000000000000,
                                     UINT64_MAX};

    bridge_server_time(&r->b, NOW);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(peer_time_s(b, wrong[i], 7), 7);
        assert_int_equal(peer_time_stanza_s(b, wrong[i]), NOW);
    }
    assert_int_equal(peer_time_s(b, NOW - 10 * 365 * DAY, 7), NOW - 10 * 365 * DAY);
    assert_int_equal(peer_time_s(b, NOW + 3600, 7), NOW + 3600);
    assert_int_equal(peer_time_s(b, (uint64_t)NOW * 1000 + 999, 7), NOW);
    assert_int_equal(peer_time_ms(b, -1), 0);
    assert_int_equal(peer_time_ms(b, 17), 17);
    assert_int_equal(peer_time_ms(b, INT64_MAX), (NOW + 3600) * 1000ll);
    /* Before WhatsApp has told its time we have only a clock that may be wrong. */
    r->b.server_time_known = false;
    fixture_time = 5;
    assert_int_equal(peer_time_s(b, NOW, 7), NOW);
    assert_int_equal(peer_time_s(b, 253402300799, 7), 7);
    fixture_time = NOW;
    assert_int_equal(peer_time_s(b, NOW + 300 * DAY, 7), NOW + 300 * DAY);
    assert_int_equal(peer_time_s(b, NOW + 366ull * DAY, 7), 7);
}

static void durations(void **state)
{
    int64_t t = 0;

    (void)state;
    assert_int_equal(peer_expiration_s(0), 0);
    assert_int_equal(peer_expiration_s(86400), 86400);
    assert_int_equal(peer_expiration_s(7776000), 7776000);
    assert_int_equal(peer_expiration_s(7776001), 7776000);
    assert_int_equal(peer_expiration_s(4294967295), 7776000);
    assert_int_equal(peer_expiration_s(UINT64_MAX), 7776000);
    assert_int_equal(peer_expiration_s(604800000), 604800);
    assert_int_equal(peer_ban_s(7200), 7200);
    assert_int_equal(peer_ban_s(7200000000), 7200000);
    assert_int_equal(peer_ban_s(UINT64_MAX), 0);
    assert_int_equal(peer_time_server(5, &t), WB_ERR_INVALID);
    assert_int_equal(peer_time_server(NOW * 1000ull, &t), WB_ERR_INVALID);
    OK(peer_time_server(NOW, &t));
    assert_int_equal(t, NOW);
}

/* ---- where they come from ---- */

static void receive_at(struct receiver *r, struct writer *w, const char *id, const char *t,
                       struct span message)
{
    struct node *n = node_new(&r->arena, "message");
    struct jid from = J(ALICE);

    node_attr_jid(&r->arena, n, "from", &from);
    node_attr_text(&r->arena, n, "id", id);
    node_attr_text(&r->arena, n, "type", "text");
    node_attr_text(&r->arena, n, "t", t);
    add_sealed(r, w, n, message);
    receive(r, n);
}

/* None is lost, and none is the newest for ever. */
static void messages_of_impossible_times_come_now(void **state)
{
    static const char *const times_of[] = {"0",
                                           "-1",
                                           "5",
                                           "1790003601",
                                           "253402300799",
                                           "100000000000",
                                           "9000000000000000000",
                                           "18446744073709551615",
                                           "99999999999999999999",
                                           "soon"};
    struct receiver *r = *state;
    const size_t n = sizeof times_of / sizeof times_of[0];
    struct writer alice;
    int64_t newest = 0;
    char id[8];

    writer_init(&alice, 1);
    writer_start(&alice, r);
    bridge_server_time(&r->b, NOW);
    for (size_t i = 0; i < n; i++) {
        snprintf(id, sizeof id, "A%zu", i);
        receive_at(r, &alice, id, times_of[i], text_message(r, "text"));
        has(sent[0], "<receipt");
    }
    assert_look(r, "SELECT count(*)||' '||min(timestamp)||' '||max(server_time) FROM messages",
                "10 1790000000 1790000000");
    assert_look(r, "SELECT last_message_time FROM chats", "1790000000");
    OK(store_message_last_time(r->f.s, &newest));
    assert_int_equal(newest, NOW);
    receive_at(r, &alice, "MS", "1789999999123", text_message(r, "text"));
    assert_look(r, "SELECT timestamp FROM messages WHERE id = 'MS'", "1789999999");
    writer_free(&alice);
}

static void history_of_impossible_times(void **state)
{
    static const int64_t written[] = {0, -5, 4294967295, 253402300799, NOW * 1000ll - 5000, 7};
    static const char *const stored[] = {"1789990000", "1789990000", "1789990000",
                                         "1789990000", "1789999995", "1789990000"};
    struct receiver *r = *state;

    bridge_server_time(&r->b, NOW);
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
        char id[8], sql[80];
        struct buf web = buf_new(1 << 16);
        struct in_message_web w;

        snprintf(id, sizeof id, "H%zu", i);
        {
            const struct web_message message = {
                .key = {.remote_jid = SPAN_LIT(ALICE), .id = span_cstr(id)},
                .message = text_message(r, "old"),
                .timestamp = written[i]};

            OK(web_message_encode(&message, &web));
        }
        OK(in_message_read_web(&r->b, &r->arena, buf_span(&web), NOW - 10000, &w));
        OK(in_message_take_web(&r->b, &w));
        OK(batch_commit(&r->b));
        buf_free(&web);
        snprintf(sql, sizeof sql, "SELECT timestamp FROM messages WHERE id = '%s'", id);
        assert_look(r, sql, stored[i]);
    }
}

static void timer_message(struct receiver *r, struct writer *w, const char *id, uint32_t seconds,
                          int64_t set_at)
{
    const struct content_extras x = {
        .has_expiration = true, .expiration = seconds, .ephemeral_setting_timestamp = set_at};
    struct buf b = buf_new(1 << 16);

    OK(content_encode_text(SPAN_LIT("text"), &x, &b));
    receive_at(r, w, id, id[0] == 'L' ? "1790000010" : "1790000000", keep(r, &b));
}

static void assert_timer(struct receiver *r, uint32_t seconds, int64_t set_at)
{
    struct jid alice = J(ALICE);
    uint32_t got = 0;
    int64_t at = 0;

    OK(store_chat_timer_get(r->f.s, &alice, &got, &at));
    assert_int_equal(got, seconds);
    assert_int_equal(at, set_at);
}

static void a_timer_is_not_set_for_ever(void **state)
{
    struct receiver *r = *state;
    struct writer alice;

    writer_init(&alice, 1);
    writer_start(&alice, r);
    bridge_server_time(&r->b, NOW + 10);
    timer_message(r, &alice, "A1", 4294967295, 9000000000000000000);
    assert_timer(r, 90 * DAY, NOW);
    timer_message(r, &alice, "L1", 604800000, (NOW + 5) * 1000ll);
    assert_timer(r, 604800, NOW + 5);
    timer_message(r, &alice, "L2", 0, NOW + 8);
    assert_timer(r, 0, NOW + 8);
    /* What an older bridge believed does not last either. */
    OK(db_exec(&r->f.s->wa, "UPDATE bridge_chat_timers SET set_at = 9000000000000000000"));
    OK(store_commit(r->f.s));
    timer_message(r, &alice, "L3", 86400, NOW + 9);
    assert_timer(r, 86400, NOW + 9);
    writer_free(&alice);
}

static void keys_and_mappings(void **state)
{
    struct receiver *r = *state;
    uint8_t data[32] = {5};
    const struct app_state_key k = {
        .key_id = SPAN_LIT("\x01"), .key_data = SPAN_ARRAY(data), .timestamp = INT64_MAX};
    const struct app_state_keys keys = {&k, 1};
    const struct lid_mappings maps = {.chat_db_timestamp = UINT64_MAX};
    struct buf b = buf_new(1 << 16);
    struct writer phone;
    struct node *n;

    writer_init(&phone, 9);
    writer_start(&phone, r);
    bridge_server_time(&r->b, NOW);
    for (int i = 0; i < 2; i++) {
        b = i ? buf_new(1 << 16) : b;
        OK(i ? lid_mappings_encode(&maps, &b) : app_state_keys_encode(&keys, &b));
        n = stanza(r, OWN_PHONE, i ? "P2" : "P1");
        node_attr_text(&r->arena, n, "category", "peer");
        add_sealed(r, &phone, n, keep(r, &b));
        receive(r, n);
    }
    assert_look_wa(r, "SELECT timestamp FROM whatsmeow_app_state_sync_keys", "1790003600000");
    assert_look_wa(r, "SELECT lid_migration_ts FROM whatsmeow_device", "1790000000");
    writer_free(&phone);
}

static void groups(void **state)
{
    struct receiver *r = *state;
    struct node *n = node_new(&r->arena, "ephemeral");

    node_attr_text(&r->arena, n, "expiration", "4294967295");
    assert_int_equal(group_parse_ephemeral(n), 90 * DAY);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(times),
        T(durations),
        T(messages_of_impossible_times_come_now),
        T(history_of_impossible_times),
        T(a_timer_is_not_set_for_ever),
        T(keys_and_mappings),
        T(groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
