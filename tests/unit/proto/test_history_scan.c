/* A HistorySync, cut anywhere, of any size and from anybody: the same facts, in little memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "proto/history_scan.h"
#include "proto/wire_field.h"

#define OK(call) assert_int_equal((call), WB_OK)

enum { TEXT_MAX = 8192 };

struct heard {
    char text[TEXT_MAX];
    size_t n, count;
};

static void put(struct heard *h, struct span s)
{
    int n = snprintf(h->text + h->n, TEXT_MAX - h->n, " %.*s", s.p ? (int)s.n : 1,
                     s.p ? (const char *)s.p : "-");

    h->n += (size_t)n < TEXT_MAX - h->n ? (size_t)n : 0;
}

static void hear(void *ctx, const struct history_fact *f)
{
    static const char *const kinds[] = {"chat", "pair", "name", "salt", "migrated"};
    struct heard *h = ctx;
    char times[64];

    h->count++;
    put(h, span_cstr(kinds[f->kind]));
    put(h, f->jid);
    put(h, f->pn);
    put(h, f->lid);
    put(h, f->bytes);
    snprintf(times, sizeof times, "%llu/%llu;", (unsigned long long)f->t,
             (unsigned long long)f->sender_t);
    put(h, span_cstr(times));
}

static void text_field(struct buf *b, uint32_t number, const char *text)
{
    wire_put_bytes(b, number, span_cstr(text));
}

static void conversation(struct buf *b, const char *jid, size_t messages, const char *token)
{
    size_t at = wire_open(b, 2), msg;

    text_field(b, 1, jid);
    for (size_t i = 0; i < messages; i++) {
        msg = wire_open(b, 2);
        text_field(b, 1, "a message, of which nothing is wanted: 1 2 21 39 42");
        wire_close(b, msg);
    }
    wire_put_uint(b, 12, 1790000000);
    if (token) {
        text_field(b, 21, token);
        wire_put_uint(b, 22, 1790000001);
        wire_put_uint(b, 28, 1790000002);
    }
    wire_put_double(b, 60, 1.5);
    text_field(b, 42, "111@lid");
    wire_close(b, at);
}

static void sample(struct buf *b)
{
    size_t at;

    wire_put_uint(b, 1, 0);
    conversation(b, "27@s.whatsapp.net", 3, "TOKEN");
    conversation(b, "120363@g.us", 0, NULL);
    wire_put_uint(b, 6, 100);
    at = wire_open(b, 7);
    text_field(b, 1, "28@s.whatsapp.net");
    text_field(b, 2, "Thandi");
    wire_close(b, at);
    at = wire_open(b, 8);
    wire_put_uint(b, 20, 1780000000);
    wire_close(b, at);
    at = wire_open(b, 15);
    text_field(b, 1, "28@c.us");
    text_field(b, 2, "222@lid");
    wire_close(b, at);
    text_field(b, 19, "SALT");
    at = wire_open(b, 7); /* without a name: nothing to tell */
    text_field(b, 1, "29@s.whatsapp.net");
    wire_close(b, at);
    wire_close(b, wire_open(b, 15));
    OK(buf_err(b));
}

static const char WANTED[] = " chat 27@s.whatsapp.net - 111@lid TOKEN 1790000001/1790000002;"
                             " chat 120363@g.us - 111@lid - 0/0;"
                             " name 28@s.whatsapp.net - - Thandi 0/0;"
                             " migrated - - - - 1780000000/0;"
                             " pair - 28@c.us 222@lid - 0/0;"
                             " salt - - - SALT 0/0;";

static void cut_anywhere(void **state)
{
    struct buf b = buf_new(1 << 16);

    (void)state;
    sample(&b);
    for (size_t step = 1; step <= b.n; step++) {
        struct heard h = {.n = 0};
        struct history_scan s;

        history_scan_init(&s, hear, &h);
        for (size_t at = 0; at < b.n; at += step)
            OK(history_scan_feed(&s, span_first(span_skip(buf_span(&b), at), step)));
        OK(history_scan_end(&s));
        assert_string_equal(h.text, WANTED);
    }
    buf_free(&b);
}

static void ends_early(void **state)
{
    struct buf b = buf_new(1 << 16);
    size_t whole = 0;

    (void)state;
    sample(&b);
    for (size_t n = 0; n < b.n; n++) {
        struct heard h = {.n = 0};
        struct history_scan s;

        history_scan_init(&s, hear, &h);
        OK(history_scan_feed(&s, span_first(buf_span(&b), n)));
        whole += history_scan_end(&s) == WB_OK;
        assert_memory_equal(h.text, WANTED, h.n); /* never something that was not said */
    }
    assert_int_equal(whole, 10); /* between two of its fields */
    buf_free(&b);
}

