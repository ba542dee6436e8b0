/* The outbox in pages, as people look at it. */
#include "store/core/state.h"
#include "store/db/dialect.h"
#include "store/outbox/outbox.h"
#include "store/outbox/outbox_row.h"
#include "store/session/other_form.h"

#include <string.h>

#define LISTED  OUTBOX_COLUMNS("NULL, NULL, NULL")
#define OF_CHAT " AND (? IS NULL OR chat_jid IN (?, ?))"
/* With a state the index on (state, seq) is walked, without one the table itself: never a sort. */
#define BY_STATE                                                                                   \
    " FROM bridge_outbox" SQL_BY_INDEX("bridge_outbox_state") " WHERE our_jid = ? AND state = ?"
#define ALL " FROM bridge_outbox" SQL_BY_NO_INDEX " WHERE our_jid = ? AND ? < 0"

static const char *statement_of(const struct store_outbox_filter *f)
{
    if (f->state >= 0)
        return f->oldest_first ? LISTED BY_STATE OF_CHAT " AND seq > ? ORDER BY seq LIMIT ?"
                               : LISTED BY_STATE OF_CHAT " AND seq < ? ORDER BY seq DESC LIMIT ?";
    return f->oldest_first ? LISTED ALL OF_CHAT " AND seq > ? ORDER BY seq LIMIT ?"
                           : LISTED ALL OF_CHAT " AND seq < ? ORDER BY seq DESC LIMIT ?";
}

struct outbox_page {
    struct arena *arena;
    struct store_outbox_row *rows;
    size_t n;
};

static enum wb_err read_row(struct stmt *q, void *ctx)
{
    struct outbox_page *p = ctx;

    return outbox_read_row(q, p->arena, &p->rows[p->n++]);
}

enum wb_err store_outbox_list(struct store *s, const struct store_outbox_filter *f, struct arena *a,
                              struct store_outbox_row **ret_rows, size_t *ret_n)
{
    struct outbox_page page = {.arena = a};
    struct jid forms[2] = {{0}};
    size_t nforms = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    if (f->limit == 0 || f->limit > OUTBOX_LIST_MAX || f->beyond < 0)
        return WB_ERR_INVALID;
    page.rows = arena_alloc(a, f->limit * sizeof *page.rows);
    if (!page.rows)
        return WB_ERR_NOMEM;
    if (f->chat)
        TRY(both_forms(s, f->chat, forms, &nforms));
    /* LIMIT keeps the rows within the page. */
    TRY(sql_each(&s->wa, statement_of(f),
                 BINDS(BIND_TEXT(s->our), BIND_INT(f->state), BIND_JID(&forms[0]),
                       BIND_JID(&forms[0]), BIND_JID(&forms[nforms > 1 ? 1 : 0]),
                       BIND_INT(f->beyond || f->oldest_first ? f->beyond : INT64_MAX),
                       BIND_INT((int64_t)f->limit)),
                 read_row, &page));
    *ret_rows = page.rows;
    *ret_n = page.n;
out:
    return err;
}
