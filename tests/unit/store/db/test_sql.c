/* A statement in one call: values come out as they went in, and there are errors when there is no
 * row or a value does not have the form that was asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/db/sql.h"

#define OK(expr) assert_int_equal((expr), WB_OK)
#define GET_ALL                                                                                    \
    "SELECT number, small, size, flag, text, word, bytes, jid, address, none FROM t WHERE number " \
    "= ?"

static char path[] = "/tmp/wb-test-sql-XXXXXX";
static struct db d;

static int setup(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    OK(db_open(&d, path));
    OK(db_exec(&d, "CREATE TABLE t (number INTEGER PRIMARY KEY, small, size, flag, text, word,"
                   " bytes BLOB, jid, address, none)"));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    db_close(&d);
    unlink(path);
    return 0;
}

static int empty(void **state)
{
    (void)state;
    OK(db_exec(&d, "DELETE FROM t"));
    return 0;
}

/* No statement is left in use: DB_STATEMENTS_MAX of them would leave no room for another. */
static void nothing_stands(void)
{
    for (size_t i = 0; i < d.nstatements; i++)
        assert_false(d.statements[i].busy);
}

static const uint8_t four[4] = {1, 0, 2, 3};

static void put(int64_t number)
{
    struct jid jid, device;

    OK(jid_parse_cstr("4915100000001@s.whatsapp.net", &jid));
    OK(jid_parse_cstr("4915100000001:7@s.whatsapp.net", &device));
    OK(sql_run(&d,
               "INSERT INTO t (number, small, size, flag, text, word, bytes, jid, address, none)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               BINDS(BIND_INT(number), BIND_INT(UINT32_MAX), BIND_INT(77), BIND_INT(2),
                     BIND_TEXT("text"), BIND_SPAN(SPAN_LIT("word")), BIND_BLOB(SPAN_ARRAY(four)),
                     BIND_JID(&jid), BIND_ADDRESS(&device), BIND_TEXT(NULL))));
}

static void each_type_goes_in_and_comes_out(void **state)
{
    int64_t number = 0;
    uint32_t small = 0;
    size_t size = 0;
    bool flag = false;
    char text[16] = "", address[32] = "", none[4] = "xyz", expected[JID_TEXT_MAX];
    uint8_t bytes[4] = {0};
    struct jid jid = {0}, device;
    struct span word = SPAN_NULL;
    struct arena a = arena_new(1000);

    (void)state;
    put(-5);
    OK(sql_row(&d, GET_ALL, BINDS(BIND_INT(-5)),
               COLS(COL_INT(&number), COL_UINT32(&small), COL_SIZE(&size), COL_BOOL(&flag),
                    COL_TEXT(text, sizeof text), COL_COPY(&a, &word),
                    COL_BYTES(bytes, sizeof bytes), COL_JID(&jid),
                    COL_TEXT(address, sizeof address), COL_TEXT(none, sizeof none))));
    assert_int_equal(number, -5);
    assert_int_equal(small, UINT32_MAX);
    assert_int_equal(size, 77);
    assert_true(flag);
    assert_string_equal(text, "text");
    assert_true(span_eq(word, SPAN_LIT("word")));
    assert_memory_equal(bytes, four, sizeof four);
    assert_string_equal(jid_text(&jid, expected), "4915100000001@s.whatsapp.net");
    OK(jid_parse_cstr("4915100000001:7@s.whatsapp.net", &device));
    assert_string_equal(address, jid_signal_address(&device, expected));
    assert_string_equal(none, "");
    nothing_stands();
    arena_free(&a);
}

static void bytes_are_appended_to_a_buffer(void **state)
{
    struct buf roomy = buf_new(100), narrow = buf_new(3);

    (void)state;
    put(1);
    buf_append(&roomy, SPAN_LIT("<"));
    OK(sql_row(&d, "SELECT bytes FROM t WHERE number = ?", BINDS(BIND_INT(1)),
               COLS(COL_APPEND(&roomy))));
    assert_int_equal(buf_span(&roomy).n, 1 + sizeof four);
    assert_memory_equal(buf_span(&roomy).p + 1, four, sizeof four);
    assert_int_equal(sql_row(&d, "SELECT bytes FROM t WHERE number = ?", BINDS(BIND_INT(1)),
                             COLS(COL_APPEND(&narrow))),
                     WB_ERR_TOO_LARGE);
    nothing_stands();
    buf_free(&roomy);
    buf_free(&narrow);
}

