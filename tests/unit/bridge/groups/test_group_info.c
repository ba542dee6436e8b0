/* Groups: what the server says of them, the list at login, one by one (P-GR-02..06, P-LG-20). */
#include "tests/unit/bridge/people_fixture.h"

#include "bridge/groups/group_calls.h"
#include "bridge/groups/group_links.h"
#include "bridge/groups/group_parse.h"
#include "bridge/groups/limits.h"
#include "store/core/meta.h"
#include "store/messages/contacts.h"
#include "store/messages/messages.h"
#include "store/session/lid_map.h"

#define GROUP_ID  "120363000000000001"
#define GROUP_JID GROUP_ID "@g.us"
#define MEMBERS                                                                                    \
    "<participant jid='900001@lid' phone_number='27820000001@s.whatsapp.net' type='superadmin'/>"  \
    "<participant jid='900002@lid' phone_number='27820000002@s.whatsapp.net' type='admin'/>"       \
    "<participant jid='900003@lid' display_name='+27*****03'/>"
#define GROUP(id, subject)                                                                         \
    "<group id='" id "' subject='" subject "' addressing_mode='lid' p_v_id='17' size='3'>" MEMBERS \
    "<ephemeral expiration='86400'/><announcement/><description id='x'><body>hi</body>"            \
    "</description><locked/></group>"

static struct {
    unsigned calls;
    enum wb_err err;
    uint32_t code;
    size_t nmembers;
    bool admin;
} told[8];

static void on_group(struct bridge *b, uint64_t key, const struct group_info_result *r)
{
    told[key].calls++;
    told[key].err = r->err;
    told[key].code = r->code;
    assert_int_equal(r->group != NULL, r->err == WB_OK);
    if (r->group) {
        told[key].nmembers = r->group->nmembers;
        group_info_has_self(b, r->group, &told[key].admin);
    }
}

static int setup(void **state)
{
    memset(told, 0, sizeof told);
    return desk_setup(state);
}

static struct store_group stored(struct desk *d, const char *group)
{
    struct jid j = J(group);
    struct store_group g;

    OK(store_group_get(d->b.store, &j, &d->arena, &g));
    return g;
}

/* Whoever writes to a community's parent is told where to write instead; for that the list of all
 * groups, megabytes perhaps, is not fetched with each message. */
static void advice_is_no_list_of_groups_each_time(void **state)
{
    struct desk *d = *state;
    struct jid community = J("120363000000000009@g.us");
    char text[GROUP_LINKS_TEXT_MAX];
    struct node *iq;

    events_emit_kind(&d->b.events, BRIDGE_EV_ONLINE);
    events_emit_kind(&d->b.events, BRIDGE_EV_OFFLINE_DONE);
    desk_reply(d, desk_sent(d), "result", xml(d, "<groups/>")); /* no announcement group in it */
    for (int i = 0; i < 3; i++)
        OK(group_links_advice(&d->b, &community, text));
    assert_none_sent(d);
    assert_non_null(strstr(text, "/api/groups"));
    desk_later(d, GROUP_LIST_AGE_S * 1000);
    OK(group_links_advice(&d->b, &community, text));
    iq = desk_sent(d);
    assert_non_null(node_child(iq, "participating"));
    desk_error(d, iq, "500");
    for (int i = 0; i < 3; i++) /* it is tried again in a minute anyhow */
        OK(group_links_advice(&d->b, &community, text));
    assert_none_sent(d);
}

