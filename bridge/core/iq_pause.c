#include "bridge/core/iq_pause.h"

#include <stdio.h>
#include <string.h>

static bool is_connections_own(const struct node *iq)
{
    return node_attr_is(iq, "xmlns", "w:p") || node_attr_is(iq, "xmlns", "passive");
}

void iq_pause_kind(const struct node *iq, struct arena *a, char out[static IQ_KIND_MAX])
{
    const struct span xmlns = node_attr_str(iq, "xmlns", a), type = node_attr_str(iq, "type", a);
    const struct node *child = iq->content == NODE_CHILDREN ? iq->first : NULL;
    const bool step = node_attr_is(iq, "xmlns", "md") && child;

    out[0] = '\0';
    if (xmlns.n == 0 || is_connections_own(iq))
        return;
    snprintf(out, IQ_KIND_MAX, "%.*s %.*s%s%.*s", (int)xmlns.n, (const char *)xmlns.p, (int)type.n,
             type.p ? (const char *)type.p : "", step ? " " : "", step ? (int)child->tag.n : 0,
             step ? (const char *)child->tag.p : "");
}

static size_t find(const struct iq_pauses *p, const char *kind)
{
    size_t i = 0;

    while (i < p->n && strcmp(p->list[i].kind, kind) != 0)
        i++;
    return i;
}

bool iq_pause_may_send(struct iq_pauses *p, const char *kind, int64_t now_ms, bool *ret_probe)
{
    const size_t at = find(p, kind);

    *ret_probe = false;
    if (at == p->n)
        return true;
    if (p->list[at].probing || p->list[at].until_ms > now_ms)
        return false;
    p->list[at].probing = *ret_probe = true;
    return true;
}

int64_t iq_pause_left(const struct iq_pauses *p, const char *kind, int64_t now_ms)
{
    const size_t at = find(p, kind);

    if (at == p->n)
        return 0;
    if (p->list[at].until_ms > now_ms)
        return p->list[at].until_ms - now_ms;
    return p->list[at].probing ? IQ_PROBE_MS : 0;
}

/* A new entry; when there is no room, it replaces the pause that ends first. */
static struct iq_pause *add(struct iq_pauses *p, const char *kind)
{
    size_t at = p->n;

    if (at < IQ_PAUSES_MAX) {
        p->n++;
    } else {
        at = 0;
        for (size_t i = 1; i < p->n; i++)
            if (p->list[i].until_ms < p->list[at].until_ms)
                at = i;
    }
    p->list[at] = (struct iq_pause){.until_ms = INT64_MIN};
    snprintf(p->list[at].kind, sizeof p->list[at].kind, "%s", kind);
    return &p->list[at];
}

static int64_t length_ms(uint64_t backoff_s, unsigned refusals)
{
    const int64_t most = backoff_s > IQ_PAUSE_GROWN_S ? (int64_t)backoff_s : IQ_PAUSE_GROWN_S;
    int64_t s = backoff_s > 0 ? (int64_t)backoff_s : IQ_PAUSE_FIRST_S;

    for (unsigned i = 1; i < refusals && s < most; i++)
        s *= 2;
    return (s < most ? s : most) * 1000;
}

void iq_pause_begin(struct iq_pauses *p, const char *kind, uint64_t backoff_s, int64_t now_ms)
{
    const size_t at = find(p, kind);
    struct iq_pause *e = at < p->n ? &p->list[at] : add(p, kind);
    int64_t until;

    if (backoff_s > IQ_BACKOFF_MAX_S)
        backoff_s = IQ_BACKOFF_MAX_S;
    if (e->until_ms <= now_ms)
        e->refusals++;
    until = now_ms + length_ms(backoff_s, e->refusals);
    if (until > e->until_ms)
        e->until_ms = until;
    e->probing = false;
}

unsigned iq_pause_refusals(const struct iq_pauses *p, const char *kind)
{
    const size_t at = find(p, kind);

    return at == p->n ? 0 : p->list[at].refusals;
}

void iq_pause_go_on(struct iq_pauses *p, const char *kind, unsigned refusals)
{
    if (refusals > 0 && find(p, kind) == p->n)
        add(p, kind)->refusals = refusals;
}

void iq_pause_probed(struct iq_pauses *p, const char *kind, bool answered)
{
    const size_t at = find(p, kind);

    if (at == p->n)
        return;
    p->list[at].probing = false;
    if (answered)
        p->list[at] = p->list[--p->n];
}
