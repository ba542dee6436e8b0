#include "store/open/time_convert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/plain_file.h"
#include "store/backup/backup.h"
#include "store/core/guard.h"
#include "store/core/state.h"
#include "store/db/db_special.h"
#include "store/db/dialect.h"
#include "store/files/lock.h"
#include "store/messages/message_row.h"
#include "store/messages/messages_schema.h"

#define TRIGGER "bridge_messages_update"

struct converting {
    const struct time_convert_job *job;
    struct time_convert_result *ret;
    struct store_lock wa_lock, msg_lock;
    struct db db;
};

static enum wb_err lock(struct converting *c, const char *path, struct store_lock *ret)
{
    struct store_holder h = {0};
    enum wb_err err = store_lock_take(path, c->job->command, clock_unix_s(c->job->clock), ret, &h);

    if (err == WB_ERR_LOCKED)
        snprintf(c->ret->text, sizeof c->ret->text, "%.200s is held by process %ld (%.200s)", path,
                 (long)h.pid, h.command);
    return err;
}

/* err: the result of guarding a file. */
static enum wb_err guarded(struct converting *c, enum wb_err err)
{
    if (err != WB_OK)
        snprintf(c->ret->text, sizeof c->ret->text, "%.500s", c->ret->tightened);
    return err;
}

/* A dry run leaves the modes, too: others may still read by them before the bridge takes the file
 * over. */
static enum wb_err guard(struct converting *c)
{
    const struct time_convert_job *job = c->job;
    const gid_t readers = guard_readers_group(job->messages_path);
    const bool readable = guard_others_read(job->messages_path);
    enum wb_err err;

    if (job->dry_run)
        return WB_OK;
    TRY(guarded(
        c, guard_whatsapp(job->whatsapp_path, job->messages_path, readers, c->ret->tightened)));
    TRY(guarded(c, guard_messages(job->messages_path, readers, c->ret->tightened)));
    c->ret->readers_shut_out = readable && readers == 0;
out:
    return err;
}

/* The Go bridge knows nothing of our locks, but it has whatsapp.db open while it writes messages.
 */
static enum wb_err lock_both(struct converting *c)
{
    struct store_holder h = {0};
    enum wb_err err;

    TRY(guard(c));
    TRY(lock(c, c->job->whatsapp_path, &c->wa_lock));
    TRY(lock(c, c->job->messages_path, &c->msg_lock));
    if (store_other_program_has_open(c->job->whatsapp_path, &h)) {
        snprintf(c->ret->text, sizeof c->ret->text, "%.200s is open in process %ld (%.200s)",
                 c->job->whatsapp_path, (long)h.pid, h.command);
        err = WB_ERR_LOCKED;
    }
out:
    return err;
}

static enum wb_err make_backup(struct converting *c)
{
    struct backup_result *made = calloc(1, sizeof *made);

    if (!made)
        return WB_ERR_NOMEM;
    enum wb_err err =
        store_backup_create(&(struct backup_job){.whatsapp_path = c->job->whatsapp_path,
                                                 .messages_path = c->job->messages_path,
                                                 .dir = c->job->backups_dir,
                                                 .reason = BACKUP_BEFORE_CONVERT,
                                                 .program = c->job->command,
                                                 .clock = c->job->clock},
                            made);
    guard_append(c->ret->tightened, made->tightened);
    if (err == WB_OK)
        snprintf(c->ret->backup, sizeof c->ret->backup, "%s", made->name);
    else
        snprintf(c->ret->text, sizeof c->ret->text, "no backup could be made: %.400s",
                 made->text[0] ? made->text : wb_err_text(err));
    free(made);
    return err;
}

/* SQL function host_time(seconds): the text that the Go bridge would write here. */
static bool host_time(int64_t seconds, char *text)
{
    _Static_assert((int)TIME_TEXT_BYTES <= (int)DB_FUNCTION_TEXT_MAX, "a time's text has room");
    return time_text(seconds, text);
}

struct statements {
    const char *count_messages, *count_chats, *count_unreadable, *convert;
};

#define READABLE(column)   "typeof(" column ") = 'text' AND " SQL_TEXT_IS_TIME(column)
#define UNREADABLE(column) "typeof(" column ") = 'text' AND " SQL_TEXT_IS_NO_TIME(column)
#define SECONDS(column)    column " = " SQL_TEXT_SECONDS(column)

