#include "store/messages/messages.h"

#include <stdio.h>
#include <string.h>

#include "store/messages/fork_columns.h"
#include "store/messages/message_row.h"
#include "store/session/lid_map.h"

static const char *addressing_word(enum store_addressing a)
{
    return a == STORE_ADDRESSING_LID ? "lid" : "pn";
}

/* The parameters that insert and fill have in common, in the order of their columns. */
static void bind_content(struct stmt *q, const struct store_message *m)
{
    stmt_text_or_empty(q, m->content);
    stmt_text_or_empty(q, m->media_type); /* '' and not NULL in a text row (P-MC-14) */
    stmt_text_or_empty(q, m->filename);
    stmt_text_or_empty(q, m->url);
    stmt_blob(q, m->media_key);
    stmt_blob(q, m->file_sha256);
    stmt_blob(q, m->file_enc_sha256);
    stmt_int(q, m->file_length);
    stmt_text(q, m->kind);
    stmt_text_span(q, m->mentions);
    stmt_int(q, m->mentions_me);
    stmt_text_span(q, m->quoted_id);
    stmt_text_span(q, m->quoted_sender);
    stmt_text_span(q, m->target_id);
    stmt_blob(q, m->raw);
    stmt_text_span(q, m->summary);
}

/* Most stanzas write this row and nothing else. A savepoint, or the journal that SQLite keeps for a
 * statement that might be undone, would copy each of the seven pages that it changes: a third of
 * its time. So under a mark the row is remembered and undone by row_remove(). And with OR FAIL, no
 * function in the trigger and no foreign keys (open.c), SQLite does not prepare to undo the
 * statement: should it fail, its batch cannot be committed (stmt.c). */
static enum wb_err insert(struct store *s, const struct store_message *m, const struct jid *chat,
                          const struct who *w, const struct found_row *f, bool waiting,
                          bool *ret_inserted)
{
    static const char sql[] =
        "INSERT OR FAIL INTO messages (content, media_type, filename, url, media_key,"
        " file_sha256, file_enc_sha256, file_length, kind, mentions, mentions_me,"
        " quoted_id, quoted_sender, target_id, raw, summary, id, chat_jid, sender, timestamp,"
        " is_from_me, sender_jid, sender_lid, sender_pn, push_name, state, addressing,"
        " original_id, server_time, received_at, change_seq) VALUES (?, ?, ?, ?, ?, ?, ?,"
        " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " (SELECT value + 1 FROM bridge_change_seq))"
        " ON CONFLICT DO NOTHING";
    const bool alone = s->msg.mark && !s->msg.mark_on && !s->mark_row;
    char time_text[TIME_TEXT_BYTES];
    struct stmt q;
    enum wb_err err;

    TRY(alone ? stmt_write_unmarked(&q, &s->msg, sql) : stmt_write(&q, &s->msg, sql));
    bind_content(&q, m);
    stmt_text(&q, f->id);
    stmt_jid(&q, chat);
    stmt_text(&q, w->user);
    bind_time(&q, s, m->timestamp, time_text);
    stmt_int(&q, m->from_me);
    stmt_jid(&q, &m->sender);
    stmt_jid(&q, &w->lid);
    stmt_jid(&q, &w->pn);
    stmt_text_span(&q, m->push_name);
    stmt_text(&q, waiting ? "waiting" : "");
    stmt_text(&q, addressing_word(m->addressing));
    stmt_text_span(&q, f->beside ? m->id : SPAN_NULL);
    stmt_int(&q, m->timestamp);
    stmt_int(&q, m->received_at);
    TRY(stmt_run(&q));
    *ret_inserted = stmt_changes(&s->msg) > 0;
    if (alone && *ret_inserted)
        s->mark_row = stmt_inserted(&s->msg);
out:
    return err;
}

