#include "store/messages/messages_tidy.h"

#include <string.h>

#include "store/core/state.h"
#include "store/db/dialect.h"
#include "store/db/stmt.h"
#include "store/messages/chat_names.h"
#include "store/messages/limits.h"
#include "store/messages/message_row.h"
#include "store/messages/messages_summary.h"

/* Up to the year 9999: what has a text form, and what SQLite reads again. */
#define IS_NUMBER(column) column " BETWEEN 0 AND 253402300799"
#define IS_TIME(column)   column " >= '' AND " SQL_TEXT_IS_TIME(column)

struct found_time {
    int64_t rowid, seconds;
};

struct found_chat {
    int64_t rowid, seconds;
    bool other_form, number_for_name;
    struct jid jid;
};

static enum wb_err read_number(struct stmt *q, void *ret)
{
    struct found_time *f = ret;

    *f = (struct found_time){stmt_col_int(q, 0), stmt_col_int(q, 1)};
    return WB_OK;
}

/* Numbers sort before texts, so that the index has the rows of the other form side by side, and a
 * file without such rows is done with one look. */
static enum wb_err find_numbers(struct store *s, struct found_time *ret, size_t *ret_n, bool *more)
{
    enum wb_err err;

    TRY(sql_rows(&s->msg,
                 "SELECT rowid, timestamp FROM messages"
                 " WHERE " IS_NUMBER("timestamp") " LIMIT ?",
                 BINDS(BIND_INT(STORE_TIDY_ROWS)), read_number, ret, sizeof *ret, STORE_TIDY_ROWS,
                 ret_n));
    *more = *ret_n == STORE_TIDY_ROWS;
out:
    return err;
}

/* Notes the place of a row among the texts. No time is as long as t->text: further texts that begin
 * like a longer one are passed over (no text has the byte 0xff). */
static void stand_at(struct store_tidy *t, struct span text, int64_t rowid)
{
    const bool fits = text.n < sizeof t->text - 1;

    t->text_n = fits ? text.n : sizeof t->text;
    memcpy(t->text, text.p, fits ? text.n : sizeof t->text - 1);
    if (!fits)
        t->text[sizeof t->text - 1] = (char)0xff;
    t->rowid = rowid;
}

struct texts {
    struct found_time *found;
    size_t n, seen;
};

#define TEXT_ROWS                                                                                  \
    "SELECT rowid, timestamp, " SQL_TEXT_SECONDS("timestamp") ", " SQL_TEXT_IS_TIME(               \
        "timestamp") " FROM messages "

/* Reads as many rows as still fit: those of the text where t stands (same), or those behind it. */
static enum wb_err read_texts(struct store *s, struct store_tidy *t, bool same, struct texts *r)
{
    const struct store_tidy from = *t; /* bound while t goes on */
    struct stmt q;
    enum wb_err err;

    TRY(stmt_read(&q, &s->msg,
                  same ? TEXT_ROWS "WHERE timestamp = ? AND rowid > ? ORDER BY rowid LIMIT ?"
                       : TEXT_ROWS "WHERE timestamp > ? AND timestamp < x''"
                                   " ORDER BY timestamp, rowid LIMIT ?"));
    stmt_text_or_empty(&q, (struct span){(const uint8_t *)from.text, from.text_n});
    if (same)
        stmt_int(&q, from.rowid);
    stmt_int(&q, (int64_t)(STORE_TIDY_ROWS - r->seen));
    while ((err = stmt_step(&q)) == WB_OK) {
        r->seen++;
        if (stmt_col_int(&q, 3))
            r->found[r->n++] = (struct found_time){stmt_col_int(&q, 0), stmt_col_int(&q, 2)};
        stand_at(t, stmt_col_span(&q, 1), stmt_col_int(&q, 0));
    }
    stmt_end(&q);
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
out:
    return err;
}

/* Reads on behind the last text that was seen: texts that are no times stay, and every slice would
 * read them again. */
static enum wb_err find_texts(struct store *s, struct store_tidy *t, struct found_time *ret,
                              size_t *ret_n, bool *more)
{
    struct texts r = {.found = ret};
    enum wb_err err;

    TRY(read_texts(s, t, true, &r));
    if (r.seen < STORE_TIDY_ROWS)
        TRY(read_texts(s, t, false, &r));
    *ret_n = r.n;
    *more = r.seen == STORE_TIDY_ROWS;
out:
    return err;
}

