/* The outbox in pages, as people look at it. */
#include "store/core/state.h"
#include "store/outbox/outbox.h"
#include "store/outbox/outbox_row.h"
#include "store/session/other_form.h"

#include <string.h>

#define LISTED  OUTBOX_COLUMNS("NULL, NULL, NULL")
#define OF_CHAT " AND (? IS NULL OR chat_jid IN (?, ?))"
/* With a state the index on (state, seq) is walked, without one the table itself: never a sort. */
#define BY_STATE                                                                                   \
    " FROM bridge_outbox INDEXED BY bridge_outbox_state WHERE our_jid = ? AND state = ?"
#define ALL " FROM bridge_outbox NOT INDEXED WHERE our_jid = ? AND ? < 0"

static enum wb_err prepare(struct stmt *q, struct store *s, const struct store_outbox_filter *f)
{
    if (f->state >= 0)
        return f->oldest_first
                   ? stmt_read(q, &s->wa,
                               LISTED BY_STATE OF_CHAT " AND seq > ? ORDER BY seq LIMIT ?")
                   : stmt_read(q, &s->wa,
                               LISTED BY_STATE OF_CHAT " AND seq < ? ORDER BY seq DESC LIMIT ?");
    return f->oldest_first
               ? stmt_read(q, &s->wa, LISTED ALL OF_CHAT " AND seq > ? ORDER BY seq LIMIT ?")
               : stmt_read(q, &s->wa, LISTED ALL OF_CHAT " AND seq < ? ORDER BY seq DESC LIMIT ?");
}

enum wb_err store_outbox_list(struct store *s, const struct store_outbox_filter *f, struct arena *a,
                              struct store_outbox_row **ret_rows, size_t *ret_n)
{
    struct store_outbox_row *rows;
    struct jid forms[2] = {{0}};
    size_t n = 0, nforms = 0;
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    if (f->limit == 0 || f->limit > OUTBOX_LIST_MAX || f->beyond < 0)
        return WB_ERR_INVALID;
    rows = arena_alloc(a, f->limit * sizeof *rows);
    if (!rows)
        return WB_ERR_NOMEM;
    if (f->chat)
        TRY(both_forms(s, f->chat, forms, &nforms));
    TRY(prepare(&q, s, f));
    stmt_text(&q, s->our);
    stmt_int(&q, f->state);
    stmt_jid(&q, &forms[0]);
    stmt_jid(&q, &forms[0]);
    stmt_jid(&q, &forms[nforms > 1 ? 1 : 0]);
    stmt_int(&q, f->beyond || f->oldest_first ? f->beyond : INT64_MAX);
    stmt_int(&q, (int64_t)f->limit);
    while (n < f->limit && (err = stmt_step(&q)) == WB_OK) {
        err = outbox_read_row(&q, a, &rows[n]);
        if (err != WB_OK)
            break;
        n++;
    }
    stmt_end(&q);
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    err = WB_OK;
    *ret_rows = rows;
    *ret_n = n;
out:
    return err;
}
