#include "store/messages/message_row.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "store/core/limits.h"
#include "store/messages/chat_names.h"
#include "store/session/lid_map.h"

enum wb_err who_is(struct store *s, const struct jid *sender, const struct jid *sender_alt,
                   struct who *ret)
{
    const struct jid *forms[] = {sender, sender_alt};
    struct who w;
    enum wb_err err;

    memset(&w, 0, sizeof w);
    for (size_t i = 0; i < 2; i++) {
        struct jid j = jid_unhosted(jid_bare(*forms[i]));

        if (j.server == JID_LID && jid_is_none(&w.lid))
            w.lid = j;
        else if (j.server == JID_PN && jid_is_none(&w.pn))
            w.pn = j;
    }
    if (jid_is_none(&w.pn) && !jid_is_none(&w.lid)) {
        err = store_pn_of_lid(s, &w.lid, &w.pn);
        if (err != WB_OK && err != WB_ERR_NOT_FOUND)
            return err;
    }
    if (jid_is_none(&w.lid) && !jid_is_none(&w.pn)) {
        err = store_lid_of_pn(s, &w.pn, &w.lid);
        if (err != WB_OK && err != WB_ERR_NOT_FOUND)
            return err;
    }
    const struct jid *shown = !jid_is_none(&w.pn) ? &w.pn : !jid_is_none(&w.lid) ? &w.lid : sender;
    snprintf(w.user, sizeof w.user, "%s", shown->user);
    *ret = w;
    return WB_OK;
}

enum wb_err chat_of(struct store *s, const struct jid *chat, struct jid *ret)
{
    struct jid j = jid_unhosted(jid_bare(*chat)), pn;

    if (j.server == JID_LID) {
        enum wb_err err = store_pn_of_lid(s, &j, &pn);

        if (err == WB_OK)
            j = pn;
        else if (err != WB_ERR_NOT_FOUND)
            return err;
    }
    *ret = j;
    return WB_OK;
}

static bool jid_is_text(const struct jid *j, struct span text)
{
    char own[JID_TEXT_MAX];

    return text.n && !jid_is_none(j) && span_eq_cstr(text, jid_text(j, own));
}

/* The Go bridge's rows have only `sender`: the user, in history the full JID (P-MC-15, P-MC-17). */
static bool same_user(struct span sender, const struct who *w)
{
    size_t n = 0;

    while (n < sender.n && sender.p[n] != '@' && sender.p[n] != ':')
        n++;
    struct span user = span_first(sender, n);
    return n > 0 && (span_eq_cstr(user, w->user) || span_eq_cstr(user, w->lid.user) ||
                     span_eq_cstr(user, w->pn.user));
}

#define FOUND_COLUMNS                                                                              \
    "rowid, state = 'waiting', revoked_at IS NOT NULL, coalesce(edited_at, 0), sender, "           \
    "sender_lid, "                                                                                 \
    "sender_pn"

/* NOT_FOUND, or EXISTS when the row is another sender's (who NULL: anybody's will do). */
static enum wb_err look_up(struct store *s, const struct jid *chat, struct span id,
                           const struct who *who, struct found_row *f)
{
    struct stmt q;
    enum wb_err err;

    TRY(stmt_read(&q, &s->msg,
                  "SELECT " FOUND_COLUMNS " FROM messages WHERE id = ? AND chat_jid = ?"));
    stmt_text_span(&q, id);
    stmt_jid(&q, chat);
    err = stmt_step(&q);
    if (err == WB_OK) {
        const struct span lid = stmt_col_span(&q, 5), pn = stmt_col_span(&q, 6);
        /* Digits alone do not tell a LID from a number: only where the row has nothing else. */
        bool same = !who || jid_is_text(&who->lid, lid) || jid_is_text(&who->pn, pn) ||
                    (!lid.n && !pn.n && same_user(stmt_col_span(&q, 4), who));

        if (same) {
            f->rowid = stmt_col_int(&q, 0);
            f->waiting = stmt_col_int(&q, 1) != 0;
            f->revoked = stmt_col_int(&q, 2) != 0;
            f->edited_at = stmt_col_int(&q, 3);
        } else {
            err = WB_ERR_EXISTS;
        }
    }
    stmt_end(&q);
out:
    return err;
}

static bool id_ok(struct span id)
{
    return id.n > 0 && id.n <= STORE_MESSAGE_ID_MAX && !memchr(id.p, 0, id.n);
}

enum wb_err row_new(struct span id, struct found_row *ret)
{
    if (!id_ok(id))
        return WB_ERR_INVALID;
    *ret = (struct found_row){0};
    snprintf(ret->id, sizeof ret->id, "%.*s", (int)id.n, (const char *)id.p);
    return WB_OK;
}

/* Looks for this sender's row beside the row of another sender that has the id. It may have been
 * put there when less was known of the person; a new row gets the name that is tried last. EXISTS:
 * others have all these ids. */
static enum wb_err look_beside(struct store *s, const struct jid *chat, struct span id,
                               const struct who *who, const char *between, struct found_row *f)
{
    const char *users[] = {who->lid.user, who->pn.user, who->user};
    bool taken = false;
    enum wb_err err = WB_ERR_NOT_FOUND;

    f->beside = true;
    for (size_t i = 0; i < 3; i++) {
        snprintf(f->id, sizeof f->id, "%.*s%s%s", (int)id.n, (const char *)id.p, between, users[i]);
        err = look_up(s, chat, span_cstr(f->id), who, f);
        if (err != WB_ERR_NOT_FOUND && err != WB_ERR_EXISTS)
            return err;
        taken |= err == WB_ERR_EXISTS;
    }
    return taken ? WB_ERR_EXISTS : err;
}

