#include "store/open/open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/plain_file.h"
#include "store/backup/backup.h"
#include "store/backup/rescue.h"
#include "store/core/batch.h"
#include "store/core/guard.h"
#include "store/core/names.h"
#include "store/core/state.h"
#include "store/db/db_check.h"
#include "store/db/db_schema.h"
#include "store/files/files.h"
#include "store/messages/closed_mark.h"
#include "store/messages/fork_columns.h"
#include "store/messages/message_row.h"
#include "store/messages/messages_schema.h"
#include "store/open/limits.h"
#include "store/open/reindex.h"
#include "store/open/restore.h"
#include "store/session/account.h"
#include "store/session/limits.h"
#include "store/session/session_batch.h"
#include "store/session/signal_store.h"
#include "store/session/whatsapp_schema.h"

static void info_text(struct store_open_info *info, enum store_file file, const char *path,
                      const char *text)
{
    info->file = file;
    snprintf(info->text, sizeof info->text, "%s: %s", path, text);
}

static void info_holder(struct store_open_info *info, enum store_file file, const char *path,
                        const struct store_holder *h, const char *how)
{
    info->file = file;
    info->holder_pid = h->pid;
    snprintf(info->holder_command, sizeof info->holder_command, "%s", h->command);
    if (h->pid == 0)
        snprintf(info->text, sizeof info->text,
                 "%s %s a process that cannot be seen from here (of another container?)", path,
                 how);
    else
        snprintf(info->text, sizeof info->text, "%s %s process %ld%s%s (%s)%s%s", path, how,
                 (long)h->pid, h->host[0] ? " on " : "", h->host,
                 h->command[0] ? h->command : "unknown command", h->since[0] ? " since " : "",
                 h->since);
}

static enum wb_err same_file(const char *a, const char *b, bool *ret_same)
{
    struct stat sa, sb;

    *ret_same = strcmp(a, b) == 0 || (stat(a, &sa) == 0 && stat(b, &sb) == 0 &&
                                      sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino);
    return WB_OK;
}

/* err: the result of guarding a file. */
static enum wb_err guarded(struct store_open_info *info, enum wb_err err)
{
    if (err == WB_ERR_INVALID)
        snprintf(info->text, sizeof info->text, "%.500s", info->tightened);
    return err;
}

/* err: the result of making the directory for the file; errno is still the system's. */
static enum wb_err directory_made(struct store_open_info *info, const char *path, enum wb_err err)
{
    const char *slash = strrchr(path, '/');

    if (err != WB_OK)
        snprintf(info->text, sizeof info->text, "the directory %.*s cannot be made: %.90s",
                 slash ? (int)(slash - path) : 0, path, plain_error_text(err));
    return err;
}

/* Directories and both locks; no database file is touched before they are held. */
static enum wb_err take_locks(struct store *s, const struct store_config *config,
                              struct store_open_info *info)
{
    struct store_holder holder = {0};
    int64_t now = clock_unix_s(s->clock);
    bool same = false;
    const gid_t group = s->readers_group;
    enum wb_err err = same_file(s->wa_path, s->msg_path, &same);

    if (err == WB_OK && same) {
        info_text(info, STORE_FILE_MESSAGES, s->msg_path, "is the same file as whatsapp.db");
        return WB_ERR_INVALID;
    }
    /* Before the first mode is changed. */
    const bool readable = guard_others_read(s->msg_path);
    info->file = STORE_FILE_WHATSAPP;
    TRY(directory_made(info, s->wa_path, files_make_dirs(s->wa_path, 0)));
    if (!s->keep_modes) {
        guard_let_readers_in(s->wa_path, s->msg_path, group, info->tightened);
        TRY(guarded(info, guard_whatsapp(s->wa_path, s->msg_path, group, info->tightened)));
    }
    TRY(store_lock_take(s->wa_path, config->command, now, &s->wa_lock, &holder));
    info->file = STORE_FILE_MESSAGES;
    TRY(directory_made(info, s->msg_path, files_make_dirs(s->msg_path, group)));
    if (!s->keep_modes)
        TRY(guarded(info, guard_messages(s->msg_path, group, info->tightened)));
    info->readers_shut_out = readable && group == 0;
    guard_readers_kept_out(s->wa_path, s->msg_path, group, info->readers_kept_out,
                           sizeof info->readers_kept_out);
    TRY(store_lock_take(s->msg_path, config->command, now, &s->msg_lock, &holder));
    info->file = STORE_FILE_WHATSAPP;
    if (store_other_program_has_open(s->wa_path, &holder)) {
        info_holder(info, STORE_FILE_WHATSAPP, s->wa_path, &holder, "is open in");
        return WB_ERR_LOCKED;
    }
    info->file = STORE_FILE_NONE;
    return WB_OK;
out:
    if (err == WB_ERR_LOCKED)
        info_holder(info, info->file, info->file == STORE_FILE_WHATSAPP ? s->wa_path : s->msg_path,
                    &holder, "is held by");
    else if (!info->text[0] &&
             wb_err_class(err) == WB_CLASS_LOCAL) /* "Read-only file system" says more than "I/O" */
        info_text(info, info->file, info->file == STORE_FILE_WHATSAPP ? s->wa_path : s->msg_path,
                  plain_error_text(err));
    return err;
}

