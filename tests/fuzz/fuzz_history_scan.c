/* Any bytes as a first history: it says the same wherever it is cut, and what it says stays within
 * limits. The first byte says where to cut; the rest is used as the protobuf, and as a zlib
 * stream. */
#include <stdlib.h>
#include <string.h>

#include "proto/history_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
    uint64_t hash;
    size_t count;
};

static void mix(struct heard *h, const void *p, size_t n)
{
    const uint8_t *bytes = p;

    for (size_t i = 0; i < n; i++)
        h->hash = (h->hash ^ bytes[i]) * 1099511628211u;
}

static void hear(void *ctx, const struct history_fact *f)
{
    const struct span parts[] = {f->jid, f->pn, f->lid, f->bytes};
    struct heard *h = ctx;

    h->count++;
    mix(h, &f->kind, sizeof f->kind);
    mix(h, &f->t, sizeof f->t);
    mix(h, &f->sender_t, sizeof f->sender_t);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].n > HISTORY_SCAN_TEXT_MAX)
            abort();
        mix(h, &parts[i].n, sizeof parts[i].n);
        if (parts[i].n)
            mix(h, parts[i].p, parts[i].n);
    }
}

static enum wb_err scan(struct span in, size_t step, struct heard *h)
{
    struct history_scan s;
    enum wb_err err = WB_OK;

    *h = (struct heard){1469598103934665603u, 0};
    history_scan_init(&s, hear, h);
    for (size_t at = 0; at < in.n && err == WB_OK; at += step)
        err = history_scan_feed(&s, span_first(span_skip(in, at), step));
    return err == WB_OK ? history_scan_end(&s) : err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heard whole, cut, packed;
    struct span in;
    enum wb_err err;

    if (size < 1)
        return 0;
    in = SPAN(data + 1, size - 1);
    err = scan(in, in.n ? in.n : 1, &whole);
    if (scan(in, 1u + data[0] % 64, &cut) != err || cut.hash != whole.hash ||
        cut.count != whole.count)
        abort();
    packed = (struct heard){0, 0};
    (void)!history_scan_packed(in, 1 << 20, hear, &packed);
    return 0;
}
