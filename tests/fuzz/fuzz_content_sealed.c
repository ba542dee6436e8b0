/* fuzz_content_sealed.c - contents that were sealed with the secret of a message, opened: any bytes
 * as a vote, reaction, comment, answer or edit, put into words. The first byte chooses the kind. */
#include <stdlib.h>

#include "base/text.h"
#include "crypto/msg_secret.h"
#include "proto/content_text.h"
#include "proto/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The sealed bytes themselves come from the peer too: none of these opens. */
static void as_sealed(struct span in)
{
    static const uint8_t secret[MSG_SECRET_BYTES] = {1};
    struct msg_secret m = {.secret = secret, .id = span_first(in, 24)};
    struct buf out = buf_new(1 << 20);

    m.use = (enum msg_secret_use)(in.n % MSG_SECRET_USES);
    m.author = m.sender = span_skip(in, 24);
    if (msg_secret_open(&m, span_first(in, 12), span_skip(in, 12), &out) == WB_OK || out.n)
        abort();
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum content_kind kinds[] = {CONTENT_POLL_VOTE, CONTENT_ENC_REACTION,
                                              CONTENT_ENC_COMMENT, CONTENT_ENC_EVENT_RESPONSE,
                                              CONTENT_SECRET_EDIT};
    struct arena a = arena_new(CONTENT_ARENA_MAX);
    struct buf text = buf_new(16 << 20);
    struct content sealed = {.key = {.id = SPAN_LIT("A1")}}, c;

    if (size == 0)
        return 0;
    sealed.kind = kinds[data[0] % 5];
    sealed.sealed_type = data[0] / 5 % 7;
    if (!content_is_sealed(&sealed))
        abort();
    if (content_open(&sealed, SPAN(data + 1, size - 1), &a, &c) == WB_OK) {
        if (content_is_sealed(&c) && c.kind != CONTENT_POLL_VOTE)
            abort();
        content_readable(&c, &text);
        if (buf_err(&text) == WB_OK && !utf8_valid(buf_span(&text)))
            abort();
    }
    as_sealed(SPAN(data, size));
    buf_free(&text);
    arena_free(&a);
    return 0;
}