static void schema_text(struct store_open_info *info, const char *path, int version)
{
    info->schema = version;
    info->file = STORE_FILE_WHATSAPP;
    if (version == 0)
        snprintf(info->text, sizeof info->text,
                 "%s: not a whatsmeow database (no schema version); it was not changed", path);
    else
        snprintf(info->text, sizeof info->text,
                 "%s: schema version %d is too %s for this program (6 to 15, and newer ones that "
                 "say they are compatible); it was not changed",
                 path, version, version < 15 ? "old" : "new");
}

static void whatsapp_failed(struct store *s, struct store_open_info *info, enum wb_err err)
{
    info->file = STORE_FILE_WHATSAPP;
    if (!info->text[0])
        info_text(info, STORE_FILE_WHATSAPP, s->wa_path,
                  s->wa.error[0] ? s->wa.error : wb_err_text(err));
}

static void messages_failed(struct store *s, struct store_open_info *info, enum wb_err err)
{
    info->file = STORE_FILE_MESSAGES;
    if (!info->text[0])
        info_text(info, STORE_FILE_MESSAGES, s->msg_path,
                  s->msg.error[0] ? s->msg.error : wb_err_text(err));
}

static void number_text(struct store_open_info *info, const struct jid *found, size_t n)
{
    enum { SHOWN = 8 };
    size_t at = 0;

    for (size_t i = 0; i < n && i < SHOWN && at < sizeof info->text; i++)
        at += (size_t)snprintf(info->text + at, sizeof info->text - at, "%s+%s (device %u)",
                               i ? ", " : "", found[i].user, (unsigned)found[i].device);
    if (n > SHOWN && at < sizeof info->text)
        snprintf(info->text + at, sizeof info->text - at, " and %zu more", n - SHOWN);
}

/* A file that another number left is not touched. */
static enum wb_err check_number(struct store *s, const char *phone_user,
                                struct store_open_info *info)
{
    struct jid *found = NULL;
    size_t n = 0;
    enum wb_err err = WB_OK;

    if (!phone_user || info->schema == 0) /* any number will do, or the file is new */
        return WB_OK;
    TRY(account_list(&s->wa, NULL, 0, &n));
    if (n == 0)
        return WB_OK;
    found = calloc(n, sizeof *found);
    if (!found)
        return WB_ERR_NOMEM;
    TRY(account_list(&s->wa, found, n, &n));
    err = WB_ERR_OTHER_NUMBER;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(found[i].user, phone_user) == 0)
            err = WB_OK;
    }
    if (err != WB_OK)
        number_text(info, found, n);
out:
    if (err != WB_OK)
        whatsapp_failed(s, info, err);
    free(found);
    return err;
}

/* A write-ahead log beside a file whose header says that it has none is not its own (a copy gone
 * wrong, a log that came back after a power loss): SQLite would take it for the newest state. */
static enum wb_err set_foreign_log_aside(struct store *s, const char *path)
{
    enum { VERSIONS_AT = 18, LEGACY = 1 }; /* SQLite's file format: write and read version */
    char log[STORE_PATH_MAX + 8];
    uint8_t header[20];
    struct stat st;