static const struct statements to_integer = {
    "SELECT count(*) FROM messages WHERE " READABLE("timestamp"),
    "SELECT count(*) FROM chats WHERE " READABLE("last_message_time"),
    "SELECT (SELECT count(*) FROM messages WHERE " UNREADABLE(
        "timestamp") ")"
                     " + (SELECT count(*) FROM chats WHERE " UNREADABLE("last_message_time") ")",
    "UPDATE messages SET " SECONDS("timestamp") " WHERE " READABLE(
        "timestamp") ";"
                     "UPDATE chats SET " SECONDS("last_message_time") " WHERE " READABLE(
                         "last_message_time"),
};

static const struct statements to_text = {
    "SELECT count(*) FROM messages WHERE typeof(timestamp) = 'integer'",
    "SELECT count(*) FROM chats WHERE typeof(last_message_time) = 'integer'",
    "SELECT 0",
    "UPDATE messages SET timestamp = host_time(timestamp) WHERE typeof(timestamp) = 'integer';"
    "UPDATE chats SET last_message_time = host_time(last_message_time)"
    " WHERE typeof(last_message_time) = 'integer'",
};

/* The text of our trigger that numbers changed rows; NULL when the file has none. */
static enum wb_err trigger_sql(struct db *d, char **ret)
{
    struct stmt q;
    enum wb_err err;

    TRY(stmt_read(&q, d, "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?"));
    stmt_text(&q, TRIGGER);
    err = stmt_step(&q);
    if (err == WB_OK) {
        struct span sql = stmt_col_span(&q, 0);

        *ret = strndup((const char *)sql.p, sql.n);
        err = *ret ? WB_OK : WB_ERR_NOMEM;
    } else if (err == WB_ERR_NOT_FOUND) {
        err = WB_OK;
    }
    stmt_end(&q);
out:
    return err;
}

/* Only makes the file remember the form: nothing had to be converted. */
static enum wb_err remember(struct db *d, enum store_time_format to)
{
    enum wb_err err;

    TRY(db_begin(d));
    TRY(messages_remember_format(d, to));
    err = db_commit(d);
out:
    if (err != WB_OK)
        db_rollback(d);
    return err;
}

static enum wb_err convert(struct db *d, const struct statements *s, enum store_time_format to)
{
    char *trigger = NULL;
    enum wb_err err;

    TRY(trigger_sql(d, &trigger));
    TRY(db_begin(d));
    if (trigger)
        TRY(db_exec(d, "DROP TRIGGER " TRIGGER));
    TRY(db_exec(d, s->convert));
    if (trigger)
        TRY(db_exec(d, trigger));
    /* Also in a file that only a Go bridge has used: unreadable rows stay, and would say another
     * form. */
    TRY(messages_remember_format(d, to));
    err = db_commit(d);
out:
    free(trigger);
    if (err != WB_OK)
        db_rollback(d);
    return err;
}

static enum wb_err run(struct converting *c)
{
    const struct statements *s = c->job->to == STORE_TIME_TEXT ? &to_text : &to_integer;
    enum wb_err err;

    TRY(lock_both(c));
    TRY(db_open(&c->db, c->job->messages_path));
    TRY(messages_schema_check(&c->db));
    TRY(db_add_function(&c->db, "host_time", host_time));
    TRY(db_query_int(&c->db, s->count_messages, &c->ret->messages));
    TRY(db_query_int(&c->db, s->count_chats, &c->ret->chats));
    TRY(db_query_int(&c->db, s->count_unreadable, &c->ret->unreadable));
    if (c->job->dry_run)
        return WB_OK;
    if (c->ret->messages + c->ret->chats == 0)
        return remember(&c->db, c->job->to);
    TRY(make_backup(c));
    err = convert(&c->db, s, c->job->to);
out:
    if (err != WB_OK && !c->ret->text[0])
        snprintf(c->ret->text, sizeof c->ret->text, "%.200s: %.250s", c->job->messages_path,
                 c->db.error[0] ? c->db.error : wb_err_text(err));
    return err;
}

enum wb_err store_time_convert(const struct time_convert_job *job, struct time_convert_result *ret)
{
    struct converting c = {job, ret, store_lock_none(), store_lock_none(), {0}};

    memset(ret, 0, sizeof *ret);
    if (job->to != STORE_TIME_INTEGER && job->to != STORE_TIME_TEXT)
        return WB_ERR_INVALID;
    enum wb_err err = plain_look(job->messages_path);
    if (err == WB_ERR_NOT_FOUND)
        snprintf(ret->text, sizeof ret->text, "there is no %.400s", job->messages_path);
    else if (err != WB_OK)
        snprintf(ret->text, sizeof ret->text, "%.400s: %.90s", job->messages_path,
                 plain_error_text(err));
    if (err != WB_OK)
        return err;
    err = run(&c);
    db_close(&c.db);
    store_lock_drop(&c.wa_lock);
    store_lock_drop(&c.msg_lock);
    return err;
}
