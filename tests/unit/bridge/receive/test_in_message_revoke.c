/* Who may delete or edit a message: its author, and an admin of the group that our own list names.
 */
#include "tests/unit/bridge/receive_people.h"

#include "bridge/groups/group_info.h"
#include "bridge/receive/in_message_revoke.h"
#include "bridge/receive/limits.h"
#include "store/messages/messages.h"
#include "store/session/groups.h"
#include "store/session/lid_map.h"

#define STATUS "status@broadcast"

/* One world per test: Alice wants to delete what Bob wrote. */
static struct {
    struct receiver *r;
    struct writer alice, bob;
    unsigned ids;
} w;

static int world_setup(void **state)
{
    setup(state);
    memset(&w, 0, sizeof w);
    w.r = *state;
    bridge_server_time(&w.r->b, fixture_time);
    writer_init(&w.alice, 1);
    writer_init(&w.bob, 3);
    writer_start(&w.alice, w.r);
    writer_start(&w.bob, w.r);
    return 0;
}

static int world_teardown(void **state)
{
    writer_free(&w.alice);
    writer_free(&w.bob);
    return teardown(state);
}

static struct node *in_chat(const char *chat, const char *who, const char *id)
{
    struct node *n = stanza(w.r, chat, id);

    attr_jid(w.r, n, "participant", who);
    return n;
}

static void bob_writes(const char *chat, const char *who, const char *id)
{
    struct node *n = in_chat(chat, who, id);

    add_sealed(w.r, &w.bob, n, text_message(w.r, "mine"));
    receive(w.r, n);
}

/* The stanza says of itself that it is an admin's. */
static struct node *revoke_node(const char *chat, const char *who, const char *author,
                                const char *target)
{
    const struct content_key key = {.remote_jid = span_cstr(chat),
                                    .id = span_cstr(target),
                                    .participant = author ? span_cstr(author) : SPAN_NULL,
                                    .from_me = !author};
    struct buf b = buf_new(1 << 16);
    char id[16];
    struct node *n;

    snprintf(id, sizeof id, "R%u", ++w.ids);
    n = in_chat(chat, who, id);
    node_attr_text(&w.r->arena, n, "edit", "8");
    OK(content_encode_revoke(&key, &b));
    add_sealed(w.r, &w.alice, n, keep(w.r, &b));
    return n;
}

static void alice_revokes(const char *chat, const char *who, const char *author, const char *target)
{
    receive(w.r, revoke_node(chat, who, author, target));
}

static void put_group(enum store_group_rank rank, int64_t updated_at, const char *admin)
{
    struct store_group_member members[] = {{.pn = J(BOB), .lid = J(BOB_LID)}, {.rank = rank}};
    struct store_group g = {
        .jid = J(GROUP), .members = members, .nmembers = admin ? 2 : 1, .updated_at = updated_at};
    struct jid j = admin ? J(admin) : (struct jid){0};

    if (j.server == JID_LID)
        members[1].lid = j;
    else
        members[1].pn = j;
    OK(store_group_put(w.r->f.s, &g));
    OK(store_commit(w.r->f.s));
}

static void assert_revoked(const char *by)
{
    char want[100];

    snprintf(want, sizeof want, "%s mine", by);
    assert_look(w.r,
                "SELECT coalesce(revoked_by, 'nobody')||' '||content FROM messages"
                " WHERE id LIKE 'B%' OR id LIKE 'G%'",
                want);
}

#define assert_rows(n)    assert_look(w.r, "SELECT count(*) FROM messages WHERE kind = 'revoke'", n)
#define assert_waiting(n) assert_look_wa(w.r, "SELECT count(*) FROM bridge_revokes", n)

static void a_member_of_a_known_group_may_not(void **state)
{
    (void)state;
    put_group(STORE_MEMBER, fixture_time, ALICE);
    bob_writes(GROUP, BOB, "B1");
    alice_revokes(GROUP, ALICE, BOB, "B1");
    assert_revoked("nobody");
    /* What was wanted is not lost. */
    assert_look(
        w.r,
        "SELECT content||summary||' '||target_id||' '||sender FROM messages WHERE kind = 'revoke'",
        "[deleted message] B1 B1 27820000011");
    assert_int_equal(w.r->b.refused.changes, 1);
    has(sent[0], "<receipt");
    assert_waiting("0");
}

static void who_is_not_in_the_group_may_not(void **state)
{
    (void)state;
    put_group(STORE_MEMBER, fixture_time, NULL);
    bob_writes(GROUP, BOB, "B1");
    alice_revokes(GROUP, ALICE, BOB, "B1");
    assert_revoked("nobody");
    assert_rows("1");
    assert_waiting("0");
}

