#include "store/messages/history_gaps.h"

#include <stdio.h>
#include <string.h>

#include "store/core/meta.h"
#include "store/core/state.h"
#include "store/db/sql.h"
#include "store/messages/message_row.h"

/* NOT_FOUND: no such gap. */
static enum wb_err all_gap(struct store *s, int64_t *ret_since, int64_t *ret_until)
{
    int64_t since, until;
    enum wb_err err;

    TRY(store_meta_get_int(s, STORE_META_HISTORY_SINCE, &since));
    TRY(store_meta_get_int(s, STORE_META_HISTORY_UNTIL, &until));
    *ret_since = since;
    *ret_until = until;
out:
    return err;
}

enum wb_err store_history_gap_all(struct store *s, int64_t since, int64_t until)
{
    int64_t old_since, old_until;
    enum wb_err err;

    if (since > until)
        return WB_ERR_INVALID;
    err = all_gap(s, &old_since, &old_until);
    if (err == WB_OK && old_since < since)
        since = old_since;
    else if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    TRY(store_meta_put_int(s, STORE_META_HISTORY_SINCE, since));
    err = store_meta_put_int(s, STORE_META_HISTORY_UNTIL, until);
out:
    return err;
}

enum wb_err store_history_gap_all_end(struct store *s)
{
    enum wb_err err;

    TRY(store_meta_put(s, STORE_META_HISTORY_SINCE, SPAN_NULL));
    err = store_meta_put(s, STORE_META_HISTORY_UNTIL, SPAN_NULL);
out:
    return err;
}

#define COLUMNS                                                                                    \
    "chat_jid, since, until, reason, anchor_id, request_id, asked_at, pages, filled, closed"

static enum wb_err read_gap(struct stmt *q, void *ret)
{
    struct store_history_gap *g = ret;

    memset(g, 0, sizeof *g);
    g->chat = stmt_col_jid(q, 0);
    g->since = stmt_col_int(q, 1);
    g->until = stmt_col_int(q, 2);
    stmt_col_text(q, 3, g->reason, sizeof g->reason);
    stmt_col_text(q, 4, g->anchor_id, sizeof g->anchor_id);
    stmt_col_text(q, 5, g->request_id, sizeof g->request_id);
    g->asked_at = stmt_col_int(q, 6);
    g->pages = (uint32_t)stmt_col_int(q, 7);
    g->filled = (uint64_t)stmt_col_int(q, 8);
    g->closed = stmt_col_int(q, 9) != 0;
    return WB_OK;
}

/* The chat's own row, closed or not; the key is the form that messages.db has. */
static enum wb_err row_get(struct store *s, const struct jid *chat, struct store_history_gap *ret)
{
    return sql_row_by(
        &s->wa, "SELECT " COLUMNS " FROM bridge_history_gaps WHERE our_jid = ? AND chat_jid = ?",
        BINDS(BIND_TEXT(s->our), BIND_JID(chat)), read_gap, ret);
}

enum wb_err store_history_gap_get(struct store *s, const struct jid *chat_in,
                                  struct store_history_gap *ret)
{
    struct store_history_gap g;
    int64_t since, until;
    struct jid chat;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(chat_of(s, chat_in, &chat));
    err = row_get(s, &chat, &g);
    if (err == WB_OK && !g.closed) {
        *ret = g;
        return WB_OK;
    }
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    bool closed = err == WB_OK;
    TRY(all_gap(s, &since, &until));
    if (closed && g.until >= until)
        return WB_ERR_NOT_FOUND;
    memset(ret, 0, sizeof *ret);
    ret->chat = chat;
    ret->since = since;
    ret->until = until;
    ret->filled = closed ? g.filled : 0;
    snprintf(ret->reason, sizeof ret->reason, "restored");
out:
    return err;
}

enum wb_err store_history_gap_put(struct store *s, const struct store_history_gap *g)
{
    struct jid chat;
    enum wb_err err;

