/* Offered parts of the history: noted once, in order, until they are read. */
#include "tests/unit/store/store_fixture.h"

#include "store/core/batch.h"
#include "store/messages/history_files.h"

static void noted_once_and_in_order(void **state)
{
    struct fixture f;
    struct store_history_file file;
    struct buf note = buf_new(1024);
    int64_t soonest = 7, first;
    size_t n = 9;

    (void)state;
    fixture_ready(&f);
    OK(store_history_files_count(f.s, &n));
    assert_int_equal(n, 0);
    assert_int_equal(store_history_file_first(f.s, 1000, &file, &note, &soonest), WB_ERR_NOT_FOUND);
    assert_int_equal(soonest, 0);
    OK(store_history_file_put(f.s, SPAN_LIT("B"), SPAN_LIT("first"), 100));
    OK(store_history_file_put(f.s, SPAN_LIT("A"), SPAN_LIT("second"), 200));
    OK(store_history_file_put(f.s, SPAN_LIT("B"), SPAN_LIT("again"), 300));
    OK(store_commit(f.s));
    OK(store_history_files_count(f.s, &n));
    assert_int_equal(n, 2);
    OK(store_history_file_first(f.s, 1000, &file, &note, &soonest));
    assert_string_equal(file.message_id, "B");
    assert_string_equal(buf_cstr(&note), "first");
    assert_int_equal(file.offered_at, 100);
    OK(store_history_file_tried(f.s, file.seq, 2, 5000));
    first = file.seq;
    buf_clear(&note);
    OK(store_history_file_first(f.s, 1000, &file, &note, &soonest)); /* the other one is not */
    assert_string_equal(file.message_id, "A");
    assert_string_equal(buf_cstr(&note), "second");
    OK(store_history_file_tried(f.s, file.seq, 1, 6000));
    buf_clear(&note);
    assert_int_equal(store_history_file_first(f.s, 4999, &file, &note, &soonest), WB_ERR_NOT_FOUND);
    assert_int_equal(soonest, 5000);
    assert_int_equal(note.n, 0);
    OK(store_history_file_first(f.s, 5000, &file, &note, &soonest));
    assert_int_equal(file.seq, first);
    assert_int_equal(file.tries, 2);
    OK(store_history_files_due(f.s));
    buf_clear(&note);
    OK(store_history_file_first(f.s, 1000, &file, &note, &soonest));
    assert_int_equal(file.seq, first);
    assert_int_equal(file.next_at, 0);
    assert_int_equal(file.tries, 2);
    OK(store_history_file_done(f.s, first));
    OK(store_history_files_count(f.s, &n));
    assert_int_equal(n, 1);
    assert_int_equal(store_history_file_put(f.s, SPAN_NULL, SPAN_LIT("x"), 1), WB_ERR_INVALID);
    buf_free(&note);
    fixture_free(&f);
}

/* A part is the same in whatever message it comes; it is lost until it is read. */
static void lost_until_it_is_read(void **state)
{
    const struct store_history_part part = {3, 7}, other = {0, 7};
    struct fixture f;
    int64_t at = 0;
    size_t n = 9;

    (void)state;
    fixture_ready(&f);
    assert_int_equal(store_history_lost_at(f.s, &part, &at), WB_ERR_NOT_FOUND);
    OK(store_history_lost_put(f.s, &part, 100));
    OK(store_history_lost_put(f.s, &part, 200));
    OK(store_history_lost_put(f.s, &other, 300));
    OK(store_history_lost_at(f.s, &part, &at));
    assert_int_equal(at, 200);
    OK(store_history_lost_count(f.s, &n));
    assert_int_equal(n, 2);
    OK(store_history_lost_done(f.s, &part));
    assert_int_equal(store_history_lost_at(f.s, &part, &at), WB_ERR_NOT_FOUND);
    OK(store_history_lost_at(f.s, &other, &at));
    OK(store_commit(f.s));
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(noted_once_and_in_order),
                                       cmocka_unit_test(lost_until_it_is_read)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
