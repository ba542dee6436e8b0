/* node_pipe - our node codec as a filter, for node_codec.mjs.
 *
 * In: any number of [size u32 BE][transport plaintext]. Out, for each of them:
 * [error u8][size u32][our encoding][size u32][our XML]; both are empty after an error. */
#include <stdio.h>

#include "proto/limits.h"
#include "proto/node.h"

enum { STREAM_MAX = 64 << 20, TEXT_MAX = 4 * STREAM_MAX };

static bool read_exactly(struct buf *b, size_t n)
{
    uint8_t *at;

    buf_clear(b);
    at = buf_extend(b, n);
    return at && fread(at, 1, n, stdin) == n;
}

static void write_block(const struct buf *b)
{
    const uint8_t size[4] = {(uint8_t)(b->n >> 24), (uint8_t)(b->n >> 16), (uint8_t)(b->n >> 8),
                             (uint8_t)b->n};

    fwrite(size, 1, sizeof size, stdout);
    fwrite(b->p, 1, b->n, stdout);
}

static enum wb_err again(struct span in, struct arena *a, struct buf *out, struct buf *xml)
{
    struct node *n;
    enum wb_err err;

    TRY(node_unpack(in, a, &n));
    TRY(node_pack(n, out));
    node_print(n, xml);
    err = buf_err(xml);
out:
    return err;
}

int main(void)
{
    struct buf in = buf_new(STREAM_MAX), out = buf_new(STREAM_MAX);
    struct buf xml = buf_new(TEXT_MAX);
    struct arena a = arena_new(NODE_ARENA_MAX);

    while (read_exactly(&in, 4)) {
        size_t n = (size_t)in.p[0] << 24 | (size_t)in.p[1] << 16 | (size_t)in.p[2] << 8 | in.p[3];

        if (!read_exactly(&in, n)) {
            fprintf(stderr, "node_pipe: input ends inside a stanza\n");
            return 1;
        }
        buf_clear(&out);
        buf_clear(&xml);
        enum wb_err err = again(buf_span(&in), &a, &out, &xml);
        putchar((int)err);
        write_block(&out);
        write_block(&xml);
        arena_reset(&a);
    }
    buf_free(&in);
    buf_free(&out);
    buf_free(&xml);
    arena_free(&a);
    return ferror(stdin) || fflush(stdout) != 0;
}
