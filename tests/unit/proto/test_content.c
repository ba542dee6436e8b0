/* Reading messages of every kind, also hostile ones, and putting them into words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/content_slots.h"
#include "proto/content_text.h"
#include "proto/limits.h"
#include "proto/wire_field.h"
#include "tests/unit/proto/wire_vectors.h"

/* Decodes in and compares kind and readable text. */
static void reads_bytes(const struct buf *in, enum content_kind kind, const char *text)
{
    struct arena a = arena_new(1 << 20);
    struct buf out = buf_new(4096);
    struct content c;

    assert_int_equal(content_decode(buf_span(in), &a, &c), WB_OK);
    assert_int_equal(c.kind, kind);
    content_readable(&c, &out);
    assert_string_equal(buf_cstr(&out), text);
    buf_free(&out);
    arena_free(&a);
}

static void reads(const char *hex, enum content_kind kind, const char *text)
{
    struct buf in = vector_bytes(hex);

    reads_bytes(&in, kind, text);
    buf_free(&in);
}

static void a_list_has_the_rows_of_all_its_sections(void **state)
{
    (void)state;
    static const char *const rows[2][2] = {{"tea", "coffee"}, {"cake", NULL}};
    struct buf in = buf_new(256);
    size_t list = wire_open(&in, 36);

    wire_put_bytes(&in, 1, SPAN_LIT("Menu"));
    for (size_t s = 0; s < 2; s++) {
        size_t section = wire_open(&in, 5);

        wire_put_bytes(&in, 1, SPAN_LIT("a section"));
        for (size_t r = 0; r < 2 && rows[s][r]; r++) {
            size_t row = wire_open(&in, 2);

            wire_put_bytes(&in, 1, span_cstr(rows[s][r]));
            wire_close(&in, row);
        }
        wire_close(&in, section);
    }
    wire_close(&in, wire_open(&in, 5)); /* a section without rows */
    wire_close(&in, list);
    reads_bytes(&in, CONTENT_LIST, "[list] Menu: tea / coffee / cake");
    buf_free(&in);
}

static void the_comment_of_its_place_is_not_the_text_of_an_event(void **state)
{
    (void)state;
    struct buf in = buf_new(256);
    size_t event = wire_open(&in, 75);

    wire_put_bytes(&in, 3, SPAN_LIT("Braai"));
    wire_put_bytes(&in, 4, SPAN_LIT("bring meat"));
    size_t place = wire_open(&in, 5);
    wire_put_bytes(&in, 11, SPAN_LIT("behind the house"));
    wire_close(&in, place);
    wire_close(&in, event);
    reads_bytes(&in, CONTENT_EVENT, "[event] Braai: bring meat");
    buf_free(&in);
}

static void a_view_once_wrapper_counts_whatever_the_file_says(void **state)
{
    (void)state;
    struct buf in = buf_new(256);
    struct arena a = arena_new(1 << 20);
    struct content c;
    size_t wrapper = wire_open(&in, 37), message = wire_open(&in, 1), image = wire_open(&in, 3);

    wire_put_uint(&in, 25, 0);
    wire_close(&in, image);
    wire_close(&in, message);
    wire_close(&in, wrapper);
    assert_int_equal(content_decode(buf_span(&in), &a, &c), WB_OK);
    assert_true(c.kind == CONTENT_IMAGE && c.view_once);
    buf_free(&in);
    arena_free(&a);
}

