#include "base/chunked.h"

enum { SIZE_DIGITS_MAX = 8 };

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Counts a byte of an extension or a trailer: nobody uses these, but they must not be endless. */
static bool may_skip(struct chunked *c)
{
    return ++c->skipped <= CHUNKED_EXTRA_MAX;
}

static enum chunked_state size_byte(struct chunked *c, uint8_t b)
{
    int digit = hex_value(b);

    if (digit >= 0) {
        c->left = c->left << 4 | (unsigned)digit;
        return ++c->digits <= SIZE_DIGITS_MAX ? CHUNKED_SIZE : CHUNKED_BAD;
    }
    if (c->digits == 0)
        return CHUNKED_BAD;
    if (b == ';' || b == ' ' || b == '\t')
        return may_skip(c) ? CHUNKED_EXTENSION : CHUNKED_BAD;
    return b == '\r' ? CHUNKED_SIZE_LF : CHUNKED_BAD;
}

/* Skips a byte of a line up to CR LF; a lone LF does not end the line. */
static enum chunked_state skip_byte(struct chunked *c, uint8_t b, enum chunked_state same,
                                    enum chunked_state end)
{
    if (b == '\r')
        return end;
    return b != '\n' && may_skip(c) ? same : CHUNKED_BAD;
}

static enum chunked_state size_done(struct chunked *c)
{
    c->digits = 0;
    return c->left > 0 ? CHUNKED_DATA : CHUNKED_TRAILER;
}

/* The state after a byte that is no content of a chunk. */
static enum chunked_state next_state(struct chunked *c, uint8_t b)
{
    switch (c->state) {
    case CHUNKED_SIZE:
        return size_byte(c, b);
    case CHUNKED_EXTENSION:
        return skip_byte(c, b, CHUNKED_EXTENSION, CHUNKED_SIZE_LF);
    case CHUNKED_SIZE_LF:
        return b == '\n' ? size_done(c) : CHUNKED_BAD;
    case CHUNKED_DATA_CR:
        return b == '\r' ? CHUNKED_DATA_LF : CHUNKED_BAD;
    case CHUNKED_DATA_LF:
        return b == '\n' ? CHUNKED_SIZE : CHUNKED_BAD;
    case CHUNKED_TRAILER:
        return skip_byte(c, b, CHUNKED_TRAILER_LINE, CHUNKED_END_LF);
    case CHUNKED_TRAILER_LINE:
        return skip_byte(c, b, CHUNKED_TRAILER_LINE, CHUNKED_TRAILER_LF);
    case CHUNKED_TRAILER_LF:
        return b == '\n' ? CHUNKED_TRAILER : CHUNKED_BAD;
    case CHUNKED_END_LF:
        return b == '\n' ? CHUNKED_DONE : CHUNKED_BAD;
    case CHUNKED_DATA:
    case CHUNKED_DONE:
    case CHUNKED_BAD:
        break;
    }
    return CHUNKED_BAD;
}

enum wb_err chunked_push(struct chunked *c, struct span in, struct buf *out, bool *ret_done)
{
    while (in.n > 0 && c->state != CHUNKED_DONE && c->state != CHUNKED_BAD) {
        if (c->state == CHUNKED_DATA) {
            size_t n = in.n < c->left ? in.n : (size_t)c->left;

            buf_append(out, SPAN(in.p, n));
            if (buf_err(out) != WB_OK)
                return buf_err(out);
            in = span_skip(in, n);
            c->left -= n;
            if (c->left == 0)
                c->state = CHUNKED_DATA_CR;
            continue;
        }
        c->state = next_state(c, in.p[0]);
        in = span_skip(in, 1);
    }
    if (c->state == CHUNKED_BAD)
        return WB_ERR_MALFORMED;
    *ret_done = c->state == CHUNKED_DONE;
    return WB_OK;
}
