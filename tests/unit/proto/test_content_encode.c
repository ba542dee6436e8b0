/* Building messages, against the bytes of whatsmeow; and reading them back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/content_encode.h"
#include "proto/content_text.h"
#include "proto/peer_wire.h"
#include "tests/unit/proto/wire_vectors.h"

struct bench {
    struct buf out;
    struct arena arena;
    struct content c;
};

static struct bench bench_new(void)
{
    return (struct bench){.out = buf_new(1 << 16), .arena = arena_new(1 << 20)};
}

static void bench_free(struct bench *b)
{
    buf_free(&b->out);
    arena_free(&b->arena);
}

/* The bytes are those of the vector, and they read back. */
static void check(struct bench *b, const char *vector)
{
    assert_hex(&b->out, vector);
    assert_int_equal(content_decode(buf_span(&b->out), &b->arena, &b->c), WB_OK);
}

static struct content_key group_key(void)
{
    return (struct content_key){SPAN_LIT("120363000000000001@g.us"), SPAN_LIT("3EB0BB"),
                                SPAN_LIT("27820000002@s.whatsapp.net"), false};
}

static void texts(void **state)
{
    (void)state;
    struct bench b = bench_new();
    uint8_t secret[32];
    const struct span mentioned[] = {SPAN_LIT("27820000009@s.whatsapp.net"), SPAN_LIT("8812@lid")};
    struct content_extras e = {.mentioned = mentioned,
                               .nmentioned = 2,
                               .mentions_all = true,
                               .reply_id = SPAN_LIT("3EB0AA"),
                               .reply_from = SPAN_LIT("27820000002@s.whatsapp.net"),
                               .has_expiration = true,
                               .expiration = 604800,
                               .ephemeral_setting_timestamp = 1700000000};
    struct buf quoted = buf_new(100);

    assert_int_equal(content_encode_text(SPAN_LIT("before"), NULL, &quoted), WB_OK);
    assert_hex(&quoted, "0a066265666f7265");
    counting(secret, 32, 0);
    e.secret = SPAN_ARRAY(secret);
    e.quoted = buf_span(&quoted);
    assert_int_equal(content_encode_text(SPAN_LIT("@27820000009 hi"), &e, &b.out), WB_OK);
    check(&b, VECTOR_TEXT_CTX);
    assert_int_equal(b.c.kind, CONTENT_EXTENDED_TEXT);
    assert_span(b.c.text, "@27820000009 hi");
    assert_int_equal(b.c.context.nmentioned, 2);
    assert_span(b.c.context.mentioned[1], "8812@lid");
    assert_true(b.c.context.mentions_all && b.c.context.has_expiration);
    assert_int_equal(b.c.context.expiration, 604800);
    assert_span(b.c.context.stanza_id, "3EB0AA");
    assert_true(span_eq(b.c.context.quoted, buf_span(&quoted)));
    assert_true(span_eq(b.c.secret, SPAN_ARRAY(secret)));
    buf_free(&quoted);
    bench_free(&b);
}

static void device_sent_copies_the_context(void **state)
{
    (void)state;
    struct bench b = bench_new();
    struct buf inner = buf_new(100);
    uint8_t secret[32];
    struct content_extras e = {0};

    counting(secret, 32, 0);
    e.secret = SPAN_ARRAY(secret);
    assert_int_equal(content_encode_text(SPAN_LIT("hello"), &e, &inner), WB_OK);
    assert_int_equal(content_encode_device_sent(SPAN_LIT("8812@lid"), buf_span(&inner), &b.out),
                     WB_OK);
    check(&b, VECTOR_DSM);
    assert_true(b.c.device_sent);
    assert_span(b.c.destination, "8812@lid");
    assert_span(b.c.text, "hello");
    assert_int_equal(b.c.secret.n, 32);
    assert_true(span_eq(b.c.message, buf_span(&inner)));
    assert_int_equal(content_encode_device_sent(SPAN_LIT("x"), SPAN_LIT("\x0a\x7f"), &b.out),
                     WB_ERR_MALFORMED);
    buf_free(&inner);
    bench_free(&b);
}