/* An edit that came before its message has the last word on the text. */
static enum wb_err fill(struct store *s, const struct store_message *m, const struct who *w,
                        int64_t rowid)
{
    char time_text[TIME_TEXT_BYTES];
    struct stmt q;
    enum wb_err err;

    TRY(stmt_write(&q, &s->msg,
                   "UPDATE messages SET"
                   " content = iif(edited_at IS NULL, ?1, content), media_type = ?2,"
                   " filename = ?3, url = ?4, media_key = ?5, file_sha256 = ?6,"
                   " file_enc_sha256 = ?7, file_length = ?8, kind = ?9,"
                   " mentions = iif(edited_at IS NULL, ?10, mentions),"
                   " mentions_me = iif(edited_at IS NULL, ?11, mentions_me),"
                   " quoted_id = ?12, quoted_sender = ?13, target_id = ?14, raw = ?15,"
                   " summary = iif(edited_at IS NULL, ?16, summary),"
                   " sender = ?17, timestamp = ?18, sender_jid = ?19,"
                   " sender_lid = coalesce(?20, sender_lid), sender_pn = coalesce(?21, sender_pn),"
                   " push_name = coalesce(?22, push_name), state = '', addressing = ?23,"
                   " server_time = ?24, received_at = ?25 WHERE rowid = ?26"));
    bind_content(&q, m);
    stmt_text(&q, w->user);
    bind_time(&q, s, m->timestamp, time_text);
    stmt_jid(&q, &m->sender);
    stmt_jid(&q, &w->lid);
    stmt_jid(&q, &w->pn);
    stmt_text_span(&q, m->push_name);
    stmt_text(&q, addressing_word(m->addressing));
    stmt_int(&q, m->timestamp);
    stmt_int(&q, m->received_at);
    stmt_int(&q, rowid);
    err = stmt_run(&q);
out:
    return err;
}

enum wb_err store_message_opened(struct store *s, const struct store_message *m)
{
    struct found_row f;
    struct jid chat;
    struct who w;
    struct stmt q;
    enum wb_err err;

    TRY(chat_of(s, &m->chat, &chat));
    TRY(who_is(s, &m->sender, &m->sender_alt, &w));
    TRY(row_find(s, &chat, m->id, &w, &f));
    if (f.rowid == 0)
        return WB_ERR_NOT_FOUND;
    TRY(stmt_write(&q, &s->msg,
                   "UPDATE messages SET content = ?, media_type = ?, filename = ?, url = ?,"
                   " media_key = ?, file_sha256 = ?, file_enc_sha256 = ?, file_length = ?,"
                   " kind = ?, mentions = ?, mentions_me = ?, quoted_id = ?, quoted_sender = ?,"
                   " target_id = ?, raw = ?, summary = ? WHERE rowid = ?"));
    bind_content(&q, m);
    stmt_int(&q, f.rowid);
    TRY(stmt_run(&q));
    err = fork_columns_quoted(s, f.rowid);
out:
    return err;
}

static bool is_event(const struct store_message *m)
{
    return m->kind && strcmp(m->kind, STORE_EVENT_KIND) == 0;
}

static enum wb_err put(struct store *s, const struct store_message *m, bool waiting,
                       enum store_message_outcome *ret)
{
    enum store_message_outcome outcome = STORE_MSG_DUPLICATE;
    bool inserted = false;
    struct found_row f;
    struct jid chat;
    struct who w;
    enum wb_err err;

