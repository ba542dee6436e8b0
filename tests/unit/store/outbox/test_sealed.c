/* For whom messages were sealed: found under both addresses of a person, kept small, forgotten in
 * time. */
#include "tests/unit/store/store_fixture.h"

#include <time.h>

#include "store/core/state.h"
#include "store/outbox/sealed.h"
#include "store/session/lid_map.h"

enum { KEEP_S = 1000, DAY_S = 24 * 3600 };

static int setup(void **state)
{
    struct fixture *f = malloc(sizeof *f);
    struct account a;

    fixture_time = 1790000000;
    fixture_new(f);
    fixture_open(f);
    a = fixture_account(f, "27820000001:7@s.whatsapp.net", "111000111:7@lid");
    OK(device_keys_generate(&f->rng, &a.keys));
    OK(store_account_save(f->s, &a));
    OK(store_commit(f->s));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    free(*state);
    return 0;
}

static struct store_sealed_match find(struct fixture *f, const char *id, const char *device)
{
    const struct jid j = J(device);
    struct store_sealed_match m;

    OK(store_sealed_find(f->s, span_cstr(id), &j, &m));
    return m;
}

/* What the list of A says must be the same for who loads it. */
static void assert_loaded(struct fixture *f, const char *device, bool person, bool exactly)
{
    const struct jid j = J(device);
    struct store_sealed_list *list;
    bool p = !person, d = !exactly;

    OK(store_sealed_load(f->s, SPAN_LIT("A"), &list));
    OK(store_sealed_has(list, &j, &p, &d));
    assert_int_equal(p * 2 + d, person * 2 + exactly);
    store_sealed_free(list);
}

static void assert_match(struct fixture *f, const char *device, bool person, bool exactly)
{
    struct store_sealed_match m = find(f, "A", device);

    assert_int_equal(m.person, person);
    assert_int_equal(m.device, exactly);
    assert_int_equal(jid_is_none(&m.as), !person);
    assert_loaded(f, device, person, exactly);
}

static void persons_and_devices(void **state)
{
    struct fixture *f = *state;
    const struct jid list[] = {J("222000011@lid"), J("222000011:13@lid"), J("222000012:3@lid"),
                               J("27820000013@s.whatsapp.net"), J("27820000013:99@hosted")};
    const struct jid nobody = J("222000011@lid"), lid = J("222000012@lid"),
                     pn = J("27820000012@s.whatsapp.net");
    struct store_sealed_match m;

    assert_int_equal(store_sealed_find(f->s, SPAN_LIT("A"), &nobody, &m), WB_ERR_NOT_FOUND);
    assert_int_equal(store_sealed_put(f->s, SPAN_LIT(""), list, 5, 1), WB_ERR_INVALID);
    OK(store_sealed_put(f->s, SPAN_LIT("A"), list, 5, fixture_time));
    assert_match(f, "222000011@lid", true, true);
    assert_match(f, "222000011:13@lid", true, true);
    assert_match(f, "222000011:1@lid", true, false); /* no part of 13 */
    assert_match(f, "222000011:3@lid", true, false); /* nor this */
    assert_match(f, "22200001@lid", false, false);
    assert_match(f, "22000011@lid", false, false);
    assert_match(f, "222000011@s.whatsapp.net", false, false); /* another person */
    assert_match(f, "27820000013:99@s.whatsapp.net", true, true);
    assert_match(f, "27820000013:99@hosted", true, true);
    assert_match(f, "27820000012:3@s.whatsapp.net", false, false);
    OK(store_lid_put(f->s, &lid, &pn, NULL));
    assert_match(f, "27820000012:3@s.whatsapp.net", true, true);
    m = find(f, "A", "27820000012@s.whatsapp.net");
    assert_true(jid_eq(&m.as, &lid));
    OK(store_commit(f->s));
    fixture_close(f);
    fixture_open(f);
    OK(store_account_load(f->s, NULL, &(struct account){0}));
    assert_match(f, "222000012:3@lid", true, true);
}

/* Devices under the number and under the LID: one person, by whichever form they answer. */
static void who_is_listed_twice_is_one_person(void **state)
{
    static const char *const asks[] = {"222000012:3@lid", "27820000012@s.whatsapp.net",
                                       "222000012@lid", "27820000012:3@s.whatsapp.net"};
    struct fixture *f = *state;
    const struct jid lid = J("222000012@lid"), pn = J("27820000012@s.whatsapp.net");
    const struct jid lists[2][2] = {{J("27820000012@s.whatsapp.net"), J("222000012:3@lid")},
                                    {J("222000012:3@lid"), J("27820000012@s.whatsapp.net")}};

    OK(store_lid_put(f->s, &lid, &pn, NULL));
    for (size_t k = 0; k < 2; k++) {
        OK(store_sealed_put(f->s, SPAN_LIT("A"), lists[k], 2, fixture_time));
        for (size_t i = 0; i < 4; i++) {
            struct store_sealed_match m = find(f, "A", asks[i]);

            assert_true(m.person && m.device);
            assert_true(jid_eq(&m.as, k == 0 ? &pn : &lid));
            assert_loaded(f, asks[i], true, true);
        }
    }
}