static enum wb_err scan(const char *bytes, size_t n, struct heard *h)
{
    struct history_scan s;
    enum wb_err err;

    *h = (struct heard){.n = 0};
    history_scan_init(&s, hear, h);
    err = history_scan_feed(&s, SPAN(bytes, n));
    return err == WB_OK ? history_scan_end(&s) : err;
}

#define SCAN(bytes, h) scan(bytes, sizeof(bytes) - 1, h)

static void hostile(void **state)
{
    struct heard h;

    (void)state;
    assert_int_equal(SCAN("\x00", &h), WB_ERR_MALFORMED);             /* field 0 */
    assert_int_equal(SCAN("\x0b", &h), WB_ERR_MALFORMED);             /* a group */
    assert_int_equal(SCAN("\x12\x02\x0a\x05", &h), WB_ERR_MALFORMED); /* longer than its chat */
    assert_int_equal(SCAN("\x12\x01\x08\x01", &h), WB_ERR_MALFORMED); /* a value beyond its chat */
    assert_int_equal(SCAN("\x12\x01\x91", &h), WB_ERR_TRUNCATED);     /* a tag, until more comes */
    assert_int_equal(SCAN("\x12\x01\x91\x01", &h), WB_ERR_MALFORMED);
    assert_int_equal(SCAN("\x12\x02\x09\x01", &h), WB_ERR_MALFORMED); /* eight bytes in one */
    assert_int_equal(SCAN("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &h), WB_OK);
    assert_int_equal(SCAN("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", &h), WB_ERR_MALFORMED);
    assert_int_equal(SCAN("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &h),
                     WB_ERR_MALFORMED);
    /* A field of 2^64-1 bytes is waited for, in vain. */
    assert_int_equal(SCAN("\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01xxx", &h), WB_ERR_TRUNCATED);
    assert_int_equal(h.count, 0);
}

static void texts_that_are_too_long_are_none(void **state)
{
    struct buf b = buf_new(1 << 16);
    struct heard h = {.n = 0};
    struct history_scan s;
    char text[HISTORY_SCAN_TEXT_MAX + 2] = "";
    size_t at;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    at = wire_open(&b, 7);
    text_field(&b, 1, "28@s.whatsapp.net");
    text_field(&b, 2, text);
    wire_close(&b, at);
    text_field(&b, 19, text);
    history_scan_init(&s, hear, &h);
    OK(history_scan_feed(&s, buf_span(&b)));
    OK(history_scan_end(&s));
    assert_int_equal(h.count, 0);
    buf_free(&b);
}

static void pack(const struct buf *in, struct buf *out)
{
    uLongf n = compressBound((uLong)in->n);
    uint8_t *to = buf_extend(out, n);
    assert_non_null(to);
    assert_int_equal(compress(to, &n, in->p, (uLong)in->n), Z_OK);
    out->n = n;
}

/* One chat of 60 MB: it is not kept, and its token stands behind its messages. */
static void large_and_packed(void **state)
{
    struct buf b = buf_new(80 << 20), packed = buf_new(80 << 20);
    struct heard h = {.n = 0};

    (void)state;
    conversation(&b, "27@s.whatsapp.net", 1000000, "TOKEN");
    pack(&b, &packed);
    OK(history_scan_packed(buf_span(&packed), 80 << 20, hear, &h));
    assert_string_equal(h.text, " chat 27@s.whatsapp.net - 111@lid TOKEN 1790000001/1790000002;");
    assert_int_equal(history_scan_packed(buf_span(&packed), 1 << 20, hear, &h), WB_ERR_TOO_LARGE);
    assert_int_equal(
        history_scan_packed(span_first(buf_span(&packed), packed.n / 2), 80 << 20, hear, &h),
        WB_ERR_TRUNCATED);
    assert_int_equal(history_scan_packed(SPAN_LIT("no zlib"), 80 << 20, hear, &h),
                     WB_ERR_MALFORMED);
    buf_free(&b);
    buf_free(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_anywhere),     cmocka_unit_test(ends_early),
        cmocka_unit_test(hostile),          cmocka_unit_test(texts_that_are_too_long_are_none),
        cmocka_unit_test(large_and_packed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