static void admins_may(void **state)
{
    (void)state;
    put_group(STORE_ADMIN, fixture_time, ALICE);
    bob_writes(GROUP, BOB, "B1");
    alice_revokes(GROUP, ALICE, BOB, "B1");
    assert_revoked(ALICE);
    assert_rows("0");
}

/* The list has her LID, the stanza her number, or the other way round. */
static void super_admins_may_under_either_address(void **state)
{
    const struct jid lid = J(ALICE_LID), pn = J(ALICE);
    struct node *n;

    (void)state;
    put_group(STORE_SUPERADMIN, fixture_time, ALICE_LID);
    bob_writes(GROUP, BOB, "B1");
    n = revoke_node(GROUP, ALICE, BOB_LID, "B1");
    attr_jid(w.r, n, "participant_lid", ALICE_LID);
    receive(w.r, n);
    assert_look(w.r, "SELECT revoked_by IS NOT NULL FROM messages WHERE id = 'B1'", "0");
    assert_rows("1"); /* whose it is was named by an address that we do not know */
    OK(store_lid_put(w.r->f.s, &lid, &pn, NULL));
    put_group(STORE_SUPERADMIN, fixture_time, ALICE);
    alice_revokes(GROUP, ALICE_LID, BOB, "B1");
    assert_look(w.r, "SELECT revoked_by FROM messages WHERE id = 'B1'", ALICE);
}

static void authors_may_everywhere(void **state)
{
    const struct content_key hers = {
        .remote_jid = SPAN_LIT(ALICE), .id = SPAN_LIT("P1"), .from_me = true};
    struct buf b = buf_new(1 << 16);
    struct node *n;

    (void)state;
    n = in_chat(GROUP, ALICE, "G1");
    add_sealed(w.r, &w.alice, n, text_message(w.r, "mine"));
    receive(w.r, n);
    alice_revokes(GROUP, ALICE, NULL, "G1");
    assert_revoked(ALICE);
    /* In a private chat: hers, but not ours, however she names it. */
    receive(w.r, letter(w.r, &w.alice, ALICE, "P1", "hers"));
    {
        struct store_message m = {.id = SPAN_LIT("P2"),
                                  .chat = J(ALICE),
                                  .sender = J(OWN_PHONE),
                                  .from_me = true,
                                  .timestamp = fixture_time,
                                  .kind = "text",
                                  .content = SPAN_LIT("ours")};
        enum store_message_outcome outcome;

        OK(store_message_put(w.r->f.s, &m, &outcome));
    }
    for (int i = 0; i < 2; i++) {
        const struct content_key named = {.remote_jid = SPAN_LIT(ALICE),
                                          .id = SPAN_LIT("P2"),
                                          .participant = i ? SPAN_LIT(OWN_PHONE) : SPAN_NULL,
                                          .from_me = i == 0};

        n = stanza(w.r, ALICE, i ? "P4" : "P3");
        node_attr_text(&w.r->arena, n, "edit", "8");
        OK(content_encode_revoke(&named, &b));
        add_sealed(w.r, &w.alice, n, keep(w.r, &b));
        b = buf_new(1 << 16);
        receive(w.r, n);
    }
    assert_look(w.r, "SELECT revoked_at IS NULL FROM messages WHERE id = 'P2'", "1");
    assert_rows("2");
    n = stanza(w.r, ALICE, "P5");
    OK(content_encode_revoke(&hers, &b));
    add_sealed(w.r, &w.alice, n, keep(w.r, &b));
    receive(w.r, n);
    assert_look(w.r, "SELECT revoked_at IS NULL FROM messages WHERE id = 'P1'", "0");
}

/* The key has her number, the stanza only her LID, or the other way round; we know that they are
 * one.
 */
static void authors_may_under_their_other_address(void **state)
{
    static const char *const forms[] = {ALICE_LID, ALICE};
    const struct jid lid = J(ALICE_LID), pn = J(ALICE);

    (void)state;
    OK(store_lid_put(w.r->f.s, &lid, &pn, NULL));
    put_group(STORE_MEMBER, fixture_time, ALICE);
    for (size_t i = 0; i < 2; i++) {
        char id[8];
        struct node *n;

        snprintf(id, sizeof id, "G%zu", i);
        n = in_chat(GROUP, forms[i], id);
        add_sealed(w.r, &w.alice, n, text_message(w.r, "mine"));
        receive(w.r, n);
        alice_revokes(GROUP, forms[i], forms[1 - i], id);
    }
    assert_look(w.r, "SELECT group_concat(revoked_by) FROM messages", ALICE "," ALICE);
    assert_rows("0");
    assert_int_equal(w.r->b.refused.changes, 0);
}