/* P-X2-20 */
static void tells_communities_from_groups(void **state)
{
    struct desk *d = *state;
    struct jid parent = J("120363000000000009@g.us");
    struct store_group g;
    size_t odd;

    OK(group_parse(xml(d, "<group id='120363000000000009' subject='All'><parent"
                          " default_membership_approval_mode='request_required'/></group>"),
                   &d->arena, &g, &odd));
    assert_int_equal(g.kind, STORE_GROUP_COMMUNITY);
    assert_true(jid_is_none(&g.parent));
    OK(group_parse(xml(d, "<group id='" GROUP_ID "'><linked_parent jid='120363000000000009@g.us'/>"
                          "<default_sub_group/></group>"),
                   &d->arena, &g, &odd));
    assert_int_equal(g.kind, STORE_GROUP_ANNOUNCEMENT);
    assert_true(jid_eq(&g.parent, &parent));
    OK(group_parse(xml(d, "<group id='" GROUP_ID "'><linked_parent jid='900001@lid'/></group>"),
                   &d->arena, &g, &odd));
    assert_int_equal(g.kind, STORE_GROUP_ORDINARY);
    assert_true(jid_is_none(&g.parent)); /* a person is no community */
}

static void reads_a_group(void **state)
{
    struct desk *d = *state;
    struct store_group g;
    size_t odd;

    OK(group_parse(xml(d, "<group id='" GROUP_ID "' subject='Trade desk' addressing_mode='lid'"
                          " p_v_id='17'>" MEMBERS "<participant/><participant jid='1@g.us'/>"
                          "<ephemeral expiration='86400'/><announcement/></group>"),
                   &d->arena, &g, &odd));
    struct jid jid = J(GROUP_JID), pn = J("27820000002@s.whatsapp.net"), lid = J("900002@lid");
    assert_true(jid_eq(&g.jid, &jid));
    assert_string_equal(g.subject, "Trade desk");
    assert_string_equal(g.version, "17");
    assert_int_equal(g.addressing, STORE_ADDRESSING_LID);
    assert_int_equal(g.ephemeral_s, 86400);
    assert_true(g.announce);
    assert_int_equal(g.nmembers, 3);
    assert_int_equal(odd, 2);
    assert_int_equal(g.members[0].rank, STORE_SUPERADMIN);
    assert_int_equal(g.members[1].rank, STORE_ADMIN);
    assert_true(jid_eq(&g.members[1].lid, &lid));
    assert_true(jid_eq(&g.members[1].pn, &pn));
    assert_true(jid_is_none(&g.members[2].pn));

    /* Addressed by phone number: absent mode, LIDs beside (P-GR-05). */
    OK(group_parse(xml(d, "<group id='2782-15@g.us'>"
                          "<participant jid='27820000002@s.whatsapp.net' lid='900002@lid'/>"
                          "</group>"),
                   &d->arena, &g, &odd));
    assert_int_equal(g.addressing, STORE_ADDRESSING_PN);
    assert_true(jid_eq(&g.members[0].lid, &lid));
    assert_true(jid_eq(&g.members[0].pn, &pn));
    assert_int_equal(g.ephemeral_s, 0);
    /* By one of their devices, hosted: the person is meant. */
    OK(group_parse(xml(d, "<group id='2782-15@g.us'>"
                          "<participant jid='27820000002:99@hosted' lid='900002:99@hosted.lid'/>"
                          "</group>"),
                   &d->arena, &g, &odd));
    assert_int_equal(g.nmembers, 1);
    assert_true(jid_eq(&g.members[0].pn, &pn));
    assert_true(jid_eq(&g.members[0].lid, &lid));
    assert_int_equal(group_parse(xml(d, "<group/>"), &d->arena, &g, &odd), WB_ERR_MALFORMED);
    assert_int_equal(group_parse(xml(d, "<group id='1@s.whatsapp.net'/>"), &d->arena, &g, &odd),
                     WB_ERR_MALFORMED);
    assert_int_equal(group_parse(NULL, &d->arena, &g, &odd), WB_ERR_MALFORMED);
}