static void reactions_revokes_edits(void **state)
{
    (void)state;
    struct bench b = bench_new();
    struct content_key key = group_key();
    struct content_key own = {SPAN_LIT("8812@lid"), SPAN_LIT("3EB0CC"), SPAN_NULL, true};

    assert_int_equal(
        content_encode_reaction(&key, SPAN_LIT("\xf0\x9f\x91\x8d"), 1700000000123, &b.out), WB_OK);
    check(&b, VECTOR_REACTION);
    assert_int_equal(b.c.kind, CONTENT_REACTION);
    assert_span(b.c.key.id, "3EB0BB");
    assert_int_equal(b.c.timestamp_ms, 1700000000123);
    assert_string_equal(content_stanza_type(&b.c), "reaction");
    assert_string_equal(content_edit_attribute(&b.c), "");
    assert_true(content_hides_decrypt_fail(&b.c));

    buf_clear(&b.out);
    assert_int_equal(content_encode_revoke(&key, &b.out), WB_OK);
    check(&b, VECTOR_REVOKE);
    assert_int_equal(b.c.kind, CONTENT_REVOKE);
    assert_string_equal(content_edit_attribute(&b.c), "8"); /* not ours: an admin's */
    assert_string_equal(content_stanza_type(&b.c), "text");

    buf_clear(&b.out);
    assert_int_equal(content_encode_edit(&own,
                                         SPAN_LIT("\x0a\x06"
                                                  "better"),
                                         1700000000123, &b.out),
                     WB_OK);
    check(&b, VECTOR_EDIT);
    assert_int_equal(b.c.kind, CONTENT_EDIT);
    assert_true(b.c.edited);
    assert_span(b.c.inner->text, "better");
    assert_span(b.c.key.id, "3EB0CC");
    assert_string_equal(content_edit_attribute(&b.c), "1");

    buf_clear(&b.out);
    assert_int_equal(content_encode_reaction(&own, SPAN_LIT(""), 1, &b.out), WB_OK);
    assert_int_equal(content_decode(buf_span(&b.out), &b.arena, &b.c), WB_OK);
    assert_string_equal(content_edit_attribute(&b.c), "7");
    bench_free(&b);
}

static struct content_media file(const char *mimetype, uint8_t hashes[3][32])
{
    for (uint8_t i = 0; i < 3; i++)
        counting(hashes[i], 32, (uint8_t)(i + 1));
    return (struct content_media){
        .mimetype = span_cstr(mimetype),
        .url = SPAN_LIT("https://h/x"),
        .direct_path = SPAN_LIT("/v/t62?x=1"),
        .file_sha256 = SPAN(hashes[0], 32),
        .media_key = SPAN(hashes[1], 32),
        .file_enc_sha256 = SPAN(hashes[2], 32),
        .file_length = 70000,
        .key_timestamp = 1700000000,
    };
}

static void pictures_and_films(void **state)
{
    (void)state;
    struct bench b = bench_new();
    uint8_t hashes[3][32];
    const struct span mentioned[] = {SPAN_LIT("8812@lid")};
    struct content_extras e = {.mentioned = mentioned, .nmentioned = 1};
    struct content_media m = file("image/jpeg", hashes);

    m.height = 480;
    m.width = 640;
    m.thumbnail = SPAN_LIT("\xff\xd8");
    assert_int_equal(content_encode_media(CONTENT_IMAGE, &m, SPAN_LIT("a caption"), &e, &b.out),
                     WB_OK);
    check(&b, VECTOR_IMAGE);
    assert_int_equal(b.c.kind, CONTENT_IMAGE);
    assert_true(b.c.media.present);
    assert_int_equal(b.c.media.file_length, 70000);
    assert_span(b.c.text, "a caption");
    assert_int_equal(b.c.context.nmentioned, 1);
    assert_string_equal(content_media_type(&b.c), "image");
    assert_string_equal(content_stanza_type(&b.c), "media");
    assert_string_equal(content_enc_mediatype(&b.c), "image");

    buf_clear(&b.out);
    m.mimetype = SPAN_LIT("video/mp4");
    m.thumbnail = SPAN_NULL;
    m.gif = true;
    m.seconds = 9;
    assert_int_equal(content_encode_media(CONTENT_VIDEO, &m, SPAN_LIT("v"), NULL, &b.out), WB_OK);
    check(&b, VECTOR_VIDEO);
    assert_string_equal(content_enc_mediatype(&b.c), "gif");

    buf_clear(&b.out);
    m = file("image/webp", hashes);
    m.height = m.width = 512;
    m.animated = true;
    assert_int_equal(content_encode_media(CONTENT_STICKER, &m, SPAN_NULL, NULL, &b.out), WB_OK);
    check(&b, VECTOR_STICKER);
    assert_string_equal(content_media_type(&b.c), "sticker");
    assert_int_equal(content_encode_media(CONTENT_TEXT, &m, SPAN_NULL, NULL, &b.out),
                     WB_ERR_INVALID);
    bench_free(&b);
}

