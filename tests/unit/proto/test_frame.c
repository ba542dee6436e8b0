/* Frames out of a byte stream that is cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/frame.h"

static const struct span payloads[] = {
    {(const uint8_t *)"first", 5},
    {(const uint8_t *)"", 0},
    {(const uint8_t *)"x", 1},
    {(const uint8_t *)"a longer one, over the header's size", 36}};
enum { PAYLOADS = sizeof payloads / sizeof *payloads };

static struct buf stream_of_payloads(void)
{
    struct buf b = buf_new(1024);

    for (size_t i = 0; i < PAYLOADS; i++)
        assert_int_equal(frame_write(&b, payloads[i]), WB_OK);
    return b;
}

/* Takes what is complete, checks it against payloads[*seen..]. */
static void take(struct frame_reader *r, size_t *seen)
{
    struct span f;

    for (;;) {
        assert_int_equal(frame_reader_next(r, &f), WB_OK);
        if (span_is_null(f))
            return;
        assert_true(*seen < PAYLOADS);
        assert_true(span_eq(f, payloads[*seen]));
        (*seen)++;
    }
}

static void every_pair_of_cuts(void **state)
{
    struct buf b = stream_of_payloads();
    struct span all = buf_span(&b);

    (void)state;
    for (size_t i = 0; i <= all.n; i++)
        for (size_t k = i; k <= all.n; k++) {
            struct frame_reader r = frame_reader_new(64);
            size_t seen = 0;

            assert_int_equal(frame_reader_push(&r, span_first(all, i)), WB_OK);
            take(&r, &seen);
            assert_int_equal(frame_reader_push(&r, SPAN(all.p + i, k - i)), WB_OK);
            take(&r, &seen);
            assert_int_equal(frame_reader_push(&r, span_skip(all, k)), WB_OK);
            take(&r, &seen);
            assert_int_equal(seen, PAYLOADS);
            frame_reader_free(&r);
        }
    buf_free(&b);
}

static void byte_by_byte(void **state)
{
    struct buf b = stream_of_payloads();
    struct frame_reader r = frame_reader_new(64);
    size_t seen = 0;

    (void)state;
    for (size_t i = 0; i < b.n; i++) {
        assert_int_equal(frame_reader_push(&r, SPAN(b.p + i, 1)), WB_OK);
        take(&r, &seen);
    }
    assert_int_equal(seen, PAYLOADS);
    frame_reader_free(&r);
    buf_free(&b);
}

static void too_large_is_seen_in_the_header(void **state)
{
    struct frame_reader r = frame_reader_new(8);
    struct span f = SPAN_LIT("untouched");

    (void)state;
    assert_int_equal(frame_reader_push(&r, SPAN_LIT("\0\0\x09")), WB_OK);
    assert_int_equal(frame_reader_next(&r, &f), WB_ERR_TOO_LARGE);
    assert_true(span_eq_cstr(f, "untouched"));
    frame_reader_free(&r);

    r = frame_reader_new(8);
    assert_int_equal(frame_reader_push(&r, SPAN_LIT("\0\0\x08"
                                                    "12345678")),
                     WB_OK);
    assert_int_equal(frame_reader_next(&r, &f), WB_OK);
    assert_true(span_eq_cstr(f, "12345678"));
    frame_reader_free(&r);
}

static void memory_is_bounded(void **state)
{
    struct frame_reader r = frame_reader_new(8);
    uint8_t junk[23] = {0};

    (void)state;
    assert_int_equal(frame_reader_push(&r, SPAN_ARRAY(junk)), WB_ERR_TOO_LARGE);
    frame_reader_free(&r);
}

static void large_frames_and_their_memory(void **state)
{
    enum { N = 300 * 1024 };
    struct frame_reader r = frame_reader_new(FRAME_HEADER_BYTES + N);
    struct buf b = buf_new(2 * N);
    struct span f;
    uint8_t *big = calloc(1, N);

    (void)state;
    memset(big, 'B', N);
    assert_int_equal(frame_write(&b, SPAN(big, N)), WB_OK);
    assert_int_equal(frame_reader_push(&r, buf_span(&b)), WB_OK);
    assert_int_equal(frame_reader_next(&r, &f), WB_OK);
    assert_true(span_eq(f, SPAN(big, N)));
    assert_int_equal(frame_reader_push(&r, SPAN_LIT("\0\0\1")), WB_OK);
    assert_true(r.pending.cap < N); /* given back */
    assert_int_equal(frame_reader_push(&r, SPAN_LIT("y")), WB_OK);
    assert_int_equal(frame_reader_next(&r, &f), WB_OK);
    assert_true(span_eq_cstr(f, "y"));
    frame_reader_free(&r);
    buf_free(&b);
    free(big);
}

static void writing(void **state)
{
    struct buf b = buf_new(64);
    static const uint8_t written[] = {0, 0, 2, 8, 9};
    uint8_t one = 0;

    (void)state;
    assert_memory_equal(wa_intro, "WA\6\3", WA_INTRO_BYTES);
    assert_int_equal(frame_write(&b, SPAN_LIT("\x08\x09")), WB_OK);
    assert_true(span_eq(buf_span(&b), SPAN_ARRAY(written)));
    /* The size is refused before a byte is looked at. */
    assert_int_equal(frame_write(&b, SPAN(&one, 1 << 24)), WB_ERR_TOO_LARGE);
    assert_int_equal(b.n, sizeof written);
    assert_int_equal(b.err, WB_OK);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_cuts),
        cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(too_large_is_seen_in_the_header),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(large_frames_and_their_memory),
        cmocka_unit_test(writing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
