/* Asks the server for the offline queue (stanzas that it kept while we were away) when none of them
 * come by themselves (P-X2-17).
 *
 * The server tells how many stanzas it has (<offline_preview>), and as a rule sends them by itself.
 * Some accounts get them only in parts that the client asks for, as WhatsApp's own client does;
 * without asking, the messages would stay on the server. So: when stanzas are announced and none
 * come for ten seconds, we ask once. We ask again only after some have come: at once when the part
 * was a full one, else after another ten seconds. */
#include "bridge/conn/conn_private.h"

enum { OFFLINE_BATCH = 200 }; /* stanzas of one part, as WhatsApp's own client asks for */

static void on_silence(void *ctx);

static void ask(struct conn *c)
{
    struct arena a = arena_new(16 * 1024);
    struct node *ib = node_new(&a, "ib");
    enum wb_err err;

    node_attr_u64(&a, node_child_new(&a, ib, "offline_batch"), "count", OFFLINE_BATCH);
    err = ib ? outgoing_send(c->b, ib) : WB_ERR_NOMEM;
    arena_free(&a);
    c->offline_pulled = 1; /* 1 plus the stanzas that come from here on */
    if (err == WB_OK)
        log_info(c->b->log, "conn",
                 "announced messages do not come by themselves: asking for them");
    else
        log_warn(c->b->log, "conn", "the waiting messages could not be asked for: %s",
                 wb_err_text(err));
}

static void look_in(struct conn *c, int64_t ms)
{
    timer_start(c->b->timers, &c->silence_timer, ms, on_silence, c);
}

static void on_silence(void *ctx)
{
    struct conn *c = ctx;
    const int64_t now = clock_mono_ms(c->b->clock);

    if (c->state != CONN_ONLINE) { /* the server waits until we are online */
        c->offline_heard_ms = now;
        look_in(c, CONN_OFFLINE_SILENCE_MS);
        return;
    }
    if (now - c->offline_heard_ms < CONN_OFFLINE_SILENCE_MS) {
        look_in(c, c->offline_heard_ms + CONN_OFFLINE_SILENCE_MS - now);
        return;
    }
    if (c->offline_asked) { /* the server has nothing, or gives us nothing */
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
        ask(c); /* the part was a full one: there may be more */
}

void conn_offline_forget(struct conn *c)
{
    c->offline_waits = false;
    timer_stop(c->b->timers, &c->silence_timer);
}
