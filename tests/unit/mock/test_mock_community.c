/* Communities as a client of wa-mock makes, fills, asks about, joins and dissolves them. */
#include "client_fixture.h"

#include "tools/mock/service/community.h"
#include "tools/mock/service/group.h"
#include "tools/mock/service/names.h"

static struct node *ask(struct fixture *f, const char *type, const struct jid *to, const char *id)
{
    struct node *iq = request(f, type, id);

    node_attr_text(&f->a, iq, "xmlns", "w:g2");
    if (to)
        node_attr_jid(&f->a, iq, "to", to);
    return iq;
}

/* The community of that client, with a general chat. */
static struct group *make(struct fixture *f, const char *subject)
{
    struct jid server = jid_server_only(JID_GROUP), jid = {0};
    struct node *iq = ask(f, "set", &server, subject);
    struct node *create = node_child_new(&f->a, iq, "create");

    node_attr_text(&f->a, create, "subject", subject);
    (void)node_child_new(&f->a, create, "parent");
    (void)node_child_new(&f->a, create, "create_general_chat");
    send_node(f, iq);
    const struct node *g = node_child(answer_to(f, subject), "group");
    assert_non_null(node_child(g, "parent"));
    OK(jid_make(node_attr_str(g, "id", &f->a), JID_GROUP, 0, &jid));
    struct group *made = world_group(&f->m.world, &jid);
    assert_non_null(made);
    return made;
}

static struct group *plain_group(struct fixture *f, struct mock_account *creator,
                                 const char *subject)
{
    mock_enter(&f->m);
    struct group *g = group_create(&f->m, subject, true, creator, NULL, 0);
    mock_leave(&f->m);
    assert_non_null(g);
    return g;
}

/* The code of the error for that group, 0 when it was linked (or unlinked). */
static uint64_t link_group(struct fixture *f, const struct group *parent, const struct group *g,
                           bool link, const char *id)
{
    struct node *iq = ask(f, "set", &parent->jid, id);
    struct node *in = link ? node_child_new(&f->a, node_child_new(&f->a, iq, "links"), "link")
                           : node_child_new(&f->a, iq, "unlink");

    node_attr_text(&f->a, in, link ? "link_type" : "unlink_type", "sub_group");
    node_attr_jid(&f->a, node_child_new(&f->a, in, "group"), "jid", &g->jid);
    send_node(f, iq);
    const struct node *answer = answer_to(f, id);
    assert_true(node_attr_is(answer, "type", "result"));
    const struct node *out =
        link ? node_child(node_child(answer, "links"), "link") : node_child(answer, "unlink");
    uint64_t error = 0;
    assert_non_null(node_child(out, "group"));
    (void)node_attr_get_u64(node_child(out, "group"), "error", &error);
    return error;
}

/* What the query about the groups of a community is answered with. */
static struct span listed(struct fixture *f, const struct group *parent, const char *id)
{
    char jid[JID_TEXT_MAX], text[256];
    struct node *iq = request(f, "get", id);

    node_attr_text(&f->a, iq, "xmlns", "w:mex");
    struct node *query = node_child_new(&f->a, iq, "query");
    node_attr_text(&f->a, query, "query_id", "9935467776504344");
    (void)snprintf(text, sizeof text, "{\"variables\":{\"group_id\":\"%s\"}}",
                   jid_text(&parent->jid, jid));
    node_set_bytes(&f->a, query, span_cstr(text));
    send_node(f, iq);
    return node_content_bytes(node_child(answer_to(f, id), "result"));
}

static bool contains(struct span text, const char *what)
{
    return text.p != NULL && memmem(text.p, text.n, what, strlen(what)) != NULL;
}

static void test_a_community_has_its_groups(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    struct group *parent = make(f, "Village");
    struct span list = listed(f, parent, "L1");

    assert_true(contains(list, "\"default_sub_group\":{"));
    assert_true(contains(list, "\"general_chat\":true"));

    struct group *sub = plain_group(f, d->account, "Choir");
    assert_int_equal(link_group(f, parent, sub, true, "K1"), 0);
    assert_ptr_equal(sub->parent, parent);
    assert_int_equal(link_group(f, parent, sub, true, "K2"), 409);
    assert_true(contains(listed(f, parent, "L2"), "\"value\":\"Choir\""));
    assert_int_equal(link_group(f, parent, sub, false, "K3"), 0);
    assert_null(sub->parent);
    assert_false(contains(listed(f, parent, "L3"), "Choir"));
    assert_int_equal(link_group(f, parent, sub, false, "K4"), 404);
    assert_int_equal(faults(&f->m), 0);
}

static void test_who_may_link_and_join(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    struct mock_account *anna = names_account(&f->m, "Anna");
    struct group *mine = make(f, "Village"), *choir = plain_group(f, anna, "Choir");

    assert_int_equal(link_group(f, mine, choir, true, "K1"), 403); /* not ours */
    mock_enter(&f->m);
    struct group *hers = community_create(&f->m, "Town", anna, NULL, 0, false);
    community_link(&f->m, choir, hers);
    mock_leave(&f->m);
    for (int i = 0; i < 2; i++) { /* first as a stranger, then as a member of the community */
        const char *id = i == 0 ? "J1" : "J2";
        struct node *iq = ask(f, "set", &hers->jid, id);

        node_attr_jid(&f->a, node_child_new(&f->a, iq, "join_linked_group"), "jid", &choir->jid);
        send_node(f, iq);
        const struct node *answer = answer_to(f, id);
        assert_true(node_attr_is(answer, "type", i == 0 ? "error" : "result"));
        assert_true((world_find_member(choir, d->account) != NULL) == (i == 1));
        assert_true(i == 0 || node_child(node_child(answer, "linked_group"), "group") != NULL);
        assert_true(world_add_member(hers, d->account, 0));
    }
    assert_false(contains(listed(f, mine, "L1"), "Choir"));
    assert_true(contains(listed(f, hers, "L2"), "Choir"));
}

static void test_a_dissolved_community_is_gone(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    struct group *parent = make(f, "Village"), *sub = plain_group(f, d->account, "Choir");

    assert_int_equal(link_group(f, parent, sub, true, "K1"), 0);
    struct node *iq = ask(f, "set", &parent->jid, "D1");
    (void)node_child_new(&f->a, iq, "delete_parent");
    send_node(f, iq);
    assert_true(node_attr_is(answer_to(f, "D1"), "type", "result"));
    assert_null(sub->parent);
    assert_non_null(world_find_member(sub, d->account)); /* the groups live on */
    iq = ask(f, "get", &parent->jid, "G1");
    (void)node_child_new(&f->a, iq, "query");
    send_node(f, iq);
    assert_true(node_attr_is(answer_to(f, "G1"), "type", "error"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_community_has_its_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_may_link_and_join, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_dissolved_community_is_gone, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
