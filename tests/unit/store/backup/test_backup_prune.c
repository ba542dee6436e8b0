/* Which backups are removed: the newest five and one a day stay, and only sets of backups are
 * touched. */
#include "tests/unit/store/backup_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

#include "store/backup/backup.h"
#include "store/files/lock.h"
#include "store/messages/messages.h"
#include "store/session/signal_store.h"

#define GROUP "120363000000000001@g.us"

/* ---- pruning ---- */

enum { DAY = 86400 };

static struct backup_entry entry(int64_t at, const char *reason, const char *phone)
{
    struct backup_entry e = {.manifest = {.created_at = at, .sequence = at}};

    OK(backup_name(at, reason, e.name));
    snprintf(e.manifest.reason, sizeof e.manifest.reason, "%s", reason);
    snprintf(e.manifest.phone, sizeof e.manifest.phone, "%s", phone);
    return e;
}

/* Hourly for ten days, newest first. */
static size_t ten_days(struct backup_entry *list, int64_t now)
{
    size_t n = 0;

    for (int64_t h = 0; h < 240; h++)
        list[n++] = entry(now - h * 3600, BACKUP_SCHEDULED, "27820000001");
    return n;
}

static size_t kept(const bool *drop, size_t n)
{
    size_t k = 0;

    for (size_t i = 0; i < n; i++)
        k += !drop[i];
    return k;
}

static void newest_five_and_one_a_day(void **state)
{
    (void)state;
    static struct backup_entry list[256];
    bool drop[256];
    const int64_t now = 20000 * (int64_t)DAY + 15 * 3600; /* 15:00 */
    const struct backup_keep keep = {5, 7};
    size_t n = ten_days(list, now);
    backup_prune_choose(list, n, &keep, list[0].name, drop);
    /* Today's five (its newest among them), and the newest of each of the six days before. */
    assert_int_equal(kept(drop, n), 5 + 6);
    for (size_t i = 0; i < 5; i++)
        assert_false(drop[i]);
    assert_false(drop[16]); /* yesterday 23:00 */
    assert_true(drop[17]);
    assert_false(drop[16 + 24 * 5]);
    assert_true(drop[16 + 24 * 6]); /* a week ago */
}

static void what_is_never_pruned(void **state)
{
    (void)state;
    static struct backup_entry list[256];
    bool drop[256];
    const int64_t now = 20000 * (int64_t)DAY;
    const struct backup_keep keep = {1, 0};
    size_t n = ten_days(list, now);
    list[100] = entry(now - 100 * 3600, BACKUP_LOGOUT, "27820000001");
    list[101] = entry(now - 101 * 3600, BACKUP_DAMAGE, "27820000001");
    list[102] = entry(now - 102 * 3600, BACKUP_BEFORE_UNLINK, "27820000001");
    list[103].err = WB_ERR_MALFORMED;
    list[104] = entry(now - 104 * 3600, BACKUP_SCHEDULED, "27820000002"); /* the only one of it */
    backup_prune_choose(list, n, &keep, list[50].name, drop);
    assert_int_equal(kept(drop, n), 7);
    assert_false(drop[0] || drop[50] || drop[100] || drop[101] || drop[102] || drop[103] ||
                 drop[104]);
    /* None is known to be good: nothing goes. */
    backup_prune_choose(list, n, &keep, NULL, drop);
    assert_int_equal(kept(drop, n), n);
}

static void count_told(void *ctx, const char *name)
{
    assert_true(backup_name_valid(name));
    ++*(int *)ctx;
}

/* The clock was twenty years ahead for a while, or is now; then it is set right, or falls to 1970.
 */
static void a_wrong_clock_prunes_nothing_good(void **state)
{
    (void)state;
    static struct backup_entry list[300];
    bool right[300], drop[300];
    const int64_t now = 20000 * (int64_t)DAY + 15 * 3600, ahead = 20 * 365 * (int64_t)DAY;
    const struct backup_keep keep = {5, 7};
    const int64_t jumps[] = {ahead, -ahead, -now};
    size_t n = ten_days(list, now);
    backup_prune_choose(list, n, &keep, list[0].name, right);
    for (size_t k = 0; k < sizeof jumps / sizeof jumps[0]; k++) {
        n = ten_days(list + 1, now) + 1;
        list[0] = entry(now + jumps[k], BACKUP_SCHEDULED, "27820000001");
        list[0].manifest.sequence = now + 1;
        backup_prune_choose(list, n, &keep, list[0].name, drop);
        /* It counts as a day of its own, nothing more: five, and the newest of five days. */
        assert_int_equal(kept(drop, n), kept(right, n - 1) - 1);
        for (size_t i = 0; i < 5; i++)
            assert_false(drop[i]);
        for (size_t day = 0; day < 5; day++)
            assert_false(drop[17 + 24 * day]);
        assert_true(drop[17 + 24 * 5]);
    }
    /* A machine that was off for a year: the last days that there are stay. */
    n = ten_days(list + 1, now - 365 * (int64_t)DAY) + 1;
    list[0] = entry(now, BACKUP_SCHEDULED, "27820000001");
    backup_prune_choose(list, n, &keep, list[0].name, drop);
    assert_int_equal(kept(drop, n), kept(right, n - 1) - 1);
}

