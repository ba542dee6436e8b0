#include "bridge/core/events.h"

#include <stdlib.h>

struct event_listener {
    struct event_listener *next;
    enum bridge_event_kind kind;
    event_fn *fn;
    void *ctx;
};

void events_init(struct events *es)
{
    es->first = NULL;
}

void events_free(struct events *es)
{
    while (es->first) {
        struct event_listener *l = es->first;

        es->first = l->next;
        free(l);
    }
}

enum wb_err events_on(struct events *es, enum bridge_event_kind kind, event_fn *fn, void *ctx)
{
    struct event_listener *l = malloc(sizeof *l);
    struct event_listener **end = &es->first;

    if (!l)
        return WB_ERR_NOMEM;
    *l = (struct event_listener){NULL, kind, fn, ctx};
    while (*end)
        end = &(*end)->next;
    *end = l;
    return WB_OK;
}

void events_emit(struct events *es, const struct bridge_event *e)
{
    for (struct event_listener *l = es->first; l; l = l->next)
        if (l->kind == e->kind)
            l->fn(l->ctx, e);
}

void events_emit_kind(struct events *es, enum bridge_event_kind kind)
{
    struct bridge_event e = {.kind = kind};

    events_emit(es, &e);
}
