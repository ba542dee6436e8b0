#include "bridge/people/presence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bridge/conn/conn.h"
#include "bridge/core/context.h"
#include "bridge/core/own_name.h"
#include "store/core/meta.h"

enum {
    DAY_S = 24 * 3600,
    WEEK_MS = 7 * 24 * 3600 * 1000,
    THREE_DAYS_MS = 3 * 24 * 3600 * 1000,
    SETTLE_MS = 1, /* a pause, so as not to send from within the commit of a new name */
    NOTE_BYTES = STORE_NAME_MAX + JID_TEXT_MAX + 32,
};

struct presence {
    struct bridge *b;
    struct timer timer; /* fires when the day is over or the name has changed */
};

/* The unified session id that goes with presence available (P-LG-12). */
static enum wb_err send_unified_session(struct bridge *b, struct arena *a)
{
    struct node *ib = node_new(a, "ib");
    int64_t now = bridge_server_now_ms(b);

    if (!ib)
        return WB_ERR_NOMEM;
    node_attr_u64(a, node_child_new(a, ib, "unified_session"), "id",
                  (uint64_t)((now + THREE_DAYS_MS) % WEEK_MS));
    return outgoing_send(b, ib);
}

static enum wb_err send_presence(struct bridge *b, struct arena *a, const char *type,
                                 const char *name)
{
    struct node *n = node_new(a, "presence");

    if (!n)
        return WB_ERR_NOMEM;
    node_attr_text(a, n, "type", type);
    node_attr_text(a, n, "name", name);
    return outgoing_send(b, n);
}

/* Removes '@', which has no place in an announced name (P-LG-13). */
static void clean_name(char *name)
{
    size_t at = 0;

    for (const char *c = name; *c; c++)
        if (*c != '@')
            name[at++] = *c;
    name[at] = '\0';
}

/* The announced name is kept as "<unix seconds> <device> <name>". If the device was linked anew or
 * the name differs, it was not announced yet. */
static enum wb_err write_down(struct bridge *b, const char *name)
{
    char note[NOTE_BYTES], jid[JID_TEXT_MAX];
    int n = snprintf(note, sizeof note, "%lld %s %s", (long long)bridge_server_now_s(b),
                     jid_text(&b->own_pn, jid), name);

    return store_meta_put(b->store, STORE_META_PRESENCE, SPAN(note, (size_t)n));
}

/* How many seconds ago this name was announced; a day or more when it was not. A time in the future
 * was noted by a wrong clock and does not count. */
static int64_t announced_ago_s(struct bridge *b, const char *name)
{
    struct buf note = buf_new(STORE_META_MAX);
    char expected[NOTE_BYTES], jid[JID_TEXT_MAX];
    int64_t ago = DAY_S;
    uint64_t at;

    if (store_meta_get(b->store, STORE_META_PRESENCE, &note) == WB_OK) {
        struct span text = buf_span(&note);
        const uint8_t *space = memchr(text.p, ' ', text.n);
        size_t digits = space ? (size_t)(space - text.p) : 0;

        snprintf(expected, sizeof expected, "%s %s", jid_text(&b->own_pn, jid), name);
        if (space && span_to_u64(span_first(text, digits), &at) &&
            span_eq_cstr(span_skip(text, digits + 1), expected) &&
            at <= (uint64_t)bridge_server_now_s(b) + CLOCK_SLACK_S)
            ago = bridge_server_now_s(b) - (int64_t)at;
    }
    buf_free(&note);
    return ago < 0 ? 0 : ago;
}

static enum wb_err announce(struct bridge *b, const char *name)
{
    const bool stay = b->config->presence == PRESENCE_AVAILABLE;
    struct arena a = arena_new(16 * 1024);
    enum wb_err err;

    TRY(send_unified_session(b, &a));
    TRY(send_presence(b, &a, "available", name));
    b->presence_available = stay;
    if (!stay)
        TRY(send_presence(b, &a, "unavailable", name));
    err = write_down(b, name);
out:
    arena_free(&a);
    return err;
}

static void on_timer(void *ctx)
{
    struct presence *p = ctx;

    presence_look(p->b);
}

void presence_look(struct bridge *b)
{
    struct presence *p = b->presence;
    char name[STORE_NAME_MAX + 1];
    int64_t ago;

    if (!p || !conn_online(b->conn))
        return;
    own_name_get(b, name);
    clean_name(name);
    if (!name[0])
        return;
    ago = announced_ago_s(b, name);
    if (ago >= DAY_S || b->presence_available != (b->config->presence == PRESENCE_AVAILABLE)) {
        enum wb_err err = announce(b, name);

        if (err != WB_OK)
            log_warn(b->log, "conn", "presence not sent: %s", wb_err_text(err));
        ago = 0;
    }
    timer_start(b->timers, &p->timer, (DAY_S - ago) * 1000, on_timer, p);
}

static void on_batch_done(void *ctx, const struct bridge_event *ev)
{
    struct presence *p = ctx;

    (void)ev;
    if (!p->b->own_name_changed)
        return;
    p->b->own_name_changed = false;
    timer_start(p->b->timers, &p->timer, SETTLE_MS, on_timer, p);
}

static void on_batch_failed(void *ctx, const struct bridge_event *ev)
{
    struct presence *p = ctx;

    (void)ev;
    p->b->own_name_changed = false;
}

static void on_active(void *ctx, const struct bridge_event *ev)
{
    const struct presence *p = ctx;

    (void)ev;
    presence_look(p->b);
}

static void on_offline(void *ctx, const struct bridge_event *ev)
{
    struct presence *p = ctx;

    (void)ev;
    timer_stop(p->b->timers, &p->timer);
}

enum wb_err presence_new(struct bridge *b, struct presence **ret)
{
    struct presence *p = calloc(1, sizeof *p);
    enum wb_err err;

    if (!p)
        return WB_ERR_NOMEM;
    p->b = b;
    TRY(events_on(&b->events, BRIDGE_EV_BATCH_DONE, on_batch_done, p));
    TRY(events_on(&b->events, BRIDGE_EV_BATCH_FAILED, on_batch_failed, p));
    TRY(events_on(&b->events, BRIDGE_EV_ACTIVE, on_active, p));
    TRY(events_on(&b->events, BRIDGE_EV_OFFLINE, on_offline, p));
    *ret = p;
    p = NULL;
out:
    presence_free(p);
    return err;
}

void presence_free(struct presence *p)
{
    if (!p)
        return;
    timer_stop(p->b->timers, &p->timer);
    free(p);
}