/* That they are one is learnt only when it waits already. */
static void authors_turn_out_to_be_the_sender(void **state)
{
    const struct jid group = J(GROUP), lid = J(ALICE_LID), pn = J(ALICE);
    struct node *n;

    (void)state;
    n = in_chat(GROUP, ALICE_LID, "G1");
    add_sealed(w.r, &w.alice, n, text_message(w.r, "mine"));
    receive(w.r, n);
    alice_revokes(GROUP, ALICE_LID, ALICE, "G1");
    assert_waiting("1");
    OK(store_lid_put(w.r->f.s, &lid, &pn, NULL));
    put_group(STORE_MEMBER, fixture_time, ALICE);
    OK(in_message_group_list(&w.r->b, &group, false));
    OK(batch_commit(&w.r->b));
    assert_waiting("0");
    assert_rows("0");
    assert_look(w.r, "SELECT count(*)||max(revoked_by) FROM messages", "1" ALICE);
}

static void nobody_else_may_in_status_and_broadcasts(void **state)
{
    static const char *const chats[] = {STATUS, "1234567@broadcast"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char target[8];

        snprintf(target, sizeof target, "B%zu", i);
        bob_writes(chats[i], BOB, target);
        alice_revokes(chats[i], ALICE, BOB, target);
    }
    assert_look(w.r, "SELECT count(*) FROM messages WHERE revoked_at IS NULL AND content = 'mine'",
                "2");
    assert_rows("2");
    assert_waiting("0");
}

/* ---- a group of which nothing is known yet ---- */

static void in_an_unknown_group_it_waits_for_the_list(void **state)
{
    const struct jid group = J(GROUP);
    struct node *n;

    (void)state;
    bob_writes(GROUP, BOB, "B1");
    n = revoke_node(GROUP, ALICE, BOB, "B1");
    receive(w.r, n);
    assert_revoked("nobody");
    assert_rows("0");
    assert_waiting("1");
    /* Delivered once more it is still one; and a restart does not lose it. */
    receive(w.r, n);
    assert_waiting("1");
    receiver_restart(w.r);
    bridge_server_time(&w.r->b, fixture_time);
    assert_waiting("1");
    OK(in_message_group_list(&w.r->b, &group, false)); /* still nothing */
    OK(batch_commit(&w.r->b));
    assert_waiting("1");
    put_group(STORE_ADMIN, fixture_time, ALICE);
    OK(in_message_group_list(&w.r->b, &group, false));
    OK(batch_commit(&w.r->b));
    assert_revoked(ALICE);
    assert_waiting("0");
    assert_rows("0");
}

static void the_list_says_no(void **state)
{
    const struct jid group = J(GROUP);

    (void)state;
    alice_revokes(GROUP, ALICE, BOB, "B1"); /* before its message */
    assert_waiting("1");
    put_group(STORE_MEMBER, fixture_time, ALICE);
    OK(in_message_group_list(&w.r->b, &group, false));
    OK(batch_commit(&w.r->b));
    bob_writes(GROUP, BOB, "B1");
    assert_revoked("nobody");
    assert_waiting("0");
    assert_rows("1");
    assert_int_equal(w.r->b.refused.changes, 1);
    /* It is told like any message. */
    assert_int_equal(w.r->b.messages_stored, 2);
}

static void the_list_says_yes_before_the_message_comes(void **state)
{
    const struct jid group = J(GROUP);

    (void)state;
    alice_revokes(GROUP, ALICE, BOB, "B1");
    put_group(STORE_ADMIN, fixture_time, ALICE);
    OK(in_message_group_list(&w.r->b, &group, false));
    OK(batch_commit(&w.r->b));
    bob_writes(GROUP, BOB, "B1");
    assert_revoked(ALICE);
}

/* Somebody may have become an admin since: an old list is not asked for a no. */
static void an_old_list_says_only_yes(void **state)
{
    (void)state;
    put_group(STORE_MEMBER, fixture_time - 25 * 3600, ALICE);
    bob_writes(GROUP, BOB, "B1");
    alice_revokes(GROUP, ALICE, BOB, "B1");
    assert_waiting("1");
    put_group(STORE_ADMIN, 0, ALICE);
    alice_revokes(GROUP, ALICE, BOB, "B1");
    assert_revoked(ALICE);
    assert_waiting("1");
}

/* A list of all groups that came without their members: who is an admin may have changed. */
static void a_list_without_members_says_nothing_of_admins(void **state)
{
    struct node *group = node_new(&w.r->arena, "group");

    (void)state;
    put_group(STORE_MEMBER, fixture_time, ALICE);
    node_attr_text(&w.r->arena, group, "id", GROUP);
    node_attr_text(&w.r->arena, group, "subject", "Desk");
    OK(group_info_store(&w.r->b, group, &w.r->arena, NULL));
    OK(batch_commit(&w.r->b));
    bob_writes(GROUP, BOB, "B1");
    alice_revokes(GROUP, ALICE, BOB, "B1");
    assert_waiting("1");
}

