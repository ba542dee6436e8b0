/* What gathered on the server while we were away, when nothing of it comes (P-X2-17).
 *
 * The server tells how much it has (<offline_preview>), and sends it by itself, as a rule. Some
 * accounts get it only in parts that the client asks for, as WhatsApp's own client does; unasked,
 * the messages would stay on the server. So: announced, and then nothing for ten seconds: asked
 * for, once. Once more only after something has come: at once when the part was a full one, else
 * after another ten seconds. */
#include "bridge/conn/conn_private.h"

enum { OFFLINE_BATCH = 200 }; /* as many as WhatsApp's own client asks for */

static void on_silence(void *ctx);

static void ask(struct conn *c)
{
    struct arena a = arena_new(16 * 1024);
    struct node *ib = node_new(&a, "ib");
    enum wb_err err;

    node_attr_u64(&a, node_child_new(&a, ib, "offline_batch"), "count", OFFLINE_BATCH);
    err = ib ? outgoing_send(c->b, ib) : WB_ERR_NOMEM;
    arena_free(&a);
    c->offline_pulled = 1; /* from here on they are counted */
    if (err == WB_OK)
        log_info(c->b->log, "conn", "what was announced does not come by itself: it is asked for");
    else
        log_warn(c->b->log, "conn", "what waits could not be asked for: %s", wb_err_text(err));
}

static void look_in(struct conn *c, int64_t ms)
{
    timer_start(c->b->timers, &c->silence_timer, ms, on_silence, c);
}

static void on_silence(void *ctx)
{
    struct conn *c = ctx;
    const int64_t now = clock_mono_ms(c->b->clock);

    if (c->state != CONN_ONLINE) { /* it waits for us */
        c->offline_heard_ms = now;
        look_in(c, CONN_OFFLINE_SILENCE_MS);
        return;
    }
    if (now - c->offline_heard_ms < CONN_OFFLINE_SILENCE_MS) {
        look_in(c, c->offline_heard_ms + CONN_OFFLINE_SILENCE_MS - now);
        return;
    }
    if (c->offline_asked) { /* it has nothing, or gives nothing */
        c->offline_waits = false;
        return;
    }
    c->offline_asked = true;
    ask(c);
    look_in(c, CONN_OFFLINE_SILENCE_MS);
}

void conn_offline_announced(struct conn *c, uint64_t count)
{
    if (count == 0 || c->offline_over)
        return;
    c->offline_waits = true;
    c->offline_asked = false;
    c->offline_pulled = 0;
    c->offline_heard_ms = clock_mono_ms(c->b->clock);
    look_in(c, CONN_OFFLINE_SILENCE_MS);
}

void conn_offline_heard(struct conn *c)
{
    c->offline_asked = false;
    c->offline_heard_ms = clock_mono_ms(c->b->clock);
    if (c->offline_pulled && c->offline_pulled++ == OFFLINE_BATCH && c->state == CONN_ONLINE)
        ask(c); /* it was a full part: there may be more */
}

void conn_offline_forget(struct conn *c)
{
    c->offline_waits = false;
    timer_stop(c->b->timers, &c->silence_timer);
}