static enum wb_err put_time(struct store *s, const char *sql, const struct found_time *found)
{
    char text[TIME_TEXT_BYTES];
    struct stmt q;
    enum wb_err err;

    TRY(stmt_write(&q, &s->msg, sql));
    bind_time(&q, s, found->seconds, text);
    stmt_int(&q, found->rowid);
    err = stmt_run(&q);
out:
    return err;
}

static enum wb_err tidy_times(struct store *s, struct store_tidy *t)
{
    struct found_time found[STORE_TIDY_ROWS];
    size_t n = 0;
    bool more = false;
    enum wb_err err;

    if (s->time_format == STORE_TIME_TEXT)
        TRY(find_numbers(s, found, &n, &more));
    else
        TRY(find_texts(s, t, found, &n, &more));
    for (size_t i = 0; i < n; i++)
        TRY(put_time(s, "UPDATE messages SET timestamp = ? WHERE rowid = ?", &found[i]));
    t->times += n;
    if (!more) {
        t->step = STORE_TIDY_CHATS;
        t->rowid = 0;
    }
out:
    return err;
}

/* The next page of chats; there are few beside the messages, and no index on their times. */
static enum wb_err next_chats(struct store *s, int64_t after, struct found_chat *ret, size_t *ret_n)
{
    const bool text = s->time_format == STORE_TIME_TEXT;
    size_t n = 0;
    struct stmt q;
    enum wb_err err;

    TRY(stmt_read(
        &q, &s->msg,
        "SELECT rowid, " SQL_SECONDS("last_message_time") ", " IS_NUMBER(
            "last_message_time") ", " IS_TIME("last_message_time") ", jid, coalesce(name, '') NOT "
                                                                   "GLOB"
                                                                   " '*[^0-9]*' FROM chats"
                                                                   " WHERE rowid > ?"
                                                                   " ORDER BY rowid"
                                                                   " LIMIT ?"));
    stmt_int(&q, after);
    stmt_int(&q, STORE_TIDY_ROWS);
    while ((err = stmt_step(&q)) == WB_OK && n < STORE_TIDY_ROWS)
        ret[n++] = (struct found_chat){stmt_col_int(&q, 0), stmt_col_int(&q, 1),
                                       stmt_col_int(&q, text ? 2 : 3) != 0,
                                       stmt_col_int(&q, 5) != 0, stmt_col_jid(&q, 4)};
    stmt_end(&q);
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
    *ret_n = n;
out:
    return err;
}

static enum wb_err tidy_chats(struct store *s, struct store_tidy *t)
{
    struct found_chat found[STORE_TIDY_ROWS];
    size_t n = 0;
    enum wb_err err;

    TRY(next_chats(s, t->rowid, found, &n));
    for (size_t i = 0; i < n; i++) {
        const struct found_time time = {found[i].rowid, found[i].seconds};

        if (found[i].other_form)
            TRY(put_time(s, "UPDATE chats SET last_message_time = ? WHERE rowid = ?", &time));
        t->chats += found[i].other_form;
        if (found[i].number_for_name)
            TRY(chat_name_follow(s, &found[i].jid));
        t->rowid = found[i].rowid;
    }
    if (n < STORE_TIDY_ROWS) {
        t->step = STORE_TIDY_SUMMARIES;
        t->rowid = 0;
    }
out:
    return err;
}

static enum wb_err tidy_summaries(struct store *s, struct store_tidy *t)
{
    bool more = false;
    enum wb_err err = messages_move_summaries(s, &t->summaries, &more);

    if (err == WB_OK && !more)
        t->step = STORE_TIDY_DONE;
    return err;
}

enum wb_err store_messages_tidy(struct store *s, struct store_tidy *t, bool *ret_more)
{
    enum wb_err err = WB_OK;

    if (t->step == STORE_TIDY_TIMES)
        err = tidy_times(s, t);
    else if (t->step == STORE_TIDY_CHATS)
        err = tidy_chats(s, t);
    else if (t->step == STORE_TIDY_SUMMARIES)
        err = tidy_summaries(s, t);
    *ret_more = t->step != STORE_TIDY_DONE;
    return err;
}

enum wb_err store_messages_written(struct store *s, bool *ret_written)
{
    return db_written_by_others(&s->msg, ret_written);
}