static void asks_for_one_group(void **state)
{
    struct desk *d = *state;
    struct jid group = J(GROUP_JID), pn = J("27820000002@s.whatsapp.net"), lid;

    OK(group_info_get(&d->b, &group, GROUP_INFO_CACHED, on_group, 1));
    OK(group_info_get(&d->b, &group, GROUP_INFO_FRESH, on_group, 2));
    struct node *iq = desk_sent(d);
    assert_none_sent(d);
    assert_true(node_attr_is(iq, "to", GROUP_JID) && node_attr_is(iq, "xmlns", "w:g2"));
    assert_true(node_attr_is(node_child(iq, "query"), "request", "interactive"));
    desk_reply(d, iq, "result", xml(d, GROUP(GROUP_ID, "Trade desk")));
    assert_int_equal(told[1].calls + told[2].calls, 2);
    OK(told[1].err);
    assert_int_equal(told[1].nmembers, 3);
    assert_true(told[1].admin);
    OK(store_lid_of_pn(d->b.store, &pn, &lid)); /* learned */
    struct store_chat chat;
    OK(store_chat_get(d->b.store, &group, &chat));
    assert_string_equal(chat.name, "Trade desk");
    struct store_contact contact;
    struct jid shy = J("900003@lid");
    OK(store_contact_get(d->b.store, &shy, &contact));
    assert_string_equal(contact.redacted_phone, "+27*****03");

    OK(group_info_get(&d->b, &group, GROUP_INFO_CACHED, on_group, 3));
    assert_none_sent(d);
    desk_later(d, 0);
    OK(told[3].err);
    OK(group_info_stale(&d->b, &group));
    OK(group_info_get(&d->b, &group, GROUP_INFO_CACHED, on_group, 4));
    desk_reply(d, desk_sent(d), "result", xml(d, GROUP("120363000000000009", "Other")));
    assert_int_equal(told[4].err, WB_ERR_PROTOCOL); /* not the one that was asked for */
    assert_string_equal(stored(d, GROUP_JID).subject, "Trade desk");
}

/* The age of a group is one of the server's time; one of the future was noted by a wrong clock. */
static void a_wall_clock_that_jumps_makes_no_group_old(void **state)
{
    struct desk *d = *state;
    struct jid group = J(GROUP_JID);
    const int64_t year_s = 365LL * 86400, now_s = d->now_ms / 1000;

    d->jumped_ms = year_s * 1000;
    OK(group_info_store(&d->b, xml(d, GROUP(GROUP_ID, "Trade desk")), &d->arena, NULL));
    assert_int_equal(stored(d, GROUP_JID).updated_at, now_s + year_s);
    bridge_server_time(&d->b, now_s);
    OK(group_info_get(&d->b, &group, GROUP_INFO_CACHED, on_group, 1));
    desk_reply(d, desk_sent(d), "result", xml(d, GROUP(GROUP_ID, "Trade desk")));
    assert_int_equal(stored(d, GROUP_JID).updated_at, now_s);
    d->jumped_ms = -year_s * 1000;
    OK(group_info_get(&d->b, &group, GROUP_INFO_CACHED, on_group, 2));
    assert_none_sent(d);
    desk_later(d, 0);
    OK(told[2].err);
}

static void knows_that_we_are_out(void **state)
{
    struct desk *d = *state;
    struct jid group = J(GROUP_JID), person = J("900002@lid");

    OK(group_info_store(&d->b, xml(d, GROUP(GROUP_ID, "Trade desk")), &d->arena, NULL));
    OK(group_info_get(&d->b, &group, GROUP_INFO_FRESH, on_group, 1));
    desk_error(d, desk_sent(d), "403");
    assert_int_equal(told[1].err, WB_ERR_REFUSED);
    assert_int_equal(told[1].code, 403);
    assert_true(stored(d, GROUP_JID).left);
    OK(group_info_get(&d->b, &group, GROUP_INFO_CACHED, on_group, 2)); /* perhaps we are back */
    desk_reply(d, desk_sent(d), "result", xml(d, GROUP(GROUP_ID, "Trade desk")));
    OK(told[2].err);
    assert_false(stored(d, GROUP_JID).left);
    OK(group_info_get(&d->b, &group, GROUP_INFO_FRESH, on_group, 3));
    desk_error(d, desk_sent(d), "404");
    assert_int_equal(told[3].err, WB_ERR_NOT_FOUND);
    assert_int_equal(group_info_get(&d->b, &person, GROUP_INFO_FRESH, on_group, 4), WB_ERR_INVALID);
}