/* Sets made while the clock was ahead, or when it is behind all of them, stand where they belong.
 */
static void the_order_is_that_of_making(void **state)
{
    (void)state;
    struct fixture f;
    struct paths p;
    static const int64_t steps[] = {0, 60, 20LL * 365 * DAY, -20LL * 365 * DAY, -1700000000, 30};
    enum { N = sizeof steps / sizeof steps[0] };
    char made_names[N][BACKUP_NAME_MAX + 1], name[BACKUP_NAME_MAX + 1], why[512];
    const int64_t began = fixture_time;
    char tightened[STORE_TIGHTENED_MAX];
    const struct backup_keep keep = {2, 1};
    struct backup_entry *list = NULL;
    struct backup_manifest m;
    size_t n = 0;
    int told = 0;
    fixture_ready(&f);
    for (size_t i = 0; i < N; i++) {
        fixture_time += steps[i];
        snprintf(made_names[i], sizeof made_names[i], "%s", made(&f, &p, BACKUP_SCHEDULED).name);
    }
    OK(store_backup_list(p.dir, &list, &n));
    assert_int_equal(n, N);
    for (size_t i = 0; i < N; i++) {
        assert_string_equal(list[i].name, made_names[N - 1 - i]);
        if (i > 0)
            assert_true(list[i].manifest.sequence < list[i - 1].manifest.sequence);
    }
    free(list);
    OK(store_backup_newest_good(p.dir, "27820000001", STORE_FILE_WHATSAPP, name, &m, why));
    assert_string_equal(name, made_names[N - 1]);
    /* One whose manifest is gone has the place of its name, and is in nobody's way. */
    damage(file_of(&p, made_names[2], "manifest.json"), 1);
    OK(store_backup_prune(p.dir, &keep, &fixture_clock, NULL, false, count_told, &told, tightened));
    OK(store_backup_list(p.dir, &list, &n));
    assert_int_equal(told, 3);
    assert_int_equal(n, 3);
    assert_string_equal(list[0].name, made_names[5]);
    assert_string_equal(list[1].name, made_names[4]);
    assert_string_equal(list[2].name, made_names[2]);
    free(list);
    fixture_time = began;
    fixture_free(&f);
}

static void pruning_removes_only_sets(void **state)
{
    (void)state;
    struct fixture f;
    struct paths p;
    struct backup_entry *list = NULL;
    char tightened[STORE_TIGHTENED_MAX];
    const struct backup_keep keep = {2, 0};
    char command[400];
    size_t n = 0;
    int told = 0;
    fixture_ready(&f);
    for (int i = 0; i < 4; i++, fixture_time += 60)
        made(&f, &p, BACKUP_SCHEDULED);
    snprintf(command, sizeof command, "mkdir %s/mine && touch %s/mine/x", p.dir, p.dir);
    assert_int_equal(system(command), 0);
    OK(store_backup_list(p.dir, &list, &n));
    assert_int_equal(n, 4);
    /* The newest is bad: the newest good one, the second, is what must stay in any case. */
    damage(file_of(&p, list[0].name, "whatsapp.db"), 100);
    free(list);
    OK(store_backup_prune(p.dir, &keep, &fixture_clock, NULL, true, count_told, &told, tightened));
    assert_int_equal(told, 2);
    OK(store_backup_prune(p.dir, &keep, &fixture_clock, NULL, false, count_told, &told, tightened));
    assert_int_equal(told, 4);
    OK(store_backup_list(p.dir, &list, &n));
    assert_int_equal(n, 2);
    free(list);
    assert_int_equal(access(file_of(&p, "mine", "x"), F_OK), 0);
    fixture_time -= 240;
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newest_five_and_one_a_day),
        cmocka_unit_test(what_is_never_pruned),
        cmocka_unit_test(pruning_removes_only_sets),
        cmocka_unit_test(a_wrong_clock_prunes_nothing_good),
        cmocka_unit_test(the_order_is_that_of_making),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