    TRY(chat_of(s, &m->chat, &chat));
    TRY(who_is(s, &m->sender, &m->sender_alt, &w));
    /* Nearly every id is new: only one that is not is looked for. */
    TRY(row_new(m->id, &f));
    TRY(insert(s, m, &chat, &w, &f, waiting, &inserted));
    if (!inserted) {
        TRY(row_find(s, &chat, m->id, &w, &f));
        if (f.rowid == 0)
            TRY(insert(s, m, &chat, &w, &f, waiting, &inserted));
        if (f.rowid == 0 && !inserted) {
            snprintf(s->msg.error, sizeof s->msg.error, "change_seq is not unique");
            return WB_ERR_DB;
        }
    }
    if (inserted) {
        outcome = f.beside ? STORE_MSG_BESIDE : STORE_MSG_INSERTED;
        if (m->quoted_id.n > 0)
            TRY(fork_columns_quoted(s, stmt_inserted(&s->msg)));
    } else if (f.waiting && !waiting) {
        TRY(fill(s, m, &w, f.rowid));
        outcome = STORE_MSG_FILLED;
        TRY(fork_columns_quoted(s, f.rowid));
    }
    if (outcome != STORE_MSG_DUPLICATE)
        TRY(chat_touch(s, &chat, is_event(m) ? 0 : m->timestamp));
    *ret = outcome;
out:
    return err;
}

enum wb_err store_message_put(struct store *s, const struct store_message *m,
                              enum store_message_outcome *ret)
{
    return put(s, m, false, ret);
}

enum wb_err store_message_placeholder(struct store *s, const struct store_message *m,
                                      enum store_message_outcome *ret)
{
    struct store_message bare = {.id = m->id,
                                 .chat = m->chat,
                                 .sender = m->sender,
                                 .sender_alt = m->sender_alt,
                                 .from_me = m->from_me,
                                 .timestamp = m->timestamp,
                                 .received_at = m->received_at,
                                 .push_name = m->push_name,
                                 .addressing = m->addressing};

    return put(s, &bare, true, ret);
}

enum wb_err store_message_event(struct store *s, const struct store_message *m)
{
    enum store_message_outcome outcome;

    if (!is_event(m) || m->id.n == 0 || !memchr(m->id.p, ' ', m->id.n))
        return WB_ERR_INVALID;
    return put(s, m, false, &outcome);
}

/* ---- reading ---- */

#define ROW_COLUMNS                                                                                \
    "id, chat_jid, sender, sender_lid, sender_pn, is_from_me, state = 'waiting',"                  \
    " coalesce(server_time, " SQL_SECONDS(                                                         \
        "timestamp") ", 0), content, kind, media_type, filename,"                                  \
                     " url, media_key, file_sha256, file_enc_sha256, file_length, raw, "           \
                     "coalesce(edited_at, 0),"                                                     \
                     " coalesce(revoked_at, 0), change_seq, summary"

static enum wb_err read_row(struct stmt *q, struct arena *a, struct store_message_row *r)
{
    enum wb_err err;

    TRY(stmt_col_copy(q, 0, a, &r->id));
    r->chat = stmt_col_jid(q, 1);
    stmt_col_text(q, 2, r->sender, sizeof r->sender);
    r->sender_lid = stmt_col_jid(q, 3);
    r->sender_pn = stmt_col_jid(q, 4);
    r->from_me = stmt_col_int(q, 5) != 0;
    r->waiting = stmt_col_int(q, 6) != 0;
    r->timestamp = stmt_col_int(q, 7);
    TRY(stmt_col_copy(q, 8, a, &r->content));
    TRY(stmt_col_copy(q, 9, a, &r->kind));
    TRY(stmt_col_copy(q, 10, a, &r->media_type));
    TRY(stmt_col_copy(q, 11, a, &r->filename));
    TRY(stmt_col_copy(q, 12, a, &r->url));
    TRY(stmt_col_copy(q, 13, a, &r->media_key));
    TRY(stmt_col_copy(q, 14, a, &r->file_sha256));
    TRY(stmt_col_copy(q, 15, a, &r->file_enc_sha256));
    r->file_length = stmt_col_int(q, 16);
    TRY(stmt_col_copy(q, 17, a, &r->raw));
    r->edited_at = stmt_col_int(q, 18);
    r->revoked_at = stmt_col_int(q, 19);
    r->change_seq = stmt_col_int(q, 20);
    TRY(stmt_col_copy(q, 21, a, &r->summary));
out:
    return err;
}