static void lists_groups_at_login(void **state)
{
    struct desk *d = *state;

    OK(group_info_store(&d->b, xml(d, GROUP("120363000000000002", "Old")), &d->arena, NULL));
    events_emit_kind(&d->b.events, BRIDGE_EV_ONLINE);
    struct node *iq = desk_sent(d);
    struct buf expected = buf_new(1024);
    struct span id = node_attr_str(iq, "id", &d->arena);
    buf_printf(&expected,
               "<iq to='g.us' type='get' xmlns='w:g2' id='%.*s'><participating><participants/>"
               "<description/></participating></iq>",
               (int)id.n, (const char *)id.p);
    assert_string_equal(print(d, iq), print(d, xml(d, buf_cstr(&expected))));
    buf_free(&expected);
    events_emit_kind(&d->b.events, BRIDGE_EV_OFFLINE_DONE);
    assert_none_sent(d); /* once */
    desk_reply(d, iq, "result",
               xml(d, "<groups>" GROUP(GROUP_ID, "Trade desk")
                          GROUP("120363000000000003", "Alerts") "</groups>"));
    assert_true(stored(d, "120363000000000002@g.us").left);

    struct group_summary *groups;
    size_t n;
    OK(bridge_groups(&d->b, &d->arena, &groups, &n));
    assert_int_equal(n, 2); /* by name, without the one that we left */
    assert_true(span_eq_cstr(groups[0].name, "Alerts"));
    assert_int_equal(groups[0].members, 3);
    assert_true(groups[0].lid_addressing && groups[0].announce_only && groups[0].we_are_admin);
    assert_false(groups[0].monitored);

    /* Not again at the next of many reconnects, but after an hour. */
    events_emit_kind(&d->b.events, BRIDGE_EV_OFFLINE);
    events_emit_kind(&d->b.events, BRIDGE_EV_ONLINE);
    events_emit_kind(&d->b.events, BRIDGE_EV_OFFLINE_DONE);
    assert_none_sent(d);
    events_emit_kind(&d->b.events, BRIDGE_EV_OFFLINE);
    desk_later(d, (int64_t)GROUP_LIST_AGE_S * 1000);
    events_emit_kind(&d->b.events, BRIDGE_EV_ONLINE);
    assert_none_sent(d);
    events_emit_kind(&d->b.events, BRIDGE_EV_OFFLINE_DONE);
    desk_reply(d, desk_sent(d), "result", xml(d, "<groups/>"));

    /* By the server's time: a wall clock that jumps is no hour. */
    events_emit_kind(&d->b.events, BRIDGE_EV_OFFLINE);
    bridge_server_time(&d->b, d->now_ms / 1000);
    d->jumped_ms = 86400LL * 1000;
    events_emit_kind(&d->b.events, BRIDGE_EV_ONLINE);
    events_emit_kind(&d->b.events, BRIDGE_EV_OFFLINE_DONE);
    assert_none_sent(d);
}

static void an_odd_group_makes_nobody_leave(void **state)
{
    struct desk *d = *state;

    OK(group_info_store(&d->b, xml(d, GROUP("120363000000000002", "Old")), &d->arena, NULL));
    events_emit_kind(&d->b.events, BRIDGE_EV_ONLINE);
    desk_reply(
        d, desk_sent(d), "result",
        xml(d, "<groups><group id='@@'/>" GROUP(
                   GROUP_ID,
                   "Trade desk") "<group id='120363000000000004' subject='No members'/></groups>"));
    assert_false(stored(d, "120363000000000002@g.us").left);
    assert_int_equal(stored(d, GROUP_JID).nmembers, 3);
    /* A list without its members: they are asked for before they are used. */
    assert_int_equal(stored(d, "120363000000000004@g.us").updated_at, 0);
}