    NEED_ACCOUNT(s);
    if (jid_is_none(&g->chat) || g->since > g->until)
        return WB_ERR_INVALID;
    TRY(chat_of(s, &g->chat, &chat));
    err = sql_run(&s->wa,
                  "INSERT INTO bridge_history_gaps (our_jid, " COLUMNS ")"
                  " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                  " ON CONFLICT (our_jid, chat_jid) DO UPDATE SET since = excluded.since,"
                  " until = excluded.until, reason = excluded.reason,"
                  " anchor_id = excluded.anchor_id, request_id = excluded.request_id,"
                  " asked_at = excluded.asked_at, pages = excluded.pages, filled = excluded.filled,"
                  " closed = excluded.closed",
                  BINDS(BIND_TEXT(s->our), BIND_JID(&chat), BIND_INT(g->since), BIND_INT(g->until),
                        BIND_TEXT(g->reason), BIND_TEXT(g->anchor_id), BIND_TEXT(g->request_id),
                        BIND_INT(g->asked_at), BIND_INT(g->pages), BIND_INT((int64_t)g->filled),
                        BIND_INT(g->closed)));
out:
    return err;
}

enum wb_err store_history_gap_open(struct store *s, const struct jid *chat, int64_t since,
                                   int64_t until, const char *reason)
{
    struct store_history_gap g;
    enum wb_err err;

    if (since > until || strlen(reason) > STORE_REASON_MAX)
        return WB_ERR_INVALID;
    err = store_history_gap_get(s, chat, &g);
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    bool open = err == WB_OK;
    uint64_t filled = open ? g.filled : 0;
    if (open && g.since < since)
        since = g.since;
    if (open && g.until > until)
        until = g.until;
    memset(&g, 0, sizeof g);
    g.chat = *chat;
    g.since = since;
    g.until = until;
    g.filled = filled;
    memcpy(g.reason, reason, strlen(reason));
    return store_history_gap_put(s, &g);
}

enum wb_err store_history_gap_of_request(struct store *s, struct span request_id,
                                         struct store_history_gap *ret)
{
    NEED_ACCOUNT(s);
    if (request_id.n == 0)
        return WB_ERR_NOT_FOUND;
    /* '+' makes SQLite use the index on requests under way, and not read all chats of the account.
     */
    return sql_row_by(&s->wa,
                      "SELECT " COLUMNS " FROM bridge_history_gaps"
                      " WHERE +our_jid = ? AND request_id = ? AND closed = 0 AND request_id <> ''",
                      BINDS(BIND_TEXT(s->our), BIND_SPAN(request_id)), read_gap, ret);
}

/* A row that was opened under a LID joins that of the phone number, once this is known. */
static enum wb_err join_forms(struct store *s, struct store_history_gap *g)
{
    struct jid chat;
    enum wb_err err;

    TRY(chat_of(s, &g->chat, &chat));
    if (jid_eq(&chat, &g->chat))
        return WB_OK;
    TRY(sql_run(&s->wa, "DELETE FROM bridge_history_gaps WHERE our_jid = ? AND chat_jid = ?",
                BINDS(BIND_TEXT(s->our), BIND_JID(&g->chat))));
    TRY(store_history_gap_open(s, &chat, g->since, g->until, g->reason));
    err = store_history_gap_get(s, &chat, g);
out:
    return err;
}

enum wb_err store_history_gap_next(struct store *s, char cursor[JID_TEXT_MAX],
                                   struct store_history_gap *ret)
{
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(sql_row_by(&s->wa,
                   "SELECT " COLUMNS " FROM bridge_history_gaps"
                   " WHERE our_jid = ? AND chat_jid > ? AND closed = 0 ORDER BY chat_jid LIMIT 1",
                   BINDS(BIND_TEXT(s->our), BIND_TEXT(cursor)), read_gap, ret));
    jid_text(&ret->chat, cursor);
    err = join_forms(s, ret);
out:
    return err;
}

static enum wb_err count_quiet(struct store *s, int64_t until, size_t *ret)
{
    char text[TIME_TEXT_BYTES];
    struct stmt q;
    enum wb_err err;

