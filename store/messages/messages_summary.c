#include "store/messages/messages_summary.h"

#include <string.h>

#include "base/arena.h"
#include "proto/content.h"
#include "store/core/state.h"
#include "store/db/sql.h"
#include "store/db/stmt.h"
#include "store/messages/limits.h"
#include "store/messages/messages.h"

enum { DECODE_ARENA_MAX = 16 << 20 }; /* for the largest message that is decoded */

struct old_row {
    int64_t rowid;
    bool edited;
    struct span id, kind, content, raw;
};

static bool begins(struct span s, const char *with)
{
    const size_t n = strlen(with);

    return s.n >= n && memcmp(s.p, with, n) == 0;
}

/* A description of ours began with its kind in brackets. A caption may do so too, so the stored
 * message decides. An edit may have brought words that the stored message does not have. */
static bool is_description(const struct old_row *r, struct arena *a)
{
    struct content c;

    if (span_eq_cstr(r->kind, STORE_EVENT_KIND))
        return begins(r->id, STORE_EVENT_KIND " ");
    if (!begins(r->content, "["))
        return false;
    if (span_eq_cstr(r->kind, "unreadable"))
        return true;
    if (r->raw.n == 0)
        return span_eq_cstr(r->content, "[empty message]");
    if (content_decode(r->raw, a, &c) != WB_OK)
        return false;
    return !c.media.present || (c.text.n == 0 && !r->edited);
}

static enum wb_err move(struct store *s, int64_t rowid)
{
    return sql_run(&s->msg, "UPDATE messages SET summary = content, content = '' WHERE rowid = ?",
                   BINDS(BIND_INT(rowid)));
}

/* The rowids, of the rows in (from, to], that are to be changed. */
static enum wb_err find(struct store *s, int64_t from, int64_t to, int64_t *ret, size_t *ret_n)
{
    struct arena a = arena_new(DECODE_ARENA_MAX);
    struct stmt q;
    size_t n = 0;
    enum wb_err err;

    TRY(stmt_read(&q, &s->msg,
                  "SELECT rowid, id, kind, content, raw, edited_at IS NOT NULL FROM messages"
                  " WHERE rowid > ? AND rowid <= ? AND kind <> 'text' AND content <> ''"
                  " AND summary IS NULL"));
    stmt_int(&q, from);
    stmt_int(&q, to);
    while ((err = stmt_step(&q)) == WB_OK && n < STORE_SUMMARY_ROWS) {
        const struct old_row r = {stmt_col_int(&q, 0),  stmt_col_int(&q, 5) != 0,
                                  stmt_col_span(&q, 1), stmt_col_span(&q, 2),
                                  stmt_col_span(&q, 3), stmt_col_span(&q, 4)};

        if (is_description(&r, &a))
            ret[n++] = r.rowid;
        arena_reset(&a);
    }
    stmt_end(&q);
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
    *ret_n = n;
out:
    arena_free(&a);
    return err;
}

static enum wb_err note(struct store *s, int64_t from)
{
    return sql_run(&s->msg, "UPDATE bridge_format SET summaries_from = ?", BINDS(BIND_INT(from)));
}

enum wb_err messages_move_summaries(struct store *s, size_t *moved, bool *ret_more)
{
    int64_t rows[STORE_SUMMARY_ROWS], from = 0, until = 0, to;
    size_t n = 0;
    enum wb_err err;

    TRY(db_query_int(&s->msg, "SELECT summaries_from FROM bridge_format", &from));
    TRY(db_query_int(&s->msg, "SELECT summaries_until FROM bridge_format", &until));
    *ret_more = false;
    if (from >= until)
        return WB_OK;
    to = until - from > STORE_SUMMARY_ROWS ? from + STORE_SUMMARY_ROWS : until;
    TRY(find(s, from, to, rows, &n));
    for (size_t i = 0; i < n; i++)
        TRY(move(s, rows[i]));
    TRY(note(s, to));
    *moved += n;
    *ret_more = to < until;
out:
    return err;
}
