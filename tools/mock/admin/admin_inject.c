/* admin_inject.c - bytes that no server would send, put on a client's connection as they are. */
#include "base/text.h"
#include "tools/mock/admin/admin.h"
#include "tools/mock/wire/client.h"

/* Reads the body's `hex` and repeats it `times` times. False: not hex, or too long. */
static bool read_bytes(const json_t *body, struct buf *out)
{
    struct span text = span_cstr(admin_text(body, "hex"));
    int64_t times = admin_int(body, "times", 1);
    struct buf once = buf_new(MOCK_STANZA_BYTES);
    uint8_t *to = buf_extend(&once, text.n / 2);
    size_t n = 0;
    bool ok = to != NULL && hex_decode(text, to, text.n / 2, &n) == WB_OK;

    for (int64_t i = 0; ok && i < times; i++) {
        buf_append(out, buf_span(&once));
        ok = buf_err(out) == WB_OK;
    }
    buf_free(&once);
    return ok;
}

bool admin_inject(struct client *c, const char *how, const json_t *body)
{
    struct buf bytes = buf_new(MOCK_STANZA_BYTES);
    bool ok = read_bytes(body, &bytes);

    if (!ok)
        goto out;
    if (strcmp(how, "plain") == 0)
        client_send_packed(c, buf_span(&bytes));
    else if (strcmp(how, "frame") == 0)
        client_send_frame(c, buf_span(&bytes));
    else if (strcmp(how, "bytes") == 0)
        client_send_bytes(c, buf_span(&bytes));
    else
        ok = false;
out:
    buf_free(&bytes);
    return ok;
}
