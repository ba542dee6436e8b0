/* Receipts for our own messages: how they change the outbox row, and the ack. */
#include "tests/unit/bridge/receive_fixture.h"

#include "bridge/send/in_receipt.h"
#include "store/core/state.h"
#include "store/outbox/outbox.h"
#include "store/outbox/sealed.h"
#include "store/session/groups.h"
#include "store/session/lid_map.h"

#define ALICE "27820000011@s.whatsapp.net"
#define GROUP "120363000000000001@g.us"
#define BOB   "222000012"

static enum wb_err retry_answer;
static int retries;

/* In place of the part that sends again. */
static enum wb_err note_retry(struct bridge *b, const struct stanza *s)
{
    retries++;
    return retry_answer == WB_OK ? outgoing_ack(b, s, 0) : retry_answer;
}

static char delivered[256]; /* "id@time " each */

/* In place of the part that sends: it takes a receipt for the ack that is missing. */
static enum wb_err note_delivered(struct bridge *b, struct span id, int64_t t)
{
    size_t n = strlen(delivered);

    (void)b;
    snprintf(delivered + n, sizeof delivered - n, "%.*s@%lld ", (int)id.n, (const char *)id.p,
             (long long)t);
    return WB_OK;
}

static enum wb_err apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    static const struct in_receipt_port port = {note_retry, note_delivered};

    (void)parsed;
    return in_receipt_apply(b, s, &port);
}

static const struct stanza_handler handler = {"receipt", STANZA_ACK_HANDLER, NULL, apply};

static int setup(void **state)
{
    struct receiver *r = malloc(sizeof *r);

    receiver_init(r);
    delivered[0] = '\0';
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    receiver_free(*state);
    free(*state);
    return 0;
}

/* people: the first of those whom the fixture knows in that chat. */
static void message_sent_to(struct receiver *r, const char *id, const char *chat, uint32_t people)
{
    const bool group = strcmp(chat, GROUP) == 0;
    const struct jid devices[] = {group ? J(BOB "@lid") : J(ALICE),
                                  group ? J("222000013@lid") : J("27820000001@s.whatsapp.net")};
    struct store_outbox_row row = {.chat = J(chat), .created_at = fixture_time};

    snprintf(row.message_id, sizeof row.message_id, "%s", id);
    OK(store_outbox_add(r->f.s, &row, NULL));
    OK(store_outbox_seal(r->f.s, id, SPAN_LIT("sealed"), people, fixture_time));
    OK(store_sealed_put(r->f.s, span_cstr(id), devices, group ? people : 2, fixture_time));
    OK(store_outbox_acked(r->f.s, id, fixture_time, fixture_time));
    OK(store_commit(r->f.s));
}

static void message_sent(struct receiver *r, const char *id)
{
    message_sent_to(r, id, ALICE, 1);
}

static void assert_state(struct receiver *r, const char *id, enum store_outbox_state state)
{
    struct store_outbox_row row;

    OK(store_outbox_by_id(r->f.s, id, &r->arena, &row));
    assert_int_equal(row.state, state);
}

static struct node *receipt(struct receiver *r, const char *from, const char *id, const char *type)
{
    struct node *n = node_new(&r->arena, "receipt");

    attr_jid(r, n, "from", from);
    node_attr_text(&r->arena, n, "id", id);
    node_attr_text(&r->arena, n, "type", type);
    return n;
}

static void take(struct receiver *r, const struct node *n)
{
    nsent = 0;
    OK(receiver_apply_as(r, &handler, n));
    OK(batch_commit(&r->b));
    assert_int_equal(nsent, 1);
    assert_non_null(strstr(sent[0], "<ack"));
    assert_non_null(strstr(sent[0], "class=\"receipt\""));
}

static void delivered_then_read(void **state)
{
    struct receiver *r = *state;

    message_sent(r, "M1");
    take(r, receipt(r, ALICE, "M1", "inactive"));
    assert_non_null(strstr(sent[0], "type=\"inactive\""));
    assert_state(r, "M1", OUTBOX_DELIVERED);
    take(r, receipt(r, ALICE, "M1", "read"));
    assert_state(r, "M1", OUTBOX_READ);
    take(r, receipt(r, ALICE, "M1", NULL));
    assert_null(strstr(sent[0], "type="));
    assert_state(r, "M1", OUTBOX_READ);
    take(r, receipt(r, ALICE, "UNKNOWN", NULL));
}

static void our_own_devices_do_not_count(void **state)
{
    struct receiver *r = *state;

    message_sent(r, "M1");
    take(r, receipt(r, "27820000001:3@s.whatsapp.net", "M1", NULL));
    take(r, receipt(r, "111000111@lid", "M1", "read"));
    take(r, receipt(r, ALICE, "M1", "server-error"));
    assert_state(r, "M1", OUTBOX_SENT);
    assert_string_equal(delivered, "");
    assert_int_equal(r->b.refused.receipts, 0); /* nor are they strangers */
}

