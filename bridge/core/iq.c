#include "bridge/core/iq.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct iq_pending {
    struct iq_pending *next;
    char id[IQ_ID_MAX];
    int64_t due_ms;
    iq_fn *fn;
    uint64_t key;
    bool probe; /* the first of its kind after a pause */
    char kind[IQ_KIND_MAX];
};

enum { CODE_RATE = 429, CODE_SERVER = 500 };

static void on_timer(void *ctx);

void iq_init(struct iq_table *t, struct iq_port port, struct timers *timers)
{
    *t = (struct iq_table){.port = port, .timers = timers};
}

void iq_free(struct iq_table *t)
{
    t->closed = true; /* a callback that hears CANCELLED cannot send a new request */
    iq_fail_all(t, WB_ERR_CANCELLED);
    timer_stop(t->timers, &t->timer);
}

void iq_new_connection(struct iq_table *t, const struct rng *rng)
{
    snprintf(t->prefix, sizeof t->prefix, "%u.%u", rng_below(rng, 65536), rng_below(rng, 65536));
    t->counter = 0;
}

void iq_new_id(struct iq_table *t, char out[static IQ_ID_MAX])
{
    snprintf(out, IQ_ID_MAX, "%s-%" PRIu64, t->prefix, ++t->counter);
}

struct node *iq_new(struct arena *a, const char *type, const char *xmlns, const struct jid *to)
{
    struct node *n = node_new(a, "iq");
    struct jid server = jid_server_only(JID_PN);

    if (!n)
        return NULL;
    node_attr_jid(a, n, "to", to ? to : &server);
    node_attr_text(a, n, "type", type);
    node_attr_text(a, n, "xmlns", xmlns);
    return n;
}

/* Arms the timer for the earliest deadline. */
static void rearm(struct iq_table *t)
{
    int64_t earliest = -1;

    for (const struct iq_pending *p = t->first; p; p = p->next)
        if (earliest < 0 || p->due_ms < earliest)
            earliest = p->due_ms;
    if (earliest < 0)
        timer_stop(t->timers, &t->timer);
    else
        timer_start(t->timers, &t->timer, earliest - clock_mono_ms(t->timers->clock), on_timer, t);
}

enum wb_err iq_send(struct iq_table *t, struct arena *a, struct node *n, int64_t timeout_ms,
                    iq_fn *fn, uint64_t key)
{
    struct iq_pending *p;
    enum wb_err err;

    if (!n)
        return WB_ERR_NOMEM;
    if (t->closed)
        return WB_ERR_STATE;
    if (t->n >= IQ_PENDING_MAX)
        return WB_ERR_TOO_LARGE;
    p = calloc(1, sizeof *p);
    if (!p)
        return WB_ERR_NOMEM;
    iq_pause_kind(n, a, p->kind);
    if (!iq_pause_may_send(&t->pauses, p->kind, clock_mono_ms(t->timers->clock), &p->probe)) {
        free(p);
        return WB_ERR_RATE_LIMITED;
    }
    iq_new_id(t, p->id);
    node_attr_text(a, n, "id", p->id);
    err = t->port.send(t->port.b, n);
    if (err != WB_OK) {
        if (p->probe)
            iq_pause_probed(&t->pauses, p->kind, false);
        free(p);
        return err;
    }
    p->due_ms =
        clock_mono_ms(t->timers->clock) + (timeout_ms > 0 ? timeout_ms : (int64_t)IQ_TIMEOUT_MS);
    p->fn = fn;
    p->key = key;
    p->next = t->first;
    t->first = p;
    t->n++;
    if (!t->timer.armed || p->due_ms < t->timer.due_ms)
        rearm(t);
    return WB_OK;
}

/* Takes the entry at *at out of the list. */
static struct iq_pending *unlink_at(struct iq_table *t, struct iq_pending **at)
{
    struct iq_pending *p = *at;

    *at = p->next;
    if (--t->n == 0)
        timer_stop(t->timers, &t->timer);
    return p;
}

static void pauses_changed(const struct iq_table *t)
{
    if (t->pauses_changed)
        t->pauses_changed(t->port.b);
}