enum wb_err row_find(struct store *s, const struct jid *chat, struct span id, const struct who *who,
                     struct found_row *ret)
{
    struct found_row f;
    enum wb_err err;

    TRY(row_new(id, &f));
    err = look_up(s, chat, id, who, &f);
    if (err == WB_ERR_EXISTS)
        err = look_beside(s, chat, id, who, BESIDE, &f);
    if (err == WB_ERR_EXISTS)
        err = look_beside(s, chat, id, who, BESIDE_SURELY, &f);
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
    TRY(err);
    *ret = f;
out:
    return err;
}

enum wb_err row_find_any(struct store *s, const struct jid *chat, struct span id,
                         struct found_row *ret)
{
    struct found_row f;
    enum wb_err err;

    TRY(row_new(id, &f));
    TRY(look_up(s, chat, id, NULL, &f));
    *ret = f;
out:
    return err;
}

enum wb_err row_remove(struct store *s, int64_t rowid)
{
    return sql_run(&s->msg, "DELETE FROM messages WHERE rowid = ?", BINDS(BIND_INT(rowid)));
}

bool time_text(int64_t t, char text[TIME_TEXT_BYTES])
{
    char zone[8];
    struct tm tm;
    time_t when = (time_t)t;
    char date[16];

    /* P-MC-13: local time with a colon in the offset. SQLite reads years of four digits only. */
    if (!localtime_r(&when, &tm) || tm.tm_year < 1 - 1900 || tm.tm_year > 9999 - 1900 ||
        strftime(date, sizeof date, "-%m-%d %H:%M:%S", &tm) == 0 ||
        snprintf(text, TIME_TEXT_BYTES - 8, "%04d%s", tm.tm_year + 1900, date) < 0 ||
        strftime(zone, sizeof zone, "%z", &tm) != 5)
        return false;
    size_t n = strlen(text);
    snprintf(text + n, TIME_TEXT_BYTES - n, "%.3s:%.2s", zone, zone + 3);
    return true;
}

void bind_time(struct stmt *q, const struct store *s, int64_t t, char text[TIME_TEXT_BYTES])
{
    if (s->time_format == STORE_TIME_TEXT && time_text(t, text))
        stmt_text(q, text);
    else
        stmt_int(q, t);
}

static bool touched(const struct store *s, const struct jid *chat, int64_t t)
{
    return s->msg.in_tx && jid_eq(&s->touched_chat, chat) && t <= s->touched_at;
}

void store_chats_clear(struct store *s)
{
    s->touched_chat = (struct jid){0};
    s->touched_at = 0;
}

static enum wb_err touch(struct store *s, const struct jid *chat, int64_t t)
{
    char text[TIME_TEXT_BYTES];
    struct stmt q;
    enum wb_err err;

    if (t <= 0) /* OR IGNORE: another program's table may want more than a jid */
        return sql_run(&s->msg, "INSERT OR IGNORE INTO chats (jid) VALUES (?)",
                       BINDS(BIND_JID(chat)));
    TRY(stmt_write(&q, &s->msg,
                   "INSERT INTO chats (last_message_time, jid) VALUES (?1, ?2)"
                   " ON CONFLICT (jid) DO UPDATE SET last_message_time = ?1"
                   " WHERE last_message_time IS NULL"
                   " OR " SQL_SECONDS("last_message_time") " < ?3"));
    bind_time(&q, s, t, text);
    stmt_jid(&q, chat);
    stmt_int(&q, t);
    TRY(stmt_run(&q));
    s->touched_chat = *chat;
    s->touched_at = t;
out:
    return err;
}

enum wb_err chat_touch(struct store *s, const struct jid *chat, int64_t t)
{
    enum wb_err err;

    if (touched(s, chat, t))
        return WB_OK;
    stmt_inserted_forget(&s->msg);
    TRY(touch(s, chat, t));
    if (stmt_inserted(&s->msg) != 0)
        err = chat_name_follow(s, chat);
out:
    return err;
}

static void chats_forget(void *ctx)
{
    store_chats_clear(ctx);
}

static void row_forget(void *ctx)
{
    struct store *s = ctx;

    store_chats_clear(s);
    s->mark_row = 0;
}

static void row_mark(void *ctx)
{
    struct store *s = ctx;

    s->mark_row = 0;
}

/* The row that was inserted under the mark before there was a savepoint. */
static enum wb_err row_mark_undo(void *ctx)
{
    struct store *s = ctx;
    enum wb_err err = s->mark_row ? row_remove(s, s->mark_row) : WB_OK;

    store_chats_clear(s);
    return err;
}

/* Writes a number that is never given to a row; readers of change_seq do not mind gaps. */
static enum wb_err row_probe(void *ctx)
{
    struct store *s = ctx;

    return db_exec(&s->msg, "UPDATE bridge_change_seq SET value = value + 1");
}

void messages_follow_batch(struct store *s)
{
    static const struct batch_listener rows = {.messages_committed = chats_forget,
                                               .forget = row_forget,
                                               .mark = row_mark,
                                               .mark_undo = row_mark_undo,
                                               .probe = row_probe};

    store_on_batch(s, &rows, s);
}