static void nothing_is_written_without_a_row_or_with_bytes_of_another_length(void **state)
{
    int64_t number = 42;
    uint8_t bytes[5] = {9, 9, 9, 9, 9};

    (void)state;
    assert_int_equal(sql_row(&d, "SELECT number FROM t WHERE number = ?", BINDS(BIND_INT(1)),
                             COLS(COL_INT(&number))),
                     WB_ERR_NOT_FOUND);
    assert_int_equal(
        sql_int(&d, "SELECT number FROM t WHERE number = ?", BINDS(BIND_INT(1)), &number),
        WB_ERR_NOT_FOUND);
    put(1);
    assert_int_equal(sql_row(&d, "SELECT number, bytes FROM t WHERE number = ?", BINDS(BIND_INT(1)),
                             COLS(COL_INT(&number), COL_BYTES(bytes, sizeof bytes))),
                     WB_ERR_DB_CORRUPT);
    assert_int_equal(sql_row(&d, "SELECT number, none FROM t WHERE number = ?", BINDS(BIND_INT(1)),
                             COLS(COL_INT(&number), COL_BYTES(bytes, sizeof bytes))),
                     WB_ERR_DB_CORRUPT);
    assert_int_equal(number, 42);
    assert_int_equal(bytes[0], 9);
    OK(sql_int(&d, "SELECT number FROM t WHERE number = ?", BINDS(BIND_INT(1)), &number));
    assert_int_equal(number, 1);
    nothing_stands();
}

static void is_there_a_row(void **state)
{
    bool there = true;

    (void)state;
    OK(sql_exists(&d, "SELECT 1 FROM t WHERE number = ?", BINDS(BIND_INT(1)), &there));
    assert_false(there);
    put(1);
    put(2);
    OK(sql_exists(&d, "SELECT 1 FROM t WHERE number >= ?", BINDS(BIND_INT(1)), &there));
    assert_true(there);
    nothing_stands();
}

struct sum {
    int64_t numbers;
    size_t rows;
    size_t last; /* after this row it fails */
};

static enum wb_err add(struct stmt *q, void *ctx)
{
    struct sum *s = ctx;

    s->numbers += stmt_col_int(q, 0);
    return ++s->rows == s->last ? WB_ERR_TOO_LARGE : WB_OK;
}

static void rows_are_read_by_a_function(void **state)
{
    struct sum all = {0}, some = {.last = 2}, first = {0};

    (void)state;
    OK(sql_each(&d, "SELECT number FROM t ORDER BY number LIMIT ?", BINDS(BIND_INT(9)), add, &all));
    assert_int_equal(all.rows, 0);
    assert_int_equal(sql_row_by(&d, "SELECT number FROM t ORDER BY number LIMIT ?",
                                BINDS(BIND_INT(9)), add, &first),
                     WB_ERR_NOT_FOUND);
    assert_int_equal(first.rows, 0);
    for (int i = 1; i <= 4; i++)
        put(i);
    OK(sql_each(&d, "SELECT number FROM t ORDER BY number LIMIT ?", BINDS(BIND_INT(9)), add, &all));
    assert_int_equal(all.rows, 4);
    assert_int_equal(all.numbers, 10);
    assert_int_equal(sql_each(&d, "SELECT number FROM t ORDER BY number LIMIT ?",
                              BINDS(BIND_INT(9)), add, &some),
                     WB_ERR_TOO_LARGE);
    assert_int_equal(some.rows, 2);
    OK(sql_row_by(&d, "SELECT number FROM t ORDER BY number LIMIT ?", BINDS(BIND_INT(9)), add,
                  &first));
    assert_int_equal(first.numbers, 1);
    first = (struct sum){.last = 1};
    assert_int_equal(sql_row_by(&d, "SELECT number FROM t ORDER BY number LIMIT ?",
                                BINDS(BIND_INT(9)), add, &first),
                     WB_ERR_TOO_LARGE);
    nothing_stands();
}

static enum wb_err read_number(struct stmt *q, void *element)
{
    int64_t *number = element;

    *number = stmt_col_int(q, 0);
    return *number == 3 ? WB_ERR_NOT_FOUND : WB_OK;
}

static void rows_fill_an_array(void **state)
{
    static const char sql[] = "SELECT number FROM t WHERE number > ? ORDER BY number";
    int64_t numbers[3] = {7, 7, 7};
    size_t n = 9;

    (void)state;
    OK(sql_rows(&d, sql, BINDS(BIND_INT(0)), read_number, numbers, sizeof *numbers, 2, &n));
    assert_int_equal(n, 0);
    for (int i = 1; i <= 4; i++)
        put(i);
    OK(sql_rows(&d, sql, BINDS(BIND_INT(0)), read_number, numbers, sizeof *numbers, 2, &n));
    assert_int_equal(n, 2);
    assert_int_equal(numbers[0], 1);
    assert_int_equal(numbers[1], 2);
    assert_int_equal(numbers[2], 7);
    OK(sql_rows(&d, sql, BINDS(BIND_INT(3)), read_number, numbers, sizeof *numbers, 2, &n));
    assert_int_equal(n, 1);
    OK(sql_rows(&d, sql, BINDS(BIND_INT(0)), read_number, numbers, sizeof *numbers, 0, &n));
    assert_int_equal(n, 0);
    /* An error of the function is told, also one that reads as if the rows had come to an end. */
    n = 9;
    assert_int_equal(
        sql_rows(&d, sql, BINDS(BIND_INT(0)), read_number, numbers, sizeof *numbers, 3, &n),
        WB_ERR_NOT_FOUND);
    assert_int_equal(n, 9);
    nothing_stands();
}