static void a_receipt_counts_as_the_ack(void **state)
{
    struct receiver *r = *state;
    struct node *n = receipt(r, ALICE, "M1", "read"), *list;

    message_sent(r, "M1");
    message_sent(r, "M2");
    message_sent(r, "M3");
    node_attr_text(&r->arena, n, "t", "1700000001");
    list = node_child_new(&r->arena, n, "list");
    node_attr_text(&r->arena, node_child_new(&r->arena, list, "item"), "id", "M2");
    take(r, n);
    take(r, receipt(r, ALICE, "M3", NULL));
    assert_string_equal(delivered, "M1@1700000001 M2@1700000001 M3@0 ");
}

static struct node *incapable(struct receiver *r, const char *type, const char *reason,
                              const char *what)
{
    struct node *n = receipt(r, ALICE, "M1", type);
    struct node *error = node_child_new(&r->arena, n, "error");

    node_attr_text(&r->arena, error, "reason", reason);
    node_attr_text(&r->arena, error, "type", what);
    return n;
}

/* The server has it, which is what an ack says, and the person has not. */
static void what_cannot_be_taken_is_not_delivered(void **state)
{
    struct receiver *r = *state;

    message_sent(r, "M1");
    take(r, incapable(r, NULL, "lid", "feature-incapable"));
    take(r, incapable(r, "inactive", "lid", "feature-incapable"));
    assert_state(r, "M1", OUTBOX_SENT);
    assert_string_equal(delivered, "M1@0 M1@0 ");
    take(r, incapable(r, NULL, "lid", "other"));
    assert_state(r, "M1", OUTBOX_DELIVERED);
    take(r, incapable(r, "read", "lid", "feature-incapable"));
    assert_state(r, "M1", OUTBOX_READ);
}

static void many_at_once(void **state)
{
    struct receiver *r = *state;
    struct node *n = receipt(r, ALICE, "M1", "read"), *list, *parts;

    message_sent(r, "M1");
    message_sent(r, "M2");
    message_sent_to(r, "M3", GROUP, 1);
    list = node_child_new(&r->arena, n, "list");
    node_attr_text(&r->arena, node_child_new(&r->arena, list, "item"), "id", "M2");
    take(r, n);
    assert_state(r, "M1", OUTBOX_READ);
    assert_state(r, "M2", OUTBOX_READ);
    n = receipt(r, GROUP, "M3", NULL);
    parts = node_child_new(&r->arena, n, "participants");
    node_attr_text(&r->arena, parts, "key", "M3");
    take(r, n);
    assert_state(r, "M3", OUTBOX_SENT); /* of nobody */
    attr_jid(r, node_child_new(&r->arena, parts, "user"), "jid", BOB ":4@lid");
    take(r, n);
    assert_state(r, "M3", OUTBOX_DELIVERED);
}

static void counts(struct receiver *r, const char *id, uint32_t with, uint32_t seen)
{
    struct store_outbox_row row;

    OK(store_outbox_by_id(r->f.s, id, &r->arena, &row));
    assert_int_equal(row.delivered, with);
    assert_int_equal(row.read, seen);
}

static struct node *of_member(struct receiver *r, const char *who, const char *type)
{
    struct node *n = receipt(r, GROUP, "G1", type);

    attr_jid(r, n, "participant", who);
    return n;
}

/* Everybody counts once, with any device and in either form; ourselves never. */
static void a_group_is_done_when_all_are(void **state)
{
    struct receiver *r = *state;
    struct jid lid = J(BOB "@lid"), pn = J("27820000012@s.whatsapp.net");

    message_sent_to(r, "G1", GROUP, 2);
    OK(store_lid_put(r->f.s, &lid, &pn, NULL));
    take(r, of_member(r, BOB ":4@lid", NULL));
    take(r, of_member(r, BOB "@lid", "inactive"));
    take(r, of_member(r, "27820000012:9@s.whatsapp.net", NULL));
    take(r, of_member(r, "111000111:3@lid", NULL));
    counts(r, "G1", 1, 0);
    assert_state(r, "G1", OUTBOX_SENT);
    take(r, of_member(r, "222000013@lid", "read"));
    counts(r, "G1", 2, 1);
    assert_state(r, "G1", OUTBOX_DELIVERED);
    take(r, of_member(r, "222000013@lid", NULL));
    counts(r, "G1", 2, 1);
    take(r, of_member(r, "27820000012@s.whatsapp.net", "played"));
    counts(r, "G1", 2, 2);
    assert_state(r, "G1", OUTBOX_READ);
}