static void tries_the_list_again(void **state)
{
    struct desk *d = *state;

    events_emit_kind(&d->b.events, BRIDGE_EV_ONLINE);
    desk_error(d, desk_sent(d), "500");
    assert_none_sent(d);
    desk_later(d, GROUP_LIST_RETRY_MS);
    desk_reply(d, desk_sent(d), "result", xml(d, "<groups/>"));
    desk_later(d, GROUP_LIST_RETRY_MS);
    assert_none_sent(d);
}

static bool with_members(const struct node *iq)
{
    return node_child(node_child(iq, "participating"), "participants") != NULL;
}

static bool list_is_known(struct desk *d)
{
    int64_t at;

    return store_meta_get_int(d->b.store, STORE_META_GROUPS_AT, &at) == WB_OK;
}

/* The answer with all members is passed over when no frame can hold it: the time runs out. */
static void a_list_that_never_comes_is_asked_for_without_members(void **state)
{
    struct desk *d = *state;
    struct jid old = J("120363000000000002@g.us"), bare = J("120363000000000003@g.us");
    struct node *iq;

    OK(group_info_store(&d->b, xml(d, GROUP("120363000000000002", "Old")), &d->arena, NULL));
    events_emit_kind(&d->b.events, BRIDGE_EV_ONLINE);
    group_list_dirty(&d->b, xml(d, "<dirty type='groups' timestamp='1789'/>"));
    assert_true(with_members(desk_sent(d)));
    desk_later(d, IQ_TIMEOUT_MS);
    assert_none_sent(d);
    assert_false(list_is_known(d));
    desk_later(d, GROUP_LIST_RETRY_MS);
    iq = desk_sent(d);
    assert_false(with_members(iq));
    assert_non_null(node_child(node_child(iq, "participating"), "description"));
    desk_reply(d, iq, "result",
               xml(d, "<groups><group id='120363000000000002' subject='New name' p_v_id='18'/>"
                      "<group id='120363000000000003' subject='Bare'/></groups>"));
    assert_true(list_is_known(d));
    assert_true(node_attr_is(node_child(desk_sent(d), "clean"), "timestamp", "1789"));
    assert_string_equal(stored(d, "120363000000000002@g.us").subject, "New name");
    assert_string_equal(stored(d, "120363000000000003@g.us").subject, "Bare");
    assert_int_equal(stored(d, "120363000000000002@g.us").nmembers, 3); /* as they were known */

    /* Members that the list did not bring are asked for before they are used. */
    OK(group_info_get(&d->b, &old, GROUP_INFO_CACHED, on_group, 1));
    desk_reply(d, desk_sent(d), "result", xml(d, GROUP("120363000000000002", "New name")));
    OK(group_info_get(&d->b, &bare, GROUP_INFO_CACHED, on_group, 2));
    desk_reply(d, desk_sent(d), "result", xml(d, GROUP("120363000000000003", "Bare")));
    assert_int_equal(told[1].nmembers + told[2].nmembers, 6);

    /* What worked is asked for again. */
    events_emit_kind(&d->b.events, BRIDGE_EV_OFFLINE_DONE);
    group_list_dirty(&d->b, xml(d, "<dirty type='groups' timestamp='1790'/>"));
    assert_false(with_members(desk_sent(d)));
}

/* The list is megabytes: one connection that ends meanwhile says nothing, a second one does. */
static void connections_that_end_meanwhile(void **state)
{
    struct desk *d = *state;

    for (int i = 0; i < 3; i++) {
        events_emit_kind(&d->b.events, BRIDGE_EV_ONLINE);
        assert_int_equal(with_members(desk_sent(d)), i < 2);
        iq_fail_all(&d->b.iq, WB_ERR_NET);
        events_emit_kind(&d->b.events, BRIDGE_EV_OFFLINE);
    }
}