static void readable_texts(void **state)
{
    (void)state;
    reads("0a026869", CONTENT_TEXT, "hi");
    reads(VECTOR_TEXT_CTX, CONTENT_EXTENDED_TEXT, "@27820000009 hi");
    reads(VECTOR_IMAGE, CONTENT_IMAGE, "a caption");
    reads("1a021a00", CONTENT_IMAGE, "[image]");
    reads(VECTOR_AUDIO, CONTENT_AUDIO, "[voice note] 1:01");
    reads("3a0c420a7265706f72742e706466", CONTENT_DOCUMENT, "[document] report.pdf");
    reads(VECTOR_DOCUMENT, CONTENT_DOCUMENT, "see this");
    reads(VECTOR_STICKER, CONTENT_STICKER, "[sticker]");
    reads(VECTOR_LOCATION, CONTENT_LOCATION, "[location] -26.204100,28.047300 Tower, 1 Main Road");
    reads(VECTOR_CONTACT, CONTENT_CONTACT, "[contact] Ann");
    reads(VECTOR_POLL, CONTENT_POLL, "[poll] Lunch?: yes / no");
    reads(VECTOR_VOTE, CONTENT_POLL_VOTE, "[poll vote] to 3EB0BB");
    reads(VECTOR_REACTION, CONTENT_REACTION, "[reaction] \xf0\x9f\x91\x8d to 3EB0BB");
    reads(VECTOR_REVOKE, CONTENT_REVOKE, "[deleted message] 3EB0BB");
    reads(VECTOR_EDIT, CONTENT_EDIT, "[edited] better");
    reads(VECTOR_BUTTONS, CONTENT_BUTTONS, "[buttons] Menu: choose: One / Two");
    reads(VECTOR_EVENT, CONTENT_EVENT, "[event] Braai: bring meat");
    reads(VECTOR_VIEWONCE, CONTENT_IMAGE, "once");
    reads(VECTOR_DSM, CONTENT_TEXT, "hello");
    reads(VECTOR_KEYSHARE, CONTENT_PROTOCOL, "[protocol message] 6");
    reads("620610032080f524", CONTENT_EPHEMERAL_SETTING, "[disappearing messages] 604800 s");
    reads("62041003"
          "2000",
          CONTENT_EPHEMERAL_SETTING, "[disappearing messages] off");
    reads("9a05041002"
          "1803",
          CONTENT_ALBUM, "[album] 5");
    reads("c23e03"
          "0a0161",
          CONTENT_UNKNOWN, "[unknown message] 1000");
    reads("", CONTENT_NONE, "");
    reads("1206"
          "0a0161"
          "120162",
          CONTENT_NONE, "");
}

/* Every known field with an empty body: some text, and never an error. */
static void no_kind_is_missing(void **state)
{
    (void)state;

    for (uint32_t number = 1; number < 140; number++) {
        struct buf in = buf_new(64);
        struct buf out = buf_new(4096);
        struct arena a = arena_new(1 << 16);
        struct content c;

        wire_put_bytes(&in, number, SPAN_LIT(""));
        assert_int_equal(content_decode(buf_span(&in), &a, &c), WB_OK);
        content_readable(&c, &out);
        assert_int_equal(buf_err(&out), WB_OK);
        if (c.kind != CONTENT_NONE && c.kind != CONTENT_TEXT && c.kind != CONTENT_EXTENDED_TEXT)
            assert_true(out.n > 2 && out.p[0] == '[');
        if (!content_row_of(number) && c.kind == CONTENT_UNKNOWN)
            assert_int_equal(c.unknown_fields[0], number);
        buf_free(&in);
        buf_free(&out);
        arena_free(&a);
    }
}

static void wrappers_leave_their_mark(void **state)
{
    (void)state;
    struct buf in = vector_bytes(VECTOR_VIEWONCE);
    struct arena a = arena_new(1 << 16);
    struct content c;

    assert_int_equal(content_decode(buf_span(&in), &a, &c), WB_OK);
    assert_true(c.ephemeral && c.view_once);
    assert_false(c.edited || c.device_sent);
    assert_int_equal(c.protocol_type, -1);
    assert_string_equal(content_enc_mediatype(&c), "image");
    buf_free(&in);
    arena_free(&a);
}

/* New fields beside known content do not hide it; unknown content names its number. */
static void unknown_beside_known(void **state)
{
    (void)state;
    struct arena a = arena_new(1 << 16);
    struct content c;
    struct buf in = vector_bytes("c23e03"
                                 "0a0161"
                                 "0a026869"
                                 "d03e07");

    assert_int_equal(content_decode(buf_span(&in), &a, &c), WB_OK);
    assert_int_equal(c.kind, CONTENT_TEXT);
    assert_int_equal(c.nunknown, 1);
    assert_int_equal(c.unknown_fields[0], 1000);
    buf_free(&in);
    arena_free(&a);
}

