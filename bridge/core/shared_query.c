#include "bridge/core/shared_query.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/core/context.h"

struct shared_question {
    struct shared_question *next;
    uint64_t id;
    size_t n;
    struct jid jids[]; /* sorted, without doubles */
};

struct shared_wait {
    struct shared_wait *next;
    void *payload;
    enum wb_err err;
    size_t npending;
    uint64_t pending[]; /* ids of questions */
};

int shared_query_cmp(const void *a, const void *b)
{
    return jid_cmp(a, b);
}

void shared_query_init(struct shared_query *q, struct bridge *b, const struct shared_query_ops *ops)
{
    *q = (struct shared_query){.b = b, .ops = ops};
}

void shared_query_free(struct shared_query *q)
{
    timer_stop(q->b->timers, &q->timer);
    while (q->waits) {
        struct shared_wait *w = q->waits;

        q->waits = w->next;
        q->ops->drop(w->payload);
        free(w);
    }
    while (q->questions) {
        struct shared_question *s = q->questions;

        q->questions = s->next;
        free(s);
    }
}

enum wb_err shared_query_new(struct bridge *b, const struct shared_query_ops *ops,
                             struct shared_query **ret_q)
{
    struct shared_query *q = malloc(sizeof *q);

    if (!q)
        return WB_ERR_NOMEM;
    shared_query_init(q, b, ops);
    *ret_q = q;
    return WB_OK;
}

void shared_query_delete(struct shared_query *q)
{
    if (!q)
        return;
    shared_query_free(q);
    free(q);
}

static size_t unique(struct jid *jids, size_t n)
{
    size_t kept = 0;

    qsort(jids, n, sizeof *jids, shared_query_cmp);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || jid_cmp(&jids[kept - 1], &jids[i]) != 0)
            jids[kept++] = jids[i];
    return kept;
}

static bool asks_for(const struct shared_question *s, const struct jid *jid)
{
    return bsearch(jid, s->jids, s->n, sizeof *s->jids, shared_query_cmp) != NULL;
}

static void wait_for(struct shared_wait *w, uint64_t id)
{
    for (size_t i = 0; i < w->npending; i++)
        if (w->pending[i] == id)
            return;
    w->pending[w->npending++] = id;
}

/* Removes from jids those that a question on its way asks about already; w waits for these
 * questions. */
static size_t join_questions(struct shared_query *q, struct shared_wait *w, struct jid *jids,
                             size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        const struct shared_question *s = q->questions;

        while (s && !asks_for(s, &jids[i]))
            s = s->next;
        if (s)
            wait_for(w, s->id);
        else
            jids[kept++] = jids[i];
    }
    return kept;
}

static enum wb_err ask(struct shared_query *q, struct shared_wait *w, const struct jid *jids,
                       size_t n)
{
    struct shared_question *s = calloc(1, sizeof *s + n * sizeof *jids);
    enum wb_err err;

    if (!s)
        return WB_ERR_NOMEM;
    s->id = ++q->last_id;
    s->n = n;
    memcpy(s->jids, jids, n * sizeof *jids);
    err = q->ops->ask(q->b, s->jids, n, s->id);
    if (err != WB_OK) {
        free(s);
        return err;
    }
    s->next = q->questions;
    q->questions = s;
    wait_for(w, s->id);
    return WB_OK;
}

/* Takes the waits whose questions are all answered out of the list, oldest first, and then tells
 * them: their reactions may add new waits, whose turn comes later. */
static void finish(struct shared_query *q)
{
    struct shared_wait *ready = NULL, **end = &ready;
    struct shared_wait **at = &q->waits;

    while (*at) {
        struct shared_wait *w = *at;

        if (w->npending > 0) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        w->next = NULL;
        *end = w;
        end = &w->next;
    }
    while (ready) {
        struct shared_wait *w = ready;

        ready = w->next;
        q->ops->done(q->b, w->payload, w->err);
        free(w);
    }
}

static void on_timer(void *ctx)
{
    finish(ctx);
}

enum wb_err shared_query_add(struct shared_query *q, struct jid *jids, size_t n, void *payload)
{
    size_t nquestions = 0, max;
    struct shared_wait *w, **end = &q->waits;

    for (const struct shared_question *s = q->questions; s; s = s->next)
        nquestions++;
    n = unique(jids, n);
    max = nquestions + n / q->ops->chunk_max + 1;
    w = calloc(1, sizeof *w + max * sizeof w->pending[0]);
    if (!w)
        return WB_ERR_NOMEM;
    w->payload = payload;
    n = join_questions(q, w, jids, n);
    for (size_t i = 0; i < n && w->err == WB_OK; i += q->ops->chunk_max)
        w->err = ask(q, w, jids + i, n - i < q->ops->chunk_max ? n - i : q->ops->chunk_max);
    while (*end)
        end = &(*end)->next;
    *end = w;
    if (w->npending == 0)
        timer_start(q->b->timers, &q->timer, 0, on_timer, q);
    return WB_OK;
}

const struct jid *shared_query_jids(const struct shared_query *q, uint64_t id, size_t *ret_n)
{
    for (const struct shared_question *s = q->questions; s; s = s->next)
        if (s->id == id) {
            *ret_n = s->n;
            return s->jids;
        }
    return NULL;
}

/* Which of two failures is reported: the first; but a failure that passes goes before a final
 * answer of the server, or JIDs of which nothing is known would count as answered. */
static enum wb_err worse(enum wb_err first, enum wb_err err)
{
    const bool said = first == WB_ERR_REFUSED || first == WB_ERR_PROTOCOL;

    return first == WB_OK || (said && err != WB_OK) ? err : first;
}

void shared_query_end(struct shared_query *q, uint64_t id, enum wb_err err)
{
    struct shared_question **at = &q->questions;

    while (*at && (*at)->id != id)
        at = &(*at)->next;
    if (!*at)
        return;
    struct shared_question *gone = *at;
    *at = gone->next;
    free(gone);
    for (struct shared_wait *w = q->waits; w; w = w->next) {
        for (size_t i = 0; i < w->npending; i++) {
            if (w->pending[i] != id)
                continue;
            w->pending[i] = w->pending[--w->npending];
            w->err = worse(w->err, err);
            break;
        }
    }
    finish(q);
}