    snprintf(log, sizeof log, "%s-wal", path);
    if (stat(log, &st) != 0 || st.st_size == 0)
        return WB_OK;
    int fd = -1;
    enum wb_err err = plain_open(path, O_RDONLY, 0, &fd);
    if (err != WB_OK)
        return err;
    ssize_t n = read(fd, header, sizeof header);
    close(fd);
    if (n != sizeof header || header[VERSIONS_AT] != LEGACY || header[VERSIONS_AT + 1] != LEGACY)
        return WB_OK;
    return files_set_aside_logs(path, "foreign", clock_unix_s(s->clock));
}

/* Opens the file and looks at it; nothing is changed. */
static enum wb_err look_at_whatsapp(struct store *s, struct store_open_info *info)
{
    bool taken_over = false;
    struct db_found found;
    enum wb_err err;

    if (!s->keep_modes)
        TRY(files_make(s->wa_path, 0, &info->created_whatsapp));
    TRY(set_foreign_log_aside(s, s->wa_path));
    TRY(db_open(&s->wa, s->wa_path));
    db_set_wait(&s->wa, s->wait_ms, s->hurried);
    db_keep_log(&s->wa, true);
    err = whatsapp_schema_check(&s->wa, &info->schema);
    if (err == WB_ERR_DB_SCHEMA)
        schema_text(info, s->wa_path, info->schema);
    TRY(err);
    err = db_check(&s->wa, s->thorough, &found);
    s->wa_indexes = found.indexes > 0;
    TRY(s->wa_indexes ? WB_OK : err);
    store_note_ignored(info, s->wa_path, found.ignored);
    TRY(whatsapp_schema_taken_over(&s->wa, info->schema, &taken_over));
    info->taken_over = info->taken_over || taken_over;
out:
    if (err != WB_OK)
        whatsapp_failed(s, info, err);
    return err;
}

/* The schema comes first: a failed upgrade must leave the journal mode as it was, too. */
static enum wb_err use_whatsapp(struct store *s, struct store_open_info *info)
{
    bool ignored;
    enum wb_err err;

    db_keep_log(&s->wa, false);
    s->wa_used = true;
    err = whatsapp_schema_apply(&s->wa, info->schema);
    if (err != WB_OK && info->schema > 0)
        snprintf(info->text, sizeof info->text,
                 "%.240s: bringing schema version %d up to date failed (%.150s); it is as it was",
                 s->wa_path, info->schema, s->wa.error[0] ? s->wa.error : wb_err_text(err));
    TRY(err);
    TRY(db_set_wal(&s->wa));
    TRY(whatsapp_used_without_us(&s->wa, &info->used_without_us));
    TRY(db_written_by_others(&s->wa, &ignored)); /* writes of others are noticed from now on */
out:
    if (err != WB_OK)
        whatsapp_failed(s, info, err);
    return err;
}

static enum wb_err open_whatsapp(struct store *s, struct store_open_info *info)
{
    enum wb_err err = look_at_whatsapp(s, info);

    return err == WB_OK ? use_whatsapp(s, info) : err;
}

static enum wb_err look_at_messages(struct store *s, struct store_open_info *info)
{
    bool taken_over = false;
    struct db_found found;
    enum wb_err err;

    if (!s->keep_modes)
        TRY(files_make(s->msg_path, s->readers_group, &info->created_messages));
    TRY(set_foreign_log_aside(s, s->msg_path));
    TRY(db_open(&s->msg, s->msg_path));
    db_set_wait(&s->msg, s->wait_ms, s->hurried);
    db_keep_log(&s->msg, true);
    err = messages_schema_check(&s->msg);
    if (err == WB_ERR_DB_SCHEMA)
        info_text(info, STORE_FILE_MESSAGES, s->msg_path,
                  "has tables that are not those of a message database; it was not changed");
    TRY(err);
    if (s->thorough || !messages_closed_holds(s)) {
        err = db_check(&s->msg, s->thorough, &found);
        s->msg_indexes = found.indexes > 0;
        TRY(s->msg_indexes ? WB_OK : err);
        store_note_ignored(info, s->msg_path, found.ignored);
    }
    TRY(messages_schema_taken_over(&s->msg, &taken_over));
    info->taken_over = info->taken_over || taken_over;
out:
    if (err != WB_OK)
        messages_failed(s, info, err);
    return err;
}

static enum wb_err use_messages(struct store *s, struct store_open_info *info)
{
    enum wb_err err;