static void voices_and_documents(void **state)
{
    (void)state;
    struct bench b = bench_new();
    uint8_t hashes[3][32], wave[8];
    const struct span mentioned[] = {SPAN_LIT("8812@lid")};
    struct content_extras e = {.mentioned = mentioned, .nmentioned = 1};
    struct content_media m = file("audio/ogg; codecs=opus", hashes);

    counting(wave, 8, 0);
    m.seconds = 61;
    m.ptt = true;
    m.waveform = SPAN_ARRAY(wave);
    assert_int_equal(content_encode_media(CONTENT_AUDIO, &m, SPAN_NULL, &e, &b.out), WB_OK);
    check(&b, VECTOR_AUDIO);
    assert_true(b.c.media.ptt);
    assert_string_equal(content_enc_mediatype(&b.c), "ptt");

    buf_clear(&b.out);
    m = file("application/pdf", hashes);
    m.title = SPAN_LIT("report");
    m.file_name = SPAN_LIT("report.pdf");
    m.pages = 3;
    assert_int_equal(content_encode_media(CONTENT_DOCUMENT, &m, SPAN_LIT("see this"), NULL, &b.out),
                     WB_OK);
    check(&b, VECTOR_DOCUMENT);
    assert_int_equal(b.c.kind, CONTENT_DOCUMENT);
    assert_span(b.c.media.file_name, "report.pdf");
    assert_string_equal(content_stanza_type(&b.c), "media");
    bench_free(&b);
}

static void polls_places_people(void **state)
{
    (void)state;
    struct bench b = bench_new();
    uint8_t secret[32];
    const struct span options[] = {SPAN_LIT("yes"), SPAN_LIT("no")};

    counting(secret, 32, 0);
    assert_int_equal(
        content_encode_poll(SPAN_LIT("Lunch?"), options, 2, 2, SPAN_ARRAY(secret), &b.out), WB_OK);
    check(&b, VECTOR_POLL);
    assert_int_equal(b.c.noptions, 2);
    assert_string_equal(content_poll_type(&b.c), "creation");
    assert_string_equal(content_stanza_type(&b.c), "poll");
    buf_clear(&b.out);
    assert_int_equal(content_encode_location(-26.2041, 28.0473, SPAN_LIT("Tower"),
                                             SPAN_LIT("1 Main Road"), &b.out),
                     WB_OK);
    check(&b, VECTOR_LOCATION);
    assert_true(b.c.latitude == -26.2041 && b.c.longitude == 28.0473);
    buf_clear(&b.out);
    assert_int_equal(
        content_encode_contact(SPAN_LIT("Ann"), SPAN_LIT("BEGIN:VCARD\nEND:VCARD"), &b.out), WB_OK);
    check(&b, VECTOR_CONTACT);
    assert_span(b.c.contacts[0].name, "Ann");
    bench_free(&b);
}

