/* Receipts for our own messages: what becomes of the outbox row, and the ack. */
#include "receive_fixture.h"

#include "bridge/in_receipt.h"
#include "bridge/out_retry.h"
#include "store/outbox.h"

#define ALICE "27820000011@s.whatsapp.net"
#define GROUP "120363000000000001@g.us"

static enum wb_err retry_answer;
static int retries;

/* In place of the part that sends again. */
enum wb_err out_retry_request(struct bridge *b, const struct stanza *s)
{
    retries++;
    return retry_answer == WB_OK ? outgoing_ack(b, s, 0) : retry_answer;
}

static char delivered[256]; /* "id@time " each */

/* In place of the part that sends: it takes a receipt for the ack that is missing. */
enum wb_err out_message_delivered(struct bridge *b, struct span id, int64_t t)
{
    size_t n = strlen(delivered);

    (void)b;
    snprintf(delivered + n, sizeof delivered - n, "%.*s@%lld ", (int)id.n, (const char *)id.p,
             (long long)t);
    return WB_OK;
}

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

static void message_sent(struct receiver *r, const char *id)
{
    struct store_outbox_row row = {.chat = J(ALICE), .created_at = fixture_time};

    snprintf(row.message_id, sizeof row.message_id, "%s", id);
    OK(store_outbox_add(r->f.s, &row, NULL));
    OK(store_outbox_seal(r->f.s, id, SPAN_LIT("sealed"), fixture_time));
    OK(store_outbox_acked(r->f.s, id, fixture_time, fixture_time));
    OK(store_commit(r->f.s));
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
    OK(receiver_apply_as(r, &in_receipt_handler, n));
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
}

static void a_receipt_counts_as_the_ack(void **state)
{
    struct receiver *r = *state;
    struct node *n = receipt(r, ALICE, "M1", "read"), *list;

    node_attr_text(&r->arena, n, "t", "1700000001");
    list = node_child_new(&r->arena, n, "list");
    node_attr_text(&r->arena, node_child_new(&r->arena, list, "item"), "id", "M2");
    take(r, n);
    take(r, receipt(r, ALICE, "M3", NULL));
    assert_string_equal(delivered, "M1@1700000001 M2@1700000001 M3@0 ");
}

static void many_at_once(void **state)
{
    struct receiver *r = *state;
    struct node *n = receipt(r, ALICE, "M1", "read"), *list, *parts;

    message_sent(r, "M1");
    message_sent(r, "M2");
    message_sent(r, "M3");
    list = node_child_new(&r->arena, n, "list");
    node_attr_text(&r->arena, node_child_new(&r->arena, list, "item"), "id", "M2");
    take(r, n);
    assert_state(r, "M1", OUTBOX_READ);
    assert_state(r, "M2", OUTBOX_READ);
    n = receipt(r, GROUP, "M3", NULL);
    parts = node_child_new(&r->arena, n, "participants");
    node_attr_text(&r->arena, parts, "key", "M3");
    take(r, n);
    assert_state(r, "M3", OUTBOX_DELIVERED);
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
    assert_int_equal(receiver_apply_as(r, &in_receipt_handler, receipt(r, ALICE, "M1", "retry")),
                     WB_ERR_NO_SPACE);
    batch_fail(&r->b, WB_ERR_NO_SPACE);
    assert_int_equal(nsent, 0);
    assert_state(r, "M1", OUTBOX_SENT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(delivered_then_read), T(our_own_devices_do_not_count), T(a_receipt_counts_as_the_ack),
        T(many_at_once),        T(odd_ones_are_answered),        T(retries_are_passed_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
