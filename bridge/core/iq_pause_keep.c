#include "bridge/core/iq_pause_keep.h"

#include <inttypes.h>
#include <string.h>

#include "bridge/core/context.h"
#include "store/core/meta.h"

/* A line is two numbers and a kind: all of them fit into one value of bridge_meta. */
enum { LINE_MAX_BYTES = 20 + 1 + 10 + 1 + IQ_KIND_MAX };
_Static_assert((int)IQ_PAUSES_MAX *LINE_MAX_BYTES <= (int)STORE_META_MAX, "one value holds them");

/* More refusals in a row change nothing: a pause has its full length long before. */
enum { REFUSALS_MAX = 1000 };

void iq_pauses_write(const struct iq_pauses *p, int64_t now_s, int64_t now_ms, struct buf *out)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct iq_pause *e = &p->list[i];
        const int64_t left_ms = e->until_ms > now_ms ? e->until_ms - now_ms : 0;

        buf_printf(out, "%" PRId64 " %u %s\n", now_s + (left_ms + 999) / 1000,
                   e->refusals < REFUSALS_MAX ? e->refusals : REFUSALS_MAX, e->kind);
    }
}

/* Takes the number at the begin of the text, and the blank behind it. */
static bool take_number(struct span *text, uint64_t *ret)
{
    const uint8_t *blank = text->n ? memchr(text->p, ' ', text->n) : NULL;
    size_t digits = blank ? (size_t)(blank - text->p) : 0;

    if (!digits || !span_to_u64(span_first(*text, digits), ret))
        return false;
    *text = span_skip(*text, digits + 1);
    return true;
}

static void read_line(struct iq_pauses *p, struct span line, int64_t now_s, int64_t now_ms)
{
    uint64_t until, refusals;
    int64_t left = 0;

    if (!take_number(&line, &until) || !take_number(&line, &refusals) || line.n == 0 ||
        line.n >= IQ_KIND_MAX || p->n >= IQ_PAUSES_MAX || refusals > REFUSALS_MAX)
        return;
    if (now_s >= 0 && until > (uint64_t)now_s)
        left = until - (uint64_t)now_s < IQ_BACKOFF_MAX_S ? (int64_t)(until - (uint64_t)now_s)
                                                          : IQ_BACKOFF_MAX_S;
    p->list[p->n] =
        (struct iq_pause){.until_ms = now_ms + left * 1000, .refusals = (unsigned)refusals};
    memcpy(p->list[p->n].kind, line.p, line.n);
    p->n++;
}

void iq_pauses_read(struct iq_pauses *p, struct span text, int64_t now_s, int64_t now_ms)
{
    while (text.n) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        const size_t n = end ? (size_t)(end - text.p) : text.n;

        read_line(p, span_first(text, n), now_s, now_ms);
        text = span_skip(text, end ? n + 1 : n);
    }
}

void iq_pauses_load(struct bridge *b)
{
    struct buf text = buf_new(STORE_META_MAX);

    if (store_meta_get(b->store, STORE_META_QUERY_PAUSES, &text) == WB_OK)
        iq_pauses_read(&b->iq.pauses, buf_span(&text), clock_unix_s(b->clock),
                       clock_mono_ms(b->clock));
    buf_free(&text);
}

void iq_pauses_keep(struct bridge *b)
{
    struct buf text = buf_new(STORE_META_MAX);
    enum wb_err err;

    b->iq.pauses_unwritten = true;
    iq_pauses_write(&b->iq.pauses, clock_unix_s(b->clock), clock_mono_ms(b->clock), &text);
    err = buf_err(&text);
    if (err == WB_OK)
        err =
            store_meta_put(b->store, STORE_META_QUERY_PAUSES, text.n ? buf_span(&text) : SPAN_NULL);
    if (err != WB_OK)
        log_warn(b->log, "conn", "a pause that WhatsApp wants was not written down: %s",
                 wb_err_text(err));
    buf_free(&text);
}