static void we_are_not_in_the_group(void **state)
{
    const struct jid group = J(GROUP);

    (void)state;
    bob_writes(GROUP, BOB, "B1");
    alice_revokes(GROUP, ALICE, BOB, "B1");
    OK(in_message_group_list(&w.r->b, &group, true));
    OK(batch_commit(&w.r->b));
    assert_revoked("nobody");
    assert_waiting("0");
    assert_rows("1");
}

static void not_many_wait_and_not_for_ever(void **state)
{
    const struct jid group = J(GROUP);

    (void)state;
    bob_writes(GROUP, BOB, "B1");
    for (unsigned i = 0; i < STORE_REVOKES_CHAT_MAX + 5; i++)
        alice_revokes(GROUP, ALICE, BOB, "B1");
    assert_waiting("100");
    assert_rows("5");
    fixture_time += REVOKE_WAIT_S + 1;
    bridge_server_time(&w.r->b, fixture_time);
    OK(in_message_group_list(&w.r->b, &group, false));
    OK(batch_commit(&w.r->b));
    assert_waiting("0");
    assert_rows("105");
    assert_revoked("nobody");
}

/* Only that one is let go: the list is taken, and the next ones are decided about. */
static void one_that_cannot_be_dealt_with_stops_nobody(void **state)
{
    const struct jid group = J(GROUP);

    (void)state;
    bob_writes(GROUP, BOB, "B1");
    alice_revokes(GROUP, ALICE, BOB, "B1");
    alice_revokes(GROUP, ALICE, BOB, "B2");
    assert_waiting("2");
    put_group(STORE_MEMBER, fixture_time, ALICE);
    buf_free(&w.r->b.in_message->text);
    w.r->b.in_message->text = buf_new(4); /* what the row would say does not fit */
    OK(in_message_group_list(&w.r->b, &group, false));
    OK(batch_commit(&w.r->b));
    assert_waiting("0");
    assert_rows("0");
    assert_revoked("nobody");
}

/* ---- edits ---- */

static void only_the_author_edits(void **state)
{
    const struct content_key key = {
        .remote_jid = SPAN_LIT(GROUP), .id = SPAN_LIT("B1"), .participant = SPAN_LIT(BOB)};
    struct buf b = buf_new(1 << 16);
    struct node *n = in_chat(GROUP, ALICE, "E1");

    (void)state;
    put_group(STORE_SUPERADMIN, fixture_time, ALICE);
    bob_writes(GROUP, BOB, "B1");
    OK(content_encode_edit(&key, text_message(w.r, "theirs"), fixture_time * 1000, &b));
    node_attr_text(&w.r->arena, n, "edit", "1");
    add_sealed(w.r, &w.alice, n, keep(w.r, &b));
    receive(w.r, n);
    assert_look(w.r, "SELECT content FROM messages WHERE id = 'B1'", "mine");
    assert_look(w.r,
                "SELECT content||summary||' '||target_id||' '||kind FROM messages WHERE id = 'E1'",
                "[edited] theirs B1 edit");
    assert_int_equal(w.r->b.refused.changes, 1);
    /* Before its message: it waits under its own sender's name and touches nobody else's. */
    b = buf_new(1 << 16);
    OK(content_encode_edit(&(struct content_key){.id = SPAN_LIT("B2")}, text_message(w.r, "early"),
                           fixture_time * 1000, &b));
    n = in_chat(GROUP, ALICE, "E2");
    add_sealed(w.r, &w.alice, n, keep(w.r, &b));
    receive(w.r, n);
    bob_writes(GROUP, BOB, "B2");
    assert_look(w.r,
                "SELECT content FROM messages WHERE sender = '27820000012' AND"
                " coalesce(original_id, id) = 'B2'",
                "mine");
}

int main(void)
{
#define TW(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TW(a_member_of_a_known_group_may_not),
        TW(who_is_not_in_the_group_may_not),
        TW(admins_may),
        TW(super_admins_may_under_either_address),
        TW(authors_may_everywhere),
        TW(authors_may_under_their_other_address),
        TW(authors_turn_out_to_be_the_sender),
        TW(nobody_else_may_in_status_and_broadcasts),
        TW(in_an_unknown_group_it_waits_for_the_list),
        TW(the_list_says_no),
        TW(the_list_says_yes_before_the_message_comes),
        TW(an_old_list_says_only_yes),
        TW(a_list_without_members_says_nothing_of_admins),
        TW(we_are_not_in_the_group),
        TW(not_many_wait_and_not_for_ever),
        TW(one_that_cannot_be_dealt_with_stops_nobody),
        TW(only_the_author_edits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