/* A sender key alone, and added to an encoded message for a retry (P-RC-43). */
static void sender_keys_travel_alone_and_along(void **state)
{
    (void)state;
    struct bench b = bench_new();

    assert_int_equal(content_encode_skdm(SPAN_LIT("1@g.us"), SPAN_LIT("\x33key"), &b.out), WB_OK);
    assert_int_equal(content_decode(buf_span(&b.out), &b.arena, &b.c), WB_OK);
    assert_int_equal(b.c.kind, CONTENT_NONE);
    assert_span(b.c.skdm_group, "1@g.us");
    assert_int_equal(b.c.skdm.n, 4);
    buf_clear(&b.out);
    assert_int_equal(content_encode_text(SPAN_LIT("again"), NULL, &b.out), WB_OK);
    assert_int_equal(content_encode_skdm(SPAN_LIT("1@g.us"), SPAN_LIT("\x33key"), &b.out), WB_OK);
    assert_int_equal(content_decode(buf_span(&b.out), &b.arena, &b.c), WB_OK);
    assert_int_equal(b.c.kind, CONTENT_TEXT);
    assert_span(b.c.text, "again");
    assert_int_equal(b.c.skdm.n, 4);
    bench_free(&b);
}

static void requests_to_the_phone(void **state)
{
    (void)state;
    struct bench b = bench_new();
    struct content_key key = group_key();
    struct peer_history_request h = {SPAN_LIT("8812@lid"), SPAN_LIT("3EB0"), false, 50, 1700000000};
    struct peer_request r;

    assert_int_equal(peer_placeholder_request_encode(&key, 1, &b.out), WB_OK);
    check(&b, VECTOR_PLACEHOLDER);
    assert_int_equal(b.c.kind, CONTENT_PROTOCOL);
    assert_int_equal(b.c.protocol_type, PROTOCOL_PEER_REQUEST);
    assert_int_equal(peer_request_decode(b.c.protocol_payload, &b.arena, &r), WB_OK);
    assert_int_equal(r.type, PEER_PLACEHOLDER_RESEND);
    assert_int_equal(r.nplaceholders, 1);
    assert_span(r.placeholders[0].id, "3EB0BB");

    buf_clear(&b.out);
    assert_int_equal(peer_history_request_encode(&h, &b.out), WB_OK);
    check(&b, VECTOR_ONDEMAND);
    assert_int_equal(peer_request_decode(b.c.protocol_payload, &b.arena, &r), WB_OK);
    assert_int_equal(r.history.count, 50);
    assert_span(r.history.chat_jid, "8812@lid");

    buf_clear(&b.out);
    assert_int_equal(peer_snapshot_request_encode(SPAN_LIT("regular"), 1700000000, &b.out), WB_OK);
    check(&b, VECTOR_SNAPREQ);
    assert_int_equal(peer_request_decode(b.c.protocol_payload, &b.arena, &r), WB_OK);
    assert_span(r.collection, "regular");
    bench_free(&b);
}

static void news_from_the_phone(void **state)
{
    (void)state;
    struct bench b = bench_new();
    struct app_state_keys k;
    struct lid_mappings m;
    struct history_notification h;
    struct buf in;

    in = vector_bytes(VECTOR_KEYSHARE);
    assert_int_equal(content_decode(buf_span(&in), &b.arena, &b.c), WB_OK);
    assert_int_equal(b.c.protocol_type, PROTOCOL_APP_STATE_KEY_SHARE);
    assert_int_equal(app_state_keys_decode(b.c.protocol_payload, &b.arena, &k), WB_OK);
    assert_int_equal(k.n, 1);
    assert_int_equal(k.keys[0].key_id.n, 6);
    assert_int_equal(k.keys[0].key_data.p[0], 7);
    assert_int_equal(k.keys[0].timestamp, 1700000000123);
    assert_int_equal(app_state_keys_encode(&k, &b.out), WB_OK);
    assert_hex(&b.out, VECTOR_KEYSHARE);
    buf_free(&in);

    buf_clear(&b.out);
    in = vector_bytes(VECTOR_LIDMAP);
    assert_int_equal(content_decode(buf_span(&in), &b.arena, &b.c), WB_OK);
    assert_int_equal(lid_mappings_decode(b.c.protocol_payload, &b.arena, &m), WB_OK);
    assert_int_equal(m.n, 2);
    assert_true(m.pairs[1].pn == 27820000002 && m.pairs[1].latest_lid == 8813);
    assert_int_equal(m.chat_db_timestamp, 1700000000);
    assert_int_equal(lid_mappings_encode(&m, &b.out), WB_OK);
    assert_hex(&b.out, VECTOR_LIDMAP);
    buf_free(&in);

    buf_clear(&b.out);
    in = vector_bytes(VECTOR_HISTORY);
    assert_int_equal(content_decode(buf_span(&in), &b.arena, &b.c), WB_OK);
    assert_int_equal(history_notification_decode(b.c.protocol_payload, &b.arena, &h), WB_OK);
    assert_int_equal(h.sync_type, 3);
    assert_int_equal(h.chunk_order, 2);
    assert_span(h.request_id, "REQ");
    assert_int_equal(history_notification_encode(&h, &b.out), WB_OK);
    assert_hex(&b.out, VECTOR_HISTORY);
    buf_free(&in);
    bench_free(&b);
}