    TRY(stmt_read(&q, &s->msg,
                  "SELECT count(*) FROM chats WHERE last_message_time <= ?"
                  " AND jid NOT LIKE '%@broadcast'"));
    bind_time(&q, s, until, text);
    err = stmt_step(&q);
    if (err == WB_OK)
        *ret = (size_t)stmt_col_int(&q, 0);
    stmt_end(&q);
out:
    return err;
}

enum wb_err store_history_asked(struct store *s, int64_t since, size_t *ret_n)
{
    NEED_ACCOUNT(s);
    return sql_row(&s->wa,
                   "SELECT count(*) FROM bridge_history_gaps WHERE +our_jid = ? AND closed = 0"
                   " AND request_id <> '' AND request_id > '' AND asked_at >= ?",
                   BINDS(BIND_TEXT(s->our), BIND_INT(since)), COLS(COL_SIZE(ret_n)));
}

enum wb_err store_history_gaps_sum(struct store *s, struct store_history_gaps *ret)
{
    struct store_history_gaps sum = {0};
    int64_t filled = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(sql_row(&s->wa,
                "SELECT coalesce(sum(closed = 0), 0), coalesce(sum(filled), 0)"
                " FROM bridge_history_gaps WHERE our_jid = ?",
                BINDS(BIND_TEXT(s->our)), COLS(COL_SIZE(&sum.open), COL_INT(&filled))));
    sum.filled = (uint64_t)filled;
    err = all_gap(s, &sum.since, &sum.until);
    sum.all = err == WB_OK;
    if (err == WB_OK)
        err = count_quiet(s, sum.until, &sum.quiet);
    else if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
    if (err == WB_OK)
        *ret = sum;
out:
    return err;
}

enum wb_err store_history_waiting(struct store *s, const struct store_history_gap *g,
                                  bool *ret_waiting)
{
    char from[TIME_TEXT_BYTES], to[TIME_TEXT_BYTES];
    struct stmt q;
    enum wb_err err;

    /* The bounds of timestamp are for the index, so that a large chat is not read through; they
     * have a day of room for the reason below. */
    TRY(stmt_read(&q, &s->msg,
                  "SELECT 1 FROM messages WHERE chat_jid = ? AND timestamp BETWEEN ? AND ?"
                  " AND state = 'waiting' AND server_time BETWEEN ? AND ? LIMIT 1"));
    stmt_jid(&q, &g->chat);
    bind_time(&q, s, g->since - 86400, from);
    bind_time(&q, s, g->until + 86400, to);
    stmt_int(&q, g->since);
    stmt_int(&q, g->until);
    err = stmt_step(&q);
    stmt_end(&q);
    if (err == WB_OK || err == WB_ERR_NOT_FOUND) {
        *ret_waiting = err == WB_OK;
        err = WB_OK;
    }
out:
    return err;
}

enum wb_err store_history_anchor(struct store *s, const struct jid *chat_in, int64_t from,
                                 struct store_history_anchor *ret)
{
    char text[TIME_TEXT_BYTES];
    struct jid chat;
    struct stmt q;
    enum wb_err err;

    TRY(chat_of(s, chat_in, &chat));
    /* Times as text are in the host's zone, which may have changed: a day of room, then the exact
     * time. Rows of other programs have no server_time. */
    TRY(stmt_read(&q, &s->msg,
                  "SELECT coalesce(original_id, id), is_from_me, server_time FROM messages"
                  " WHERE chat_jid = ?1 AND timestamp >= ?2 AND server_time >= ?3"
                  " AND kind IS NOT '" STORE_EVENT_KIND "' ORDER BY timestamp, server_time"
                  " LIMIT 1"));
    stmt_jid(&q, &chat);
    bind_time(&q, s, from - 86400, text);
    stmt_int(&q, from);
    err = stmt_step(&q);
    if (err == WB_OK) {
        stmt_col_text(&q, 0, ret->id, sizeof ret->id);
        ret->from_me = stmt_col_int(&q, 1) != 0;
        ret->timestamp = stmt_col_int(&q, 2);
    }
    stmt_end(&q);
out:
    return err;
}