static void end(struct iq_table *t, struct iq_pending *p, struct iq_reply *r)
{
    const size_t pauses = t->pauses.n;
    iq_fn *fn = p->fn;
    uint64_t key = p->key;

    r->refusals = p->probe ? iq_pause_refusals(&t->pauses, p->kind) : 0;
    if (p->probe)
        iq_pause_probed(&t->pauses, p->kind, r->err == WB_OK || r->err == WB_ERR_REFUSED);
    if (t->pauses.n != pauses)
        pauses_changed(t);
    free(p);
    fn(t->port.b, key, r);
}

void iq_error_of(const struct node *iq, struct arena *a, uint32_t *ret_code, struct span *ret_text,
                 uint64_t *ret_backoff_s)
{
    const struct node *e = node_child(iq, "error");
    uint64_t code;

    *ret_code = 0;
    *ret_text = SPAN_LIT("");
    *ret_backoff_s = 0;
    if (!e)
        return;
    if (!node_attr_get_u64(e, "backoff", ret_backoff_s))
        *ret_backoff_s = 0;
    if (node_attr_get_u64(e, "code", &code) && code <= UINT32_MAX)
        *ret_code = (uint32_t)code;
    if (node_has_attr(e, "text"))
        *ret_text = node_attr_str(e, "text", a);
}

/* `backoff` is obeyed with every error code; but a code that answers the question (403, 404 ...) is
 * handed to the asker. */
static void take_error(struct iq_table *t, struct iq_pending *p, const struct node *n,
                       struct arena *a, struct iq_reply *r)
{
    uint64_t backoff_s;

    iq_error_of(n, a, &r->code, &r->text, &backoff_s);
    r->err = WB_ERR_REFUSED;
    if (p->kind[0] == '\0' || (r->code != CODE_RATE && backoff_s == 0))
        return;
    iq_pause_begin(&t->pauses, p->kind, backoff_s, clock_mono_ms(t->timers->clock));
    pauses_changed(t);
    p->probe = false; /* the probe has ended in the next pause, which must not be forgotten */
    if (r->code == CODE_RATE || r->code >= CODE_SERVER)
        r->err = WB_ERR_RATE_LIMITED;
}

bool iq_handle(struct iq_table *t, const struct node *n, struct arena *a)
{
    struct span id = node_attr_str(n, "id", a);
    struct iq_reply r = {.err = WB_ERR_PROTOCOL, .text = SPAN_LIT(""), .node = n, .arena = a};
    struct iq_pending **at = &t->first;

    if (span_is_null(id))
        return false;
    while (*at && !span_eq_cstr(id, (*at)->id))
        at = &(*at)->next;
    if (!*at)
        return false;
    if (node_attr_is(n, "type", "result")) {
        r.err = WB_OK;
    } else if (node_attr_is(n, "type", "error")) {
        take_error(t, *at, n, a, &r);
    }
    end(t, unlink_at(t, at), &r);
    return true;
}

int64_t iq_pause_left_ms(const struct iq_table *t, const char *kind)
{
    return iq_pause_left(&t->pauses, kind, clock_mono_ms(t->timers->clock));
}

void iq_refused_within(struct iq_table *t, const char *kind, const struct iq_reply *r,
                       uint64_t backoff_s)
{
    iq_pause_go_on(&t->pauses, kind, r->refusals);
    iq_pause_begin(&t->pauses, kind, backoff_s, clock_mono_ms(t->timers->clock));
    pauses_changed(t);
}

void iq_forget_pauses(struct iq_table *t)
{
    t->pauses.n = 0;
    pauses_changed(t);
}

void iq_fail_all(struct iq_table *t, enum wb_err why)
{
    struct iq_reply r = {.err = why, .text = SPAN_LIT("")};
    /* The whole list is taken first, because a callback may send a new request on another
     * connection. */
    struct iq_pending *p = t->first;

    t->first = NULL;
    t->n = 0;
    timer_stop(t->timers, &t->timer);
    while (p) {
        struct iq_pending *next = p->next;

        end(t, p, &r);
        p = next;
    }
}

static void on_timer(void *ctx)
{
    struct iq_table *t = ctx;
    struct iq_reply r = {.err = WB_ERR_TIMEOUT, .text = SPAN_LIT("")};
    int64_t now = clock_mono_ms(t->timers->clock);
    struct iq_pending **at = &t->first;

    while (*at) {
        if ((*at)->due_ms > now) {
            at = &(*at)->next;
            continue;
        }
        end(t, unlink_at(t, at), &r);
        at = &t->first; /* the callback may have changed the list */
    }
    rearm(t);
}
