/* Input from the socket: bytes to frames, frames to stanzas, a batch of stanzas at a time. */
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "bridge/conn/conn_private.h"
#include "bridge/conn/keepalive.h"
#include "bridge/core/batch.h"
#include "proto/limits.h"
#include "store/core/batch.h"

bool conn_closing(const struct conn *c)
{
    return c->state == CONN_WAIT_CLOSE || c->state == CONN_STOPPED;
}

/* One frame of the encrypted stream: plaintext, node, meaning. */
static enum wb_err take_stanza(struct conn *c, struct span frame)
{
    struct bridge *b = c->b;
    struct stanza s = {.arena = &c->arena, .received_ms = clock_unix_ms(b->clock)};
    struct node *n;
    enum wb_err err;

    buf_clear(&c->plain);
    arena_reset(&c->arena);
    TRY(noise_transport_open(&c->transport, frame, &c->plain));
    b->last_stanza_ms = s.received_ms;
    keepalive_heard(b->keepalive);
    err = node_unpack(buf_span(&c->plain), &c->arena, &n);
    if (err != WB_OK && wb_err_class(err) == WB_CLASS_PEER) {
        /* Only this stanza is lost: the stream goes on behind it (P-BN-23). */
        log_warn(b->log, "conn", "a stanza of %zu bytes cannot be read: %s", frame.n,
                 wb_err_text(err));
        return WB_OK;
    }
    TRY(err);
    s.node = n;
    if (b->log->level >= LOG_TRACE && b->config->log_messages) {
        struct buf xml = buf_new(64 * 1024);

        node_print(n, &xml);
        log_trace(b->log, "wire", "in %s", buf_text(&xml));
        buf_free(&xml);
    }
    if (c->offline_waits && node_has_attr(n, "offline"))
        conn_offline_heard(c);
    err = b->on_stanza(b, &s);
    if (++b->batch.stanzas == 1)
        b->batch.opened_ms = clock_mono_ms(b->clock);
out:
    return err;
}

static void take_frame(struct conn *c, struct span frame)
{
    enum wb_err err;

    if (!c->transport_live) {
        conn_event(c, CONN_EV_HELLO, &(struct conn_input){.frame = frame});
        return;
    }
    err = take_stanza(c, frame);
    if (err == WB_OK || conn_closing(c))
        return;
    if (err == WB_ERR_BAD_MAC || wb_err_class(err) == WB_CLASS_PEER)
        conn_close(c, CONN_WHY_PROTOCOL, wb_err_text(err)); /* the stream is lost (P-HS-12) */
    else
        batch_fail(c->b, err);
}

static void on_calm(void *ctx)
{
    struct conn *c = ctx;

    store_release_memory(c->b->store); /* the pages of 812 prekeys, for example */
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

/* malloc never gives back memory that was freed below the top of its heaps: a process that idles
 * for months would keep the size of its largest burst. malloc_trim() does, but not at once: the
 * next stanza would need the same pages again. */
void conn_calm_soon(struct conn *c)
{
    timer_start(c->b->timers, &c->calm_timer, CONN_CALM_MS, on_calm, c);
}

/* A large stanza (a list of groups, a history notice) must not stay in memory for ever. */
void conn_trim(struct conn *c, struct buf *b)
{
    if (b->cap <= CONN_KEEP_BYTES)
        return;
    buf_free(b);
    conn_calm_soon(c);
}

static void trim(struct conn *c)
{
    conn_trim(c, &c->plain);
    if (c->arena.used <= CONN_KEEP_BYTES)
        return;
    arena_free(&c->arena);
    conn_calm_soon(c);
}

static bool batch_is_long(const struct bridge *b)
{
    return b->batch.stanzas >= BATCH_STANZAS_MAX || outgoing_is_full(b) ||
           (b->batch.stanzas > 0 && clock_mono_ms(b->clock) - b->batch.opened_ms >= BATCH_MS_MAX);
}

/* Handles the frames that have been read, up to one batch: then the loop's other sockets have their
 * turn. */
void conn_take_frames(void *ctx)
{
    struct conn *c = ctx;
    struct span frame;
    enum wb_err err = WB_OK;

    while (err == WB_OK && !conn_closing(c) && !batch_is_long(c->b)) {
        err = frame_reader_next(&c->frames, &frame);
        if (err != WB_OK || span_is_null(frame))
            break;
        take_frame(c, frame);
    }
    if (err != WB_OK && !conn_closing(c))
        conn_close(c, CONN_WHY_PROTOCOL, wb_err_text(err));
    else if (!conn_closing(c) && batch_is_long(c->b)) {
        loop_defer(c->b->loop, &c->more, conn_take_frames, c);
        (void)(batch_commit(c->b) == WB_OK); /* a failure has closed the connection */
    }
    trim(c);
    conn_pace_reading(c);
}

bool conn_on_receive(void *ctx, struct span bytes)
{
    struct conn *c = ctx;
    enum wb_err err = frame_reader_push(&c->frames, bytes);

    if (err != WB_OK && !conn_closing(c))
        conn_close(c, CONN_WHY_PROTOCOL, wb_err_text(err));
    else if (!c->more.queued)
        conn_take_frames(c);
    return !conn_closing(c);
}
