/* Questions about a database's schema, which a second kind of database would answer in its own
 * way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "store/db/db.h"
#include "store/db/db_schema.h"
#include "store/db/dialect.h"

#define OK(expr) assert_int_equal((expr), WB_OK)

struct fixture {
    char path[40];
    struct db d;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    *f = (struct fixture){.path = "/tmp/wb-test-schema-XXXXXX"};
    int fd = mkstemp(f->path);
    assert_true(fd >= 0);
    close(fd);
    OK(db_open(&f->d, f->path));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    db_close(&f->d);
    unlink(f->path);
    free(f);
    return 0;
}

static void tables_and_columns_are_found_by_name(void **state)
{
    static const char *const names[] = {"a", "nowhere", "b", NULL};
    static const char *const none[] = {NULL};
    struct fixture *f = *state;
    bool is = false;
    size_t n = 9;

    OK(db_is_empty(&f->d, &is));
    assert_true(is);
    OK(db_exec(&f->d, "CREATE TABLE a (x, y GENERATED ALWAYS AS (x + 1)); CREATE TABLE b (z);"
                      "CREATE INDEX i ON a (x)"));
    OK(db_is_empty(&f->d, &is));
    assert_false(is);
    OK(db_count_tables(&f->d, names, &n));
    assert_int_equal(n, 2);
    OK(db_count_tables(&f->d, none, &n));
    assert_int_equal(n, 0);
    OK(db_has_table(&f->d, "a", &is));
    assert_true(is);
    OK(db_has_table(&f->d, "i", &is)); /* is an index */
    assert_false(is);
    OK(db_has_name(&f->d, "i", &is));
    assert_true(is);
    OK(db_has_name(&f->d, "j", &is));
    assert_false(is);
    OK(db_has_column(&f->d, "a", "x", &is));
    assert_true(is);
    OK(db_has_column(&f->d, "a", "y", &is)); /* is generated */
    assert_false(is);
    OK(db_has_any_column(&f->d, "a", "y", &is));
    assert_true(is);
    OK(db_has_any_column(&f->d, "a", "z", &is));
    assert_false(is);
    OK(db_has_column(&f->d, "nowhere", "x", &is));
    assert_false(is);
}

static void a_version_is_kept(void **state)
{
    struct fixture *f = *state;
    int64_t version = 9;

    OK(db_get_version(&f->d, &version));
    assert_int_equal(version, 0);
    OK(db_set_version(&f->d, 2));
    db_close(&f->d);
    OK(db_open(&f->d, f->path));
    OK(db_get_version(&f->d, &version));
    assert_int_equal(version, 2);
}

static void foreign_keys_can_be_left_alone(void **state)
{
    struct fixture *f = *state;

    OK(db_exec(&f->d, "CREATE TABLE a (x PRIMARY KEY);"
                      "CREATE TABLE b (x REFERENCES a (x))"));
    assert_int_equal(db_exec(&f->d, "INSERT INTO b (x) VALUES (1)"), WB_ERR_DB);
    OK(db_set_foreign_keys(&f->d, false));
    OK(db_exec(&f->d, "INSERT INTO b (x) VALUES (1)"));
    OK(db_set_foreign_keys(&f->d, true));
    assert_int_equal(db_exec(&f->d, "INSERT INTO b (x) VALUES (2)"), WB_ERR_DB);
}

static void the_greater_of_two_and_of_three(void **state)
{
    struct fixture *f = *state;
    int64_t n = 0;

    OK(db_query_int(&f->d, "SELECT " SQL_GREATER("3", "4"), &n));
    assert_int_equal(n, 4);
    OK(db_query_int(&f->d, "SELECT " SQL_GREATER("4", "4"), &n));
    assert_int_equal(n, 4);
    OK(db_query_int(&f->d, "SELECT " SQL_GREATER("-3", "-4"), &n));
    assert_int_equal(n, -3);
    OK(db_query_int(&f->d, "SELECT " SQL_GREATER(SQL_GREATER("1", "2"), "3"), &n));
    assert_int_equal(n, 3);
    OK(db_query_int(&f->d, "SELECT " SQL_GREATER(SQL_GREATER("1", "5"), "3"), &n));
    assert_int_equal(n, 5);
    OK(db_query_int(&f->d, "SELECT " SQL_GREATER(SQL_GREATER("7", "5"), "6"), &n));
    assert_int_equal(n, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tables_and_columns_are_found_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(a_version_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(foreign_keys_can_be_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(the_greater_of_two_and_of_three, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