    db_keep_log(&s->msg, false);
    TRY(messages_schema_apply(&s->msg));
    TRY(db_set_wal(&s->msg));
    TRY(messages_time_format(&s->msg, s->time_format, &s->time_format, &s->time_format_changed));
    TRY(fork_columns_look(s));
    /* chat_touch() makes the chat before every row, and foreign keys cost more (see insert() in
     * messages.c). */
    TRY(db_set_foreign_keys(&s->msg, false));
out:
    if (err != WB_OK)
        messages_failed(s, info, err);
    return err;
}

/* Nobody knows which rows they were, but a disk loses what was written last. */
static enum wb_err note_lost_rows(struct store *s, struct store_open_info *info)
{
    const int64_t now = clock_unix_s(s->clock);
    enum wb_err err = WB_OK;

    if (s->lost_rows)
        err = store_restore_note_gap_in(&s->wa, now - STORE_LOST_ROWS_S, now);
    if (err != WB_OK)
        whatsapp_failed(s, info, err);
    return err;
}

/* A copy is kept before files of another program are changed. */
static enum wb_err backup_before_upgrade(struct store *s, const struct store_config *config,
                                         struct store_open_info *info)
{
    struct backup_job job = {.whatsapp_path = s->wa_path,
                             .messages_path = s->msg_path,
                             .dir = config->backups_dir,
                             .reason = BACKUP_BEFORE_UPGRADE,
                             .program = config->program,
                             .clock = config->clock};
    struct backup_result *made = NULL;
    bool empty = false;
    enum wb_err err;

    if (!info->taken_over || !config->backups_dir)
        return WB_OK;
    made = calloc(1, sizeof *made);
    if (!made)
        return WB_ERR_NOMEM;
    TRY(db_is_empty(&s->msg, &empty));
    if (empty)
        job.messages_path = ""; /* an empty file is no message database: left out */
    err = store_backup_create(&job, made);
    guard_append(info->tightened, made->tightened);
    if (err == WB_OK)
        snprintf(info->backup, sizeof info->backup, "%s", made->name);
    else
        snprintf(info->text, sizeof info->text,
                 "no backup could be made before taking the files over, so nothing was changed: "
                 "%.400s",
                 made->text[0] ? made->text : wb_err_text(err));
out:
    free(made);
    return err;
}

static enum wb_err allocate(struct store *s, const struct store_config *config)
{
    s->wa_lock = s->msg_lock = store_lock_none();
    s->clock = config->clock;
    s->time_format = config->time_format;
    s->readers_group = config->readers_group;
    s->wait_ms = DB_BUSY_TIMEOUT_MS;
    s->hurried = config->hurried;
    s->thorough = config->thorough;
    s->keep_modes = config->keep_modes;
    s->json = buf_new(STORE_SESSION_JSON_MAX);
    s->wa_path = strdup(config->whatsapp_path);
    s->msg_path = strdup(config->messages_path);
    s->sessions = record_cache_new(s, &store_session_ops, STORE_SESSION_CACHE_MAX);
    s->sender_keys = record_cache_new(s, &store_sender_key_ops, STORE_SENDER_KEY_CACHE_MAX);
    s->lids = calloc(1, sizeof *s->lids);
    bool ok = s->wa_path && s->msg_path && s->sessions && s->sender_keys && s->lids;
    if (!ok)
        return WB_ERR_NOMEM;
    session_follow_batch(s);
    messages_follow_batch(s);
    return WB_OK;
}

enum wb_err store_open(const struct store_config *config, struct store **ret,
                       struct store_open_info *ret_info)
{
    enum wb_err err;

    memset(ret_info, 0, sizeof *ret_info);
    struct store *s = calloc(1, sizeof *s);
    if (!s)
        return WB_ERR_NOMEM;
    TRY(allocate(s, config));
    TRY(take_locks(s, config, ret_info));
    TRY(look_at_whatsapp(s, ret_info));
    TRY(check_number(s, config->phone_user, ret_info));
    TRY(look_at_messages(s, ret_info));
    TRY(store_reindex(s, config, ret_info));
    /* A new whatsapp.db beside messages that are taken over: a set needs its tables. */
    if (ret_info->schema == 0)
        TRY(use_whatsapp(s, ret_info));
    TRY(backup_before_upgrade(s, config, ret_info));
    if (ret_info->schema != 0)
        TRY(use_whatsapp(s, ret_info));
    TRY(use_messages(s, ret_info));
    TRY(note_lost_rows(s, ret_info));
    *ret = s;
    return WB_OK;
out:
    store_close(s);
    return err;
}

