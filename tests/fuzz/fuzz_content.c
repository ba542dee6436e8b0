/* fuzz_content.c - a decrypted plaintext as a contact may have made it: it is read, put into words,
 * checked against its stanza, and its parts for our own devices are read. */
#include <stdlib.h>

#include "base/text.h"
#include "proto/content_encode.h"
#include "proto/content_text.h"
#include "proto/limits.h"
#include "proto/peer_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parts(const struct content *c, struct arena *a)
{
    struct history_notification history;
    struct app_state_keys keys;
    struct lid_mappings mappings;
    struct peer_request request;
    struct peer_response response;
    const struct span *ids;
    size_t n;

    (void)!history_notification_decode(c->protocol_payload, a, &history);
    (void)!app_state_keys_decode(c->protocol_payload, a, &keys);
    (void)!app_state_key_request_decode(c->protocol_payload, a, &ids, &n);
    (void)!lid_mappings_decode(c->protocol_payload, a, &mappings);
    (void)!peer_request_decode(c->protocol_payload, a, &request);
    (void)!peer_response_decode(c->protocol_payload, a, &response);
}

static void words(const struct content *c)
{
    struct buf text = buf_new(16 << 20);

    content_readable(c, &text);
    if (buf_err(&text) == WB_OK && !utf8_valid(buf_span(&text)))
        abort();
    buf_clear(&text);
    content_safe_file_name(c, &text);
    if (text.n && (memchr(text.p, '/', text.n) || !utf8_valid(buf_span(&text))))
        abort();
    if (!content_stanza_type(c)[0])
        abort();
    (void)content_media_type(c);
    (void)content_hides_decrypt_fail(c);
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = arena_new(CONTENT_ARENA_MAX);
    struct buf wrapped = buf_new(8 << 20);
    struct content c, again;

    if (content_decode(SPAN(data, size), &a, &c) == WB_OK) {
        words(&c);
        parts(&c, &a);
        /* A message that we can read we can hand on to our other devices, and they read the same
         * (unless one more wrapper is too many). */
        enum wb_err err;
        if (content_encode_device_sent(SPAN_LIT("1@lid"), SPAN(data, size), &wrapped) != WB_OK)
            abort();
        err = content_decode(buf_span(&wrapped), &a, &again);
        if (err == WB_OK ? again.kind != c.kind : err != WB_ERR_TOO_DEEP)
            abort();
    }
    buf_free(&wrapped);
    arena_free(&a);
    return 0;
}