/* wraps times ephemeral(40){message(1){...}} around a text. */
static struct buf nested(unsigned wraps, uint32_t number, uint32_t inside)
{
    struct buf m = buf_new(1 << 20);

    wire_put_bytes(&m, 1, SPAN_LIT("deep"));
    for (unsigned i = 0; i < wraps; i++) {
        struct buf outer = buf_new(1 << 20);
        size_t at = wire_open(&outer, number);

        wire_put_bytes(&outer, inside, buf_span(&m));
        wire_close(&outer, at);
        assert_int_equal(buf_err(&outer), WB_OK);
        buf_free(&m);
        m = outer;
    }
    return m;
}

static void nesting_has_an_end(void **state)
{
    (void)state;
    struct arena a = arena_new(1 << 20);
    struct content c;
    struct buf good = nested(CONTENT_WRAP_MAX, 40, 1);
    struct buf deep = nested(CONTENT_WRAP_MAX + 1, 40, 1);
    struct buf abyss = nested(5000, 37, 1);
    struct buf comments = nested(CONTENT_INNER_MAX + 1, 77, 1);
    struct buf edits = nested(200, 12, 14);

    assert_int_equal(content_decode(buf_span(&good), &a, &c), WB_OK);
    assert_span(c.text, "deep");
    assert_int_equal(content_decode(buf_span(&deep), &a, &c), WB_ERR_TOO_DEEP);
    assert_int_equal(content_decode(buf_span(&abyss), &a, &c), WB_ERR_TOO_DEEP);
    assert_int_equal(content_decode(buf_span(&comments), &a, &c), WB_ERR_TOO_DEEP);
    assert_int_equal(content_decode(buf_span(&edits), &a, &c), WB_OK); /* untyped */
    assert_int_equal(c.kind, CONTENT_PROTOCOL);
    buf_free(&good);
    buf_free(&deep);
    buf_free(&abyss);
    buf_free(&comments);
    buf_free(&edits);
    arena_free(&a);
}

/* A quote of a quote of a quote stays encoded: its depth costs nothing. */
static void quotes_are_not_followed(void **state)
{
    (void)state;
    struct arena a = arena_new(1 << 16);
    struct buf m = buf_new(1 << 20);
    struct content c;

    wire_put_bytes(&m, 1, SPAN_LIT("first"));
    for (int i = 0; i < 3000; i++) {
        struct buf outer = buf_new(1 << 20);
        size_t text = wire_open(&outer, 6);
        size_t context = wire_open(&outer, 17);

        wire_put_bytes(&outer, 3, buf_span(&m));
        wire_close(&outer, context);
        wire_close(&outer, text);
        buf_free(&m);
        m = outer;
    }
    assert_int_equal(content_decode(buf_span(&m), &a, &c), WB_OK);
    assert_true(c.context.present && c.context.quoted.n > 10000);
    assert_true(a.used < 4096);
    buf_free(&m);
    arena_free(&a);
}

static void lists_are_bounded_by_the_arena(void **state)
{
    (void)state;
    struct arena a = arena_new(4096);
    struct buf in = buf_new(1 << 20);
    struct content c;
    size_t poll = wire_open(&in, 49);

    for (int i = 0; i < 10000; i++)
        wire_put_bytes(&in, 3, SPAN_LIT(""));
    wire_close(&in, poll);
    assert_int_equal(content_decode(buf_span(&in), &a, &c), WB_ERR_TOO_LARGE);
    buf_free(&in);
    arena_free(&a);
    assert_int_equal(content_decode(SPAN("", MESSAGE_PLAINTEXT_MAX + 1), &a, &c), WB_ERR_TOO_LARGE);
}

static void cuts_are_errors(void **state)
{
    (void)state;
    struct arena a = arena_new(1 << 20);
    struct buf in = vector_bytes(VECTOR_IMAGE);
    struct content c = {.nunknown = 77};

    for (size_t n = 1; n < in.n; n++) {
        assert_int_not_equal(content_decode(span_first(buf_span(&in), n), &a, &c), WB_OK);
        assert_int_equal(c.nunknown, 77); /* untouched */
    }
    buf_free(&in);
    arena_free(&a);
}