/* Who knows an id can write a receipt, but not out of somebody else's chat. */
static void receipts_of_others_say_nothing(void **state)
{
    struct receiver *r = *state;
    struct node *n;

    message_sent(r, "M1");
    take(r, receipt(r, BOB "@lid", "M1", NULL));
    n = receipt(r, GROUP, "M1", "read");
    attr_jid(r, n, "participant", ALICE);
    take(r, n);
    assert_state(r, "M1", OUTBOX_SENT);
    assert_string_equal(delivered, "");
    message_sent_to(r, "G1", GROUP, 1);
    take(r, receipt(r, ALICE, "G1", NULL));
    assert_state(r, "G1", OUTBOX_SENT);
}

/* In the name of the group, too: neither do they count, nor are they the server's ack. */
static void only_who_was_sent_it_confirms(void **state)
{
    struct receiver *r = *state;
    struct store_group_member members[] = {{.lid = J("222000014@lid")}};
    struct store_group g = {.jid = J(GROUP), .members = members, .nmembers = 1};
    struct jid lid = J("222000013@lid"), pn = J("27820000013@s.whatsapp.net");

    message_sent_to(r, "G1", GROUP, 2);
    take(r, of_member(r, "999000001@lid", "read"));
    take(r, of_member(r, "999000002:5@lid", NULL));
    OK(store_group_put(r->f.s, &g)); /* has joined since */
    take(r, of_member(r, "222000014@lid", "read"));
    assert_string_equal(delivered, "");
    counts(r, "G1", 0, 0);
    assert_state(r, "G1", OUTBOX_SENT);
    assert_int_equal(r->b.refused.receipts, 3);
    /* A person counts once, also when their other address becomes known in between. */
    take(r, of_member(r, "222000013@lid", NULL));
    OK(store_lid_put(r->f.s, &lid, &pn, NULL));
    take(r, of_member(r, "27820000013:2@s.whatsapp.net", "read"));
    counts(r, "G1", 1, 1);
    take(r, of_member(r, BOB ":4@lid", NULL)); /* whatever device */
    counts(r, "G1", 2, 1);
    assert_state(r, "G1", OUTBOX_DELIVERED);
}

/* It was sealed by an older bridge: whoever is in the chat may have been sent it. */
static void without_a_note_the_chat_decides(void **state)
{
    struct receiver *r = *state;
    struct store_group_member members[] = {{.lid = J(BOB "@lid")}};
    struct store_group g = {.jid = J(GROUP), .members = members, .nmembers = 1};

    message_sent_to(r, "G1", GROUP, 1);
    message_sent(r, "M1");
    OK(db_exec(&r->f.s->wa, "DELETE FROM bridge_sealed"));
    OK(store_group_put(r->f.s, &g));
    OK(store_commit(r->f.s));
    take(r, of_member(r, "999000001@lid", "read"));
    assert_state(r, "G1", OUTBOX_SENT);
    take(r, of_member(r, BOB "@lid", NULL));
    assert_state(r, "G1", OUTBOX_DELIVERED);
    take(r, receipt(r, ALICE, "M1", "read"));
    assert_state(r, "M1", OUTBOX_READ);
}

static void odd_ones_are_answered(void **state)
{
    struct receiver *r = *state;

    take(r, receipt(r, ALICE, "not an id", NULL));
    assert_non_null(strstr(sent[0], "error=\"487\""));
}

static void retries_are_passed_on(void **state)
{
    struct receiver *r = *state;

    message_sent(r, "M1");
    retries = 0;
    retry_answer = WB_OK;
    take(r, receipt(r, ALICE, "M1", "retry"));
    assert_int_equal(retries, 1);
    /* An odd one is acked all the same, so that it does not come again; trouble of ours is not. */
    retry_answer = WB_ERR_MALFORMED;
    take(r, receipt(r, ALICE, "M1", "retry"));
    retry_answer = WB_ERR_NO_SPACE;
    nsent = 0;
    assert_int_equal(receiver_apply_as(r, &handler, receipt(r, ALICE, "M1", "retry")),
                     WB_ERR_NO_SPACE);
    batch_fail(&r->b, WB_ERR_NO_SPACE);
    assert_int_equal(nsent, 0);
    assert_state(r, "M1", OUTBOX_SENT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(delivered_then_read),
        T(our_own_devices_do_not_count),
        T(a_receipt_counts_as_the_ack),
        T(what_cannot_be_taken_is_not_delivered),
        T(a_group_is_done_when_all_are),
        T(receipts_of_others_say_nothing),
        T(only_who_was_sent_it_confirms),
        T(without_a_note_the_chat_decides),
        T(many_at_once),
        T(odd_ones_are_answered),
        T(retries_are_passed_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