static void answers_of_the_phone(void **state)
{
    (void)state;
    struct bench b = bench_new();
    const struct peer_result results[] = {{.web_message = SPAN_LIT("wmi")},
                                          {.snapshot = SPAN_LIT("s"), .snapshot_compressed = true}};
    struct peer_response r = {PEER_PLACEHOLDER_RESEND, SPAN_LIT("3EB0DD"), results, 2}, back;
    const struct span ids[] = {SPAN_LIT("\x01\x02"), SPAN_LIT("\x03")};
    const struct span *got;
    size_t n;

    assert_int_equal(peer_response_encode(&r, &b.out), WB_OK);
    assert_hex(&b.out, "6221"
                       "1011"
                       "8a011c"
                       "0804"
                       "120633454230"
                       "4444"
                       "1a07"
                       "2205"
                       "0a03776d69"
                       "1a07"
                       "4205"
                       "0a0173"
                       "1001");
    assert_int_equal(content_decode(buf_span(&b.out), &b.arena, &b.c), WB_OK);
    assert_int_equal(peer_response_decode(b.c.protocol_payload, &b.arena, &back), WB_OK);
    assert_int_equal(back.n, 2);
    assert_span(back.stanza_id, "3EB0DD");
    assert_span(back.results[0].web_message, "wmi");
    assert_true(back.results[1].snapshot_compressed);

    buf_clear(&b.out);
    assert_int_equal(app_state_key_request_encode(ids, 2, &b.out), WB_OK);
    assert_int_equal(content_decode(buf_span(&b.out), &b.arena, &b.c), WB_OK);
    assert_int_equal(b.c.protocol_type, PROTOCOL_APP_STATE_KEY_REQUEST);
    assert_int_equal(app_state_key_request_decode(b.c.protocol_payload, &b.arena, &got, &n), WB_OK);
    assert_int_equal(n, 2);
    assert_true(span_eq(got[0], ids[0]));
    bench_free(&b);
}

/* A full output buffer is an error, not a shorter message. */
static void a_full_buffer_is_said(void **state)
{
    (void)state;
    struct content_key key = group_key();

    for (size_t max = 0; max < 80; max += 7) {
        struct buf small = buf_new(max);

        assert_int_equal(content_encode_reaction(&key, SPAN_LIT("x"), 1, &small),
                         max < 77 ? WB_ERR_TOO_LARGE : WB_OK);
        buf_free(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(device_sent_copies_the_context),
        cmocka_unit_test(reactions_revokes_edits),
        cmocka_unit_test(pictures_and_films),
        cmocka_unit_test(voices_and_documents),
        cmocka_unit_test(polls_places_people),
        cmocka_unit_test(sender_keys_travel_alone_and_along),
        cmocka_unit_test(requests_to_the_phone),
        cmocka_unit_test(news_from_the_phone),
        cmocka_unit_test(answers_of_the_phone),
        cmocka_unit_test(a_full_buffer_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
