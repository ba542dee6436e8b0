/* What the store keeps of groups besides their members: their kind, and what was done for them
 * lately. */
#include "tests/unit/store/store_fixture.h"

#include "store/core/meta.h"
#include "store/session/group_limits.h"
#include "store/session/groups.h"

#define PARENT "120363000000000001@g.us"
#define NEWS   "120363000000000002@g.us"

static void put(struct store *s, const char *jid, enum store_group_kind kind, const char *parent)
{
    struct store_group g = {.jid = J(jid), .kind = kind, .subject = "Group", .updated_at = 7};

    if (parent)
        g.parent = J(parent);
    OK(store_group_put(s, &g));
}

static void kinds_and_parents(void **state)
{
    struct fixture f;
    struct arena a = arena_new(1 << 20);
    struct store_group g, *all = NULL;
    struct jid parent = J(PARENT), news = J(NEWS);
    size_t n = 0;

    (void)state;
    fixture_ready(&f);
    put(f.s, PARENT, STORE_GROUP_COMMUNITY, NULL);
    put(f.s, NEWS, STORE_GROUP_ANNOUNCEMENT, PARENT);
    OK(store_group_get_info(f.s, &parent, &g));
    assert_int_equal(g.kind, STORE_GROUP_COMMUNITY);
    assert_true(jid_is_none(&g.parent));
    OK(store_group_get(f.s, &news, &a, &g));
    assert_int_equal(g.kind, STORE_GROUP_ANNOUNCEMENT);
    assert_true(jid_eq(&g.parent, &parent));
    g.kind = STORE_GROUP_ORDINARY;
    g.parent = (struct jid){0};
    OK(store_group_put_info(f.s, &g));
    OK(store_groups_list(f.s, &a, &all, &n));
    assert_int_equal(n, 2);
    assert_int_equal(all[0].kind, STORE_GROUP_COMMUNITY);
    assert_int_equal(all[1].kind, STORE_GROUP_ORDINARY);
    assert_true(jid_is_none(&all[1].parent));
    arena_free(&a);
    fixture_free(&f);
}

/* A bridge that did not know of communities has written the file: the list is asked for again. */
static void an_older_file_learns_of_communities(void **state)
{
    struct fixture f;
    struct account acc;
    struct store_group g;
    struct jid parent = J(PARENT);
    int64_t at = 0;

    (void)state;
    fixture_ready(&f);
    put(f.s, PARENT, STORE_GROUP_COMMUNITY, NULL);
    OK(store_meta_put_int(f.s, STORE_META_GROUPS_AT, 1790000000));
    OK(store_commit(f.s));
    fixture_close(&f);
    poke_sql(f.wa, "ALTER TABLE bridge_groups DROP COLUMN kind;"
                   "ALTER TABLE bridge_groups DROP COLUMN parent;"
                   "DROP TABLE bridge_group_limits;"
                   "UPDATE bridge_meta SET value = 3 WHERE name = 'schema'");
    fixture_open(&f);
    OK(store_account_load(f.s, NULL, &acc));
    OK(store_group_get_info(f.s, &parent, &g));
    assert_int_equal(g.kind, STORE_GROUP_ORDINARY);
    assert_int_equal(store_meta_get_int(f.s, STORE_META_GROUPS_AT, &at), WB_ERR_NOT_FOUND);
    fixture_free(&f);
}

static void limits_are_kept(void **state)
{
    struct fixture f;
    struct store_group_limits l, want = {.resend_due = 1,
                                         .resends_held = 2,
                                         .refreshed_at = 3,
                                         .refreshed_for = "2:AAAAAAAA",
                                         .devices_at = 4,
                                         .mode_at = 5};
    struct jid group = J(PARENT), other = J(NEWS);

    (void)state;
    fixture_ready(&f);
    OK(store_group_limits_get(f.s, &group, &l));
    assert_int_equal(l.resend_due, 0);
    assert_string_equal(l.refreshed_for, "");
    OK(store_group_limits_put(f.s, &group, &want));
    OK(store_group_limits_get(f.s, &group, &l));
    assert_int_equal(l.resend_due, want.resend_due); /* by field: between them lies anything */
    assert_int_equal(l.resends_held, want.resends_held);
    assert_int_equal(l.refreshed_at, want.refreshed_at);
    assert_string_equal(l.refreshed_for, want.refreshed_for);
    assert_int_equal(l.devices_at, want.devices_at);
    assert_int_equal(l.mode_at, want.mode_at);
    OK(store_group_limits_get(f.s, &other, &l));
    assert_int_equal(l.mode_at, 0);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_and_parents),
        cmocka_unit_test(an_older_file_learns_of_communities),
        cmocka_unit_test(limits_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