static struct jid member(unsigned i, unsigned device)
{
    char text[64];

    snprintf(text, sizeof text, "%u:%u@lid", 200000000 + i, device);
    return J(text);
}

/* A hundred messages to a thousand people with two devices each: one list. */
static void a_large_group_costs_little(void **state)
{
    struct fixture *f = *state;
    struct jid *list = malloc(2000 * sizeof *list);
    char id[16];

    for (unsigned i = 0; i < 2000; i++)
        list[i] = member(i / 2, i % 2 * 7);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "M%u", i);
        OK(store_sealed_put(f->s, span_cstr(id), list, 2000, fixture_time + i));
    }
    OK(store_commit(f->s));
    assert_string_equal(peek_sql(f->wa, "SELECT count(*) FROM bridge_sealed_lists"), "1");
    assert_string_equal(peek_sql(f->wa, "SELECT count(*) FROM bridge_sealed"), "100");
    assert_string_equal(peek_sql(f->wa, "SELECT length(devices) < 30000 FROM bridge_sealed_lists"),
                        "1");
    assert_true(find(f, "M99", "200000999:7@lid").device);
    assert_false(find(f, "M99", "200000999:8@lid").device);
    free(list);
}

/* Each is found, and not by going through the list each time: that takes seconds.
 */
static void a_large_group_is_compared_at_once(void **state)
{
    enum { N = 15000 };
    struct fixture *f = *state;
    struct jid *list = malloc(N * sizeof *list);
    struct store_sealed_list *loaded;
    clock_t begun;

    for (unsigned i = 0; i < N; i++)
        list[i] = member(i / 3, i % 3 * 7);
    OK(store_sealed_put(f->s, SPAN_LIT("BIG"), list, N, fixture_time));
    begun = clock();
    OK(store_sealed_load(f->s, SPAN_LIT("BIG"), &loaded));
    for (size_t i = 0; i < N; i++) {
        bool person = false, device = false;

        OK(store_sealed_has(loaded, &list[i], &person, &device));
        assert_true(person && device);
    }
    store_sealed_free(loaded);
    print_message("%d devices: %ld ms\n", N, (long)((clock() - begun) * 1000 / CLOCKS_PER_SEC));
    assert_true(clock() - begun < CLOCKS_PER_SEC);
    assert_int_equal(store_sealed_load(f->s, SPAN_LIT("NONE"), &loaded), WB_ERR_NOT_FOUND);
    free(list);
}

static void forgotten_in_time(void **state)
{
    struct fixture *f = *state;
    const struct jid one = J("222000011@lid"), two = J("222000012@lid");
    bool more = true;

    OK(store_sealed_put(f->s, SPAN_LIT("OLD"), &one, 1, fixture_time));
    OK(store_sealed_put(f->s, SPAN_LIT("NEW"), &two, 1, fixture_time + 100));
    OK(store_sealed_put(f->s, SPAN_LIT("AHEAD"), &two, 1, fixture_time + 365 * DAY_S));
    OK(store_sealed_prune(f->s, fixture_time + KEEP_S + 50, KEEP_S, &more));
    OK(store_commit(f->s));
    assert_false(more);
    assert_string_equal(peek_sql(f->wa, "SELECT group_concat(message_id) FROM"
                                        " (SELECT message_id FROM bridge_sealed ORDER BY 1)"),
                        "AHEAD,NEW");
    /* A clock that was ahead keeps nothing for years: that counts from when it was noticed. */
    OK(store_sealed_prune(f->s, fixture_time + 2 * KEEP_S + 150, KEEP_S, &more));
    OK(store_sealed_prune(f->s, fixture_time + 3 * KEEP_S + 3 * DAY_S, KEEP_S, &more));
    OK(store_commit(f->s));
    assert_string_equal(peek_sql(f->wa, "SELECT count(*) FROM bridge_sealed"), "0");
    assert_string_equal(peek_sql(f->wa, "SELECT count(*) FROM bridge_sealed_lists"), "0");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(persons_and_devices),
        T(a_large_group_costs_little),
        T(a_large_group_is_compared_at_once),
        T(who_is_listed_twice_is_one_person),
        T(forgotten_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