static void pauses_between_lists_grow_to_an_hour(void **state)
{
    struct desk *d = *state;
    int64_t pause = GROUP_LIST_RETRY_MS;

    events_emit_kind(&d->b.events, BRIDGE_EV_ONLINE);
    for (int i = 0; i < 9; i++) {
        desk_error(d, desk_sent(d), "500");
        desk_later(d, pause - 1);
        assert_none_sent(d);
        desk_later(d, 1);
        pause = pause * 2 < 3600 * 1000 ? pause * 2 : 3600 * 1000;
    }
    desk_reply(d, desk_sent(d), "result", xml(d, "<groups/>"));
    group_list_ask(&d->b); /* it was read: the next failure is a first one */
    desk_error(d, desk_sent(d), "500");
    desk_later(d, GROUP_LIST_RETRY_MS);
    desk_reply(d, desk_sent(d), "result", xml(d, "<groups/>"));
}

/* Members of many groups are more than the arena of their frame has left for what is made of them.
 */
static void each_group_of_a_list_has_its_own_memory(void **state)
{
    enum { GROUPS = 64, EACH = 32 };
    struct desk *d = *state;
    struct arena frame = arena_new(1 << 20);
    struct node *groups = node_new(&d->arena, "groups"), *result = node_new(&d->arena, "iq");
    struct node *iq;

    events_emit_kind(&d->b.events, BRIDGE_EV_ONLINE);
    iq = desk_sent(d);
    for (unsigned i = 0; i < GROUPS; i++) {
        struct node *g = node_child_new(&d->arena, groups, "group");

        node_attr_u64(&d->arena, g, "id", 120363000000000000u + i);
        for (unsigned k = 0; k < EACH; k++) {
            struct jid j = J("1@lid");

            snprintf(j.user, sizeof j.user, "%u", 700000 + i * EACH + k);
            node_attr_jid(&d->arena, node_child_new(&d->arena, g, "participant"), "jid", &j);
        }
    }
    node_attr_span(&d->arena, result, "id", node_attr_str(iq, "id", &d->arena));
    node_attr_text(&d->arena, result, "type", "result");
    node_add(result, groups);
    assert_non_null(arena_alloc(&frame, (1 << 20) - (64 << 10)));
    assert_true(iq_handle(&d->b.iq, result, &frame));
    assert_true(list_is_known(d));
    assert_int_equal(stored(d, "120363000000000063@g.us").nmembers, EACH);
    arena_free(&frame);
}

static void cleans_dirty_groups(void **state)
{
    struct desk *d = *state;

    events_emit_kind(&d->b.events, BRIDGE_EV_ONLINE);
    desk_reply(d, desk_sent(d), "result", xml(d, "<groups/>"));
    group_list_dirty(&d->b, xml(d, "<dirty type='account_sync' timestamp='1'/>"));
    group_list_dirty(&d->b, xml(d, "<dirty type='groups' timestamp='1789'/>"));
    assert_none_sent(d); /* after the offline queue (P-LG-20) */
    events_emit_kind(&d->b.events, BRIDGE_EV_OFFLINE_DONE);
    desk_reply(d, desk_sent(d), "result", xml(d, "<groups/>"));
    struct node *clean = desk_sent(d);
    assert_true(node_attr_is(clean, "xmlns", "urn:xmpp:whatsapp:dirty"));
    assert_true(node_attr_is(node_child(clean, "clean"), "type", "groups"));
    assert_true(node_attr_is(node_child(clean, "clean"), "timestamp", "1789"));
    desk_reply(d, clean, "result", NULL);
    assert_none_sent(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, desk_teardown)
        TEST(advice_is_no_list_of_groups_each_time),
        TEST(tells_communities_from_groups),
        TEST(reads_a_group),
        TEST(asks_for_one_group),
        TEST(knows_that_we_are_out),
        TEST(lists_groups_at_login),
        TEST(tries_the_list_again),
        TEST(an_odd_group_makes_nobody_leave),
        TEST(cleans_dirty_groups),
        TEST(a_wall_clock_that_jumps_makes_no_group_old),
        TEST(connections_that_end_meanwhile),
        TEST(a_list_that_never_comes_is_asked_for_without_members),
        TEST(pauses_between_lists_grow_to_an_hour),
        TEST(each_group_of_a_list_has_its_own_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