static enum wb_err read_found(struct store *s, int64_t rowid, struct arena *a,
                              struct store_message_row *ret)
{
    struct store_message_row r;
    struct stmt q;
    enum wb_err err;

    memset(&r, 0, sizeof r);
    TRY(stmt_read(&q, &s->msg, "SELECT " ROW_COLUMNS " FROM messages WHERE rowid = ?"));
    stmt_int(&q, rowid);
    err = stmt_step(&q);
    if (err == WB_OK)
        err = read_row(&q, a, &r);
    stmt_end(&q);
    if (err == WB_OK)
        *ret = r;
out:
    return err;
}

struct span store_message_text(const struct store_message_row *r)
{
    return r->content.n > 0 || span_is_null(r->summary) ? r->content : r->summary;
}

/* In this chat, under this form of its JID. */
static enum wb_err find_in(struct store *s, const struct jid *chat, struct span id,
                           const struct who *w, struct found_row *f)
{
    if (!w)
        return row_find_any(s, chat, id, f);
    enum wb_err err = row_find(s, chat, id, w, f);
    return err == WB_OK && f->rowid == 0 ? WB_ERR_NOT_FOUND : err;
}

/* Either form of a 1:1 chat: a row written before the number was known may still be under the LID.
 */
static enum wb_err find_row(struct store *s, const struct jid *chat_in, struct span id,
                            const struct who *w, struct found_row *f)
{
    struct jid chat, lid;
    enum wb_err err;

    TRY(chat_of(s, chat_in, &chat));
    err = find_in(s, &chat, id, w, f);
    if (err == WB_ERR_NOT_FOUND && chat.server == JID_PN) {
        err = store_lid_of_pn(s, &chat, &lid);
        if (err == WB_OK)
            err = find_in(s, &lid, id, w, f);
    }
out:
    return err;
}

enum wb_err store_message_get(struct store *s, const struct jid *chat, struct span id,
                              const struct jid *sender, struct arena *a,
                              struct store_message_row *ret)
{
    const struct jid none = {0};
    struct found_row f;
    struct who w;
    enum wb_err err;

    if (sender)
        TRY(who_is(s, sender, &none, &w));
    TRY(find_row(s, chat, id, sender ? &w : NULL, &f));
    err = read_found(s, f.rowid, a, ret);
out:
    return err;
}

enum wb_err store_message_known(struct store *s, const struct jid *chat, struct span id,
                                const struct jid *sender, const struct jid *sender_alt,
                                bool *ret_known, bool *ret_waiting)
{
    const struct jid none = {0};
    struct found_row f = {0};
    struct who w;
    enum wb_err err;

    TRY(who_is(s, sender, sender_alt ? sender_alt : &none, &w));
    err = find_row(s, chat, id, &w, &f);
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    *ret_known = err == WB_OK;
    if (ret_waiting)
        *ret_waiting = err == WB_OK && f.waiting;
    err = WB_OK;
out:
    return err;
}

enum wb_err store_message_last_time(struct store *s, int64_t *ret)
{
    /* Numbers sort before texts: the newest of each, along the index. */
    return sql_int(&s->msg,
                   "SELECT coalesce(max(" SQL_SECONDS(
                       "t") "), 0) FROM (SELECT * FROM"
                            " (SELECT timestamp AS t FROM messages WHERE timestamp < ''"
                            " AND kind IS NOT '" STORE_EVENT_KIND "'"
                            " ORDER BY timestamp DESC LIMIT 1) UNION ALL SELECT * FROM"
                            " (SELECT timestamp FROM messages WHERE timestamp >= ''"
                            " AND kind IS NOT '" STORE_EVENT_KIND "'"
                            " ORDER BY timestamp DESC LIMIT 1))",
                   NO_BINDS, ret);
}