static void a_write_begins_a_transaction_and_its_error_ends_the_list(void **state)
{
    static const char *const both[] = {"UPDATE t SET size = ?", "UPDATE t SET flag = ?", NULL};
    static const char *const bad[] = {"UPDATE t SET size = ?1 + 1",
                                      "INSERT INTO t (number) VALUES (?1)",
                                      "UPDATE t SET size = ?1 + 2", NULL};
    int64_t size = 0, flag = 0;

    (void)state;
    put(1);
    assert_true(d.in_tx);
    OK(sql_run_all(&d, both, BINDS(BIND_INT(1))));
    assert_int_equal(stmt_changes(&d), 1);
    OK(db_commit(&d));
    OK(sql_row(&d, "SELECT size, flag FROM t WHERE number = ?", BINDS(BIND_INT(1)),
               COLS(COL_INT(&size), COL_INT(&flag))));
    assert_int_equal(size, 1);
    assert_int_equal(flag, 1);
    assert_int_equal(sql_run_all(&d, bad, BINDS(BIND_INT(1))), WB_ERR_DB);
    nothing_stands();
    OK(sql_int(&d, "SELECT size FROM t WHERE number = ?", BINDS(BIND_INT(1)), &size));
    assert_int_equal(size, 2);
    /* As with stmt.h: what a failed write left can only be rolled back. */
    assert_int_equal(db_commit(&d), WB_ERR_DB);
    OK(sql_int(&d, "SELECT size FROM t WHERE number = ?", BINDS(BIND_INT(1)), &size));
    assert_int_equal(size, 1);
}

static void a_write_in_pieces_says_whether_there_is_more(void **state)
{
    static const char sql[] = "DELETE FROM t WHERE number IN (SELECT number FROM t LIMIT ?)";
    bool more = false;

    (void)state;
    for (int i = 1; i <= 3; i++)
        put(i);
    OK(sql_run_some(&d, sql, BINDS(BIND_INT(2)), 2, &more));
    assert_true(more);
    OK(sql_run_some(&d, sql, BINDS(BIND_INT(2)), 2, &more));
    assert_false(more);
    more = true;
    assert_int_equal(
        sql_run_some(&d, "DELETE FROM nowhere WHERE a = ?", BINDS(BIND_INT(2)), 2, &more),
        WB_ERR_DB);
    assert_true(more);
    db_rollback(&d);
}

static void sql_that_cannot_be_prepared_is_an_error(void **state)
{
    bool there = true;
    int64_t n = 7;
    struct sum s = {0};

    (void)state;
    assert_int_equal(
        sql_exists(&d, "SELECT 1 FROM nowhere WHERE a = ?", BINDS(BIND_INT(1)), &there), WB_ERR_DB);
    assert_int_equal(sql_int(&d, "SELECT 2 FROM nowhere WHERE a = ?", BINDS(BIND_INT(1)), &n),
                     WB_ERR_DB);
    assert_int_equal(sql_each(&d, "SELECT 3 FROM nowhere WHERE a = ?", BINDS(BIND_INT(1)), add, &s),
                     WB_ERR_DB);
    assert_int_equal(sql_run(&d, "DELETE FROM nowhere WHERE a = ?", BINDS(BIND_INT(1))), WB_ERR_DB);
    db_rollback(&d);
    assert_true(there);
    assert_int_equal(n, 7);
    /* One value too many: a failed bind is reported by the step. */
    assert_int_equal(
        sql_int(&d, "SELECT number FROM t WHERE number = ?", BINDS(BIND_INT(1), BIND_INT(2)), &n),
        WB_ERR_DB);
    nothing_stands();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_type_goes_in_and_comes_out, empty),
        cmocka_unit_test_setup(bytes_are_appended_to_a_buffer, empty),
        cmocka_unit_test_setup(nothing_is_written_without_a_row_or_with_bytes_of_another_length,
                               empty),
        cmocka_unit_test_setup(is_there_a_row, empty),
        cmocka_unit_test_setup(rows_are_read_by_a_function, empty),
        cmocka_unit_test_setup(rows_fill_an_array, empty),
        cmocka_unit_test_setup(a_write_begins_a_transaction_and_its_error_ends_the_list, empty),
        cmocka_unit_test_setup(a_write_in_pieces_says_whether_there_is_more, empty),
        cmocka_unit_test_setup(sql_that_cannot_be_prepared_is_an_error, empty),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
