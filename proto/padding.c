#include "proto/padding.h"

enum { PADDING_ACCEPTED_MAX = 16 }; /* Baileys makes 1..16, whatsmeow 1..15 (P-SG-36) */

enum wb_err padding_add(struct buf *plain, uint8_t random)
{
    uint8_t n = random & 0x0F;
    uint8_t *at;

    if (n == 0)
        n = 0x0F;
    at = buf_extend(plain, n);
    if (at)
        memset(at, n, n);
    return buf_err(plain);
}

enum wb_err padding_strip(struct span padded, struct span *ret_content)
{
    uint8_t n = padded.n ? padded.p[padded.n - 1] : 0;

    if (n == 0 || n > PADDING_ACCEPTED_MAX || n > padded.n)
        return WB_ERR_BAD_PADDING;
    for (size_t i = padded.n - n; i < padded.n; i++)
        if (padded.p[i] != n)
            return WB_ERR_BAD_PADDING;
    *ret_content = span_first(padded, padded.n - n);
    return WB_OK;
}
