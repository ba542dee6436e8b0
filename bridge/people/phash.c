#include "bridge/people/phash.h"

#include <stdlib.h>

#include "base/text.h"
#include "crypto/prim_hash.h"

enum { PHASH_BYTES = 6 };

static int compare_texts(const void *a, const void *b)
{
    return strcmp(a, b);
}

enum wb_err phash_of(const struct jid *devices, size_t n, char ret_text[static PHASH_TEXT_BYTES])
{
    char(*texts)[JID_TEXT_MAX] = calloc(n ? n : 1, sizeof *texts);
    struct span *parts = calloc(n ? n : 1, sizeof *parts);
    uint8_t digest[SHA256_BYTES];
    struct buf out = buf_new(PHASH_TEXT_BYTES);
    enum wb_err err = WB_ERR_NOMEM;

    if (!texts || !parts)
        goto out;
    for (size_t i = 0; i < n; i++)
        jid_ad_text(&devices[i], texts[i]);
    qsort(texts, n, sizeof *texts, compare_texts);
    for (size_t i = 0; i < n; i++)
        parts[i] = span_cstr(texts[i]);
    sha256_v(parts, n, digest);
    buf_append_cstr(&out, "2:");
    buf_b64(&out, SPAN(digest, PHASH_BYTES)); /* 6 bytes need no '=' */
    err = buf_err(&out);
    if (err != WB_OK || out.n != PHASH_TEXT_BYTES - 1)
        goto out;
    memcpy(ret_text, out.p, out.n);
    ret_text[out.n] = 0;
out:
    buf_free(&out);
    free(parts);
    free(texts);
    return err;
}