static enum wb_err close_in_order(struct store *s)
{
    bool mark = s->msg.h && s->wa_used && !s->msg.corrupt && !s->wa.corrupt;
    enum wb_err err = WB_OK;

    db_close(&s->msg);
    if (mark)
        err = messages_closed_put(s);
    /* The Go bridge leaves the journal mode as it finds it and expects DELETE. */
    if (s->wa.h && s->wa_used) {
        enum wb_err mode = db_set_delete_mode(&s->wa, DB_STOP_WAIT_MS);

        err = err == WB_OK ? mode : err;
    }
    return err;
}

enum wb_err store_close(struct store *s)
{
    enum wb_err err = WB_OK;

    if (!s)
        return WB_OK;
    store_rollback(s);
    bool opened = s->wa.h != NULL;
    if (s->wa_used && s->msg.h && store_check_names(s) != WB_OK) {
        char text[512]; /* the caller has been told before, or asked for no more than a close */

        err = store_rescue(s, text);
        /* The files that have the logs' names now are not ours to remove. */
        db_keep_log(&s->wa, true);
        db_keep_log(&s->msg, true);
    } else {
        err = close_in_order(s);
    }
    db_close(&s->wa);
    db_close(&s->msg);
    /* The log is gone for good before another program writes: a power loss that brought it back
     * would bring back old ratchets over the new ones. */
    if (opened && err == WB_OK)
        err = files_sync_dir_of(s->wa_path);
    record_cache_free(s->sessions);
    record_cache_free(s->sender_keys);
    store_lock_drop(&s->wa_lock);
    store_lock_drop(&s->msg_lock);
    buf_free(&s->json);
    free(s->lids);
    free(s->wa_path);
    free(s->msg_path);
    free(s);
    return err;
}

enum wb_err store_set_aside_session(struct store *s, const char *reason,
                                    char ret_path[STORE_PATH_MAX])
{
    char aside[STORE_PATH_MAX];
    struct store_open_info info = {0};
    enum wb_err err;

    if (store_batch_open(s))
        return WB_ERR_STATE;
    store_rollback(s); /* clean records go too: they belong to the old file */
    /* DELETE mode gives a file that is complete without its log; when the file is damaged, or
     * another program is reading it, the log moves along. We do not wait: this is the loop's
     * thread. */
    if (db_set_delete_mode(&s->wa, 0) != WB_OK)
        s->wa.error[0] = 0;
    db_close(&s->wa);
    err = files_set_aside(s->wa_path, reason, clock_unix_s(s->clock), aside);
    if (err != WB_OK) {
        enum wb_err again = open_whatsapp(s, &info);

        return again != WB_OK ? again : err;
    }
    FAULT_POINT("aside.moved");
    err = open_whatsapp(s, &info);
    if (err != WB_OK) {
        /* The half-made new file gets another name: nothing is ever deleted. */
        db_close(&s->wa);
        enum wb_err back = files_set_aside(s->wa_path, "unfinished", clock_unix_s(s->clock), NULL);
        if (back == WB_OK || back == WB_ERR_NOT_FOUND)
            back = files_put_back(aside, s->wa_path);
        if (back == WB_OK && open_whatsapp(s, &info) != WB_OK)
            db_close(&s->wa);
        return err;
    }
    s->our[0] = 0;
    s->our_jid = s->our_lid = (struct jid){0};
    if (ret_path)
        memcpy(ret_path, aside, strlen(aside) + 1);
    return WB_OK;
}

enum wb_err store_set_aside_file(const char *path, const char *reason, const struct clock *clock,
                                 char ret_path[STORE_PATH_MAX])
{
    struct store_lock lock = store_lock_none();
    struct store_holder holder;
    enum wb_err err;

    TRY(store_lock_take(path, "setting a damaged file aside", clock_unix_s(clock), &lock, &holder));
    err = files_set_aside(path, reason, clock_unix_s(clock), ret_path);
out:
    store_lock_drop(&lock);
    return err;
}