static void peers_text_becomes_valid(void **state)
{
    (void)state;
    /* "a", a lone continuation byte, NUL, "b", a cut three-byte character */
    reads("0a06"
          "61800062e282",
          CONTENT_TEXT,
          "a\xef\xbf\xbd\xef\xbf\xbd"
          "b\xef\xbf\xbd\xef\xbf\xbd");
}

static void safe_name(const char *name, const char *want)
{
    struct content c = {.media = {.file_name = span_cstr(name)}};
    struct buf out = buf_new(512);

    content_safe_file_name(&c, &out);
    assert_string_equal(buf_cstr(&out), want);
    buf_free(&out);
}

static void file_names_have_no_path(void **state)
{
    (void)state;
    safe_name("report.pdf", "report.pdf");
    safe_name("../../etc/passwd", "passwd");
    safe_name("C:\\x\\y.doc", "y.doc");
    safe_name("..", "");
    safe_name(".hidden", "hidden");
    safe_name("a\nb\x7f.txt", "ab.txt");
    safe_name("dir/", "");
    safe_name("", "");
}

/* type, mediatype, edit, polltype, decrypt-fail of a message given as hex. */
static void stanza(const char *hex, const char *type, const char *mediatype, const char *edit,
                   const char *poll, bool hides)
{
    struct buf in = vector_bytes(hex);
    struct arena a = arena_new(1 << 16);
    struct content c;

    assert_int_equal(content_decode(buf_span(&in), &a, &c), WB_OK);
    assert_string_equal(content_stanza_type(&c), type);
    assert_string_equal(content_enc_mediatype(&c), mediatype);
    assert_string_equal(content_edit_attribute(&c), edit);
    assert_string_equal(content_poll_type(&c), poll);
    assert_int_equal(content_hides_decrypt_fail(&c), hides);
    buf_free(&in);
    arena_free(&a);
}

static void stanza_attributes(void **state)
{
    (void)state;
    stanza("0a026869", "text", "", "", "", false);
    stanza("32030a0161", "text", "", "", "", false);
    stanza("32060a01613201"
           "62",
           "media", "url", "", "", false); /* a preview's title */
    stanza(VECTOR_VIDEO, "media", "gif", "", "", false);
    stanza("4a00", "media", "video", "", "", false);
    stanza("4200", "media", "audio", "", "", false);
    stanza("920400", "media", "ptv", "", "", false);
    stanza(VECTOR_VOTE, "poll", "", "", "vote", true);
    stanza(VECTOR_POLL, "poll", "", "", "creation", false);
    stanza(VECTOR_EDIT, "text", "", "1", "", true);
    stanza("62090a0510011a017810"
           "00",
           "text", "", "7", "", true); /* own revoke */
    stanza(VECTOR_REVOKE, "text", "", "8", "", true);
    stanza("fa03091001"
           "0a051001"
           "1a0178",
           "text", "", "2", "", true);                                /* pin */
    stanza("9a03090a0510011a01781002", "text", "", "7", "", true);    /* undo keep */
    stanza("c203090a0510011a01781200", "reaction", "", "", "", true); /* sealed reaction */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readable_texts),
        cmocka_unit_test(a_list_has_the_rows_of_all_its_sections),
        cmocka_unit_test(the_comment_of_its_place_is_not_the_text_of_an_event),
        cmocka_unit_test(a_view_once_wrapper_counts_whatever_the_file_says),
        cmocka_unit_test(no_kind_is_missing),
        cmocka_unit_test(wrappers_leave_their_mark),
        cmocka_unit_test(unknown_beside_known),
        cmocka_unit_test(nesting_has_an_end),
        cmocka_unit_test(quotes_are_not_followed),
        cmocka_unit_test(lists_are_bounded_by_the_arena),
        cmocka_unit_test(cuts_are_errors),
        cmocka_unit_test(peers_text_becomes_valid),
        cmocka_unit_test(file_names_have_no_path),
        cmocka_unit_test(stanza_attributes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
