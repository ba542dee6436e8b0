#include "store/restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/backup_check.h"
#include "store/backup_dir.h"
#include "store/files.h"
#include "store/lock.h"
#include "store/restored.h"
#include "store/state.h"

struct restoring {
    const struct restore_job *job;
    struct restore_result *ret;
    char set[STORE_PATH_MAX];
    struct store_lock whatsapp_lock, messages_lock, dir_lock;
    /* What is there now. */
    bool whatsapp_good, messages_good;
    struct backup_manifest now;
};

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

/* Others may be reading messages.db: they find the new file when they open it again. */
static enum wb_err lock_one(struct restoring *r, const char *path, bool alone,
                            struct store_lock *lock)
{
    struct store_holder h = {0};
    enum wb_err err;
    TRY(files_make_dirs(path, 0));
    err = store_lock_take(path, r->job->command, clock_unix_s(r->job->clock), lock, &h);
    if (err == WB_OK && alone && store_other_program_has_open(path, &h))
        err = WB_ERR_LOCKED;
    if (err == WB_ERR_LOCKED)
        snprintf(r->ret->text, sizeof r->ret->text,
                 "%.200s is in use by process %ld (%.200s); stop it first", path, (long)h.pid,
                 h.command);
out:
    return err;
}

/* ---- what is there, and what is wanted ----------------------------------------------------- */

static enum wb_err look_at_set(struct restoring *r)
{
    enum wb_err err;
    if (strchr(r->job->set, '/')) {
        int n = snprintf(r->set, sizeof r->set, "%s", r->job->set);
        err = n < 0 || (size_t)n >= sizeof r->set ? WB_ERR_INVALID : WB_OK;
    } else {
        err = backup_name_valid(r->job->set) ? files_join(r->job->dir, r->job->set, r->set)
                                             : WB_ERR_NOT_FOUND;
    }
    TRY(err);
    if (access(r->set, F_OK) != 0)
        return WB_ERR_NOT_FOUND;
    err = store_backup_verify_at(r->set, &r->ret->manifest, r->ret->text);
out:
    return err;
}

static void look_at_files(struct restoring *r)
{
    char why[512]; /* of no interest: what is not good is replaced */
    r->whatsapp_good = is_file(r->job->whatsapp_path) &&
                       backup_check_whatsapp(r->job->whatsapp_path, &r->now, why) == WB_OK;
    r->messages_good = is_file(r->job->messages_path) &&
                       backup_check_messages(r->job->messages_path, &r->now, why) == WB_OK;
}

static enum wb_err check_number(struct restoring *r)
{
    const char *set = r->ret->manifest.phone;
    const char *ours = r->job->phone_user ? r->job->phone_user
                       : r->whatsapp_good ? r->now.phone
                                          : "";
    if (!ours[0] || !set[0] || strcmp(ours, set) == 0)
        return WB_OK;
    snprintf(r->ret->text, sizeof r->ret->text,
             "the backup is of another number than this store; say which one is meant");
    return WB_ERR_EXISTS;
}

static enum wb_err decide(struct restoring *r)
{
    const struct restore_job *job = r->job;
    const struct backup_manifest *m = &r->ret->manifest;
    r->ret->whatsapp = !job->keep_whatsapp;
    r->ret->messages =
        job->messages == RESTORE_MESSAGES_ALWAYS ||
        (job->messages == RESTORE_MESSAGES_IF_NEEDED && m->messages.present && !r->messages_good);
    if ((r->ret->whatsapp && !m->whatsapp.present) || (r->ret->messages && !m->messages.present)) {
        snprintf(r->ret->text, sizeof r->ret->text, "the backup does not hold that file");
        return WB_ERR_NOT_FOUND;
    }
    return WB_OK;
}

/* ---- the copy of whatsapp.db, made harmless ------------------------------------------------- */

static void clear_staging(const char *staging)
{
    static const char *const names[] = {
        "whatsapp.db",         "whatsapp.db-wal",  "whatsapp.db-shm", "whatsapp.db-journal",
        "whatsapp.db.lock",    "messages.db",      "messages.db-wal", "messages.db-shm",
        "messages.db-journal", "messages.db.lock",
    };
    char path[STORE_PATH_MAX];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (files_join(staging, names[i], path) == WB_OK)
            unlink(path);
    }
    rmdir(staging);
}

/* As a store of its own (with an empty messages.db that is thrown away): what an older schema needs
 * is done there as well. */
static enum wb_err make_harmless(struct restoring *r, const char *whatsapp, const char *messages)
{
    struct store_open_info info;
    struct store *s = NULL;
    const char *name = strrchr(r->set, '/');
    struct store_config config = {.whatsapp_path = whatsapp,
                                  .messages_path = messages,
                                  .command = r->job->command,
                                  .clock = r->job->clock};
    enum wb_err err = store_open(&config, &s, &info);
    if (err != WB_OK) {
        snprintf(r->ret->text, sizeof r->ret->text, "%s", info.text);
        return err;
    }
    err = store_make_restored(s, name ? name + 1 : r->set, r->ret->manifest.created_at,
                              clock_unix_s(r->job->clock), r->job->rng, r->ret);
    if (err != WB_OK)
        snprintf(r->ret->text, sizeof r->ret->text, "%s", store_error_text(s));
    enum wb_err closed = store_close(s);
    return err != WB_OK ? err : closed;
}

static enum wb_err put_whatsapp(struct restoring *r)
{
    char staging[STORE_PATH_MAX] = "", from[STORE_PATH_MAX], to[STORE_PATH_MAX],
         messages[STORE_PATH_MAX];
    struct db old = {0};
    enum wb_err err;
    int n = snprintf(staging, sizeof staging, "%s.restoring", r->job->whatsapp_path);
    if (n < 0 || (size_t)n >= sizeof staging)
        return WB_ERR_INVALID;
    clear_staging(staging); /* of a restore that was interrupted */
    if (mkdir(staging, 0700) != 0)
        return files_error(errno);
    TRY(files_join(r->set, BACKUP_WHATSAPP, from));
    TRY(files_join(staging, "whatsapp.db", to));
    TRY(files_join(staging, "messages.db", messages));
    TRY(files_copy(from, to, 0600));
    TRY(make_harmless(r, to, messages));
    TRY(files_sync(to));
    /* A good old file leaves no log behind that would have to be moved apart from it. */
    if (r->whatsapp_good && db_open(&old, r->job->whatsapp_path) == WB_OK &&
        db_set_delete_mode(&old, DB_BUSY_TIMEOUT_MS) != WB_OK)
        old.error[0] = 0;
    db_close(&old);
    err = files_replace(to, r->job->whatsapp_path, r->job->damaged ? "damaged" : "replaced",
                        clock_unix_s(r->job->clock), r->ret->whatsapp_aside);
out:
    clear_staging(staging);
    return err;
}

static enum wb_err put_messages(struct restoring *r)
{
    char from[STORE_PATH_MAX], to[STORE_PATH_MAX] = "";
    mode_t mode = r->job->readers_group ? 0660 : 0600;
    enum wb_err err;
    int n = snprintf(to, sizeof to, "%s.restoring", r->job->messages_path);
    if (n < 0 || (size_t)n >= sizeof to)
        return WB_ERR_INVALID;
    unlink(to); /* of a restore that was interrupted */
    TRY(files_join(r->set, BACKUP_MESSAGES, from));
    TRY(files_copy(from, to, mode));
    if (r->job->readers_group && chown(to, (uid_t)-1, r->job->readers_group) != 0) {
        err = files_error(errno);
        goto out;
    }
    err = files_replace(to, r->job->messages_path, r->messages_good ? "replaced" : "damaged",
                        clock_unix_s(r->job->clock), r->ret->messages_aside);
out:
    if (err != WB_OK)
        unlink(to);
    return err;
}

/* ---- the gap -------------------------------------------------------------------------------- */

static enum wb_err write_gap(const char *whatsapp_path, int64_t from, int64_t to)
{
    struct db d = {0};
    char sql[256];
    int64_t there = 0;
    enum wb_err err;
    if (!is_file(whatsapp_path))
        return WB_OK;
    if (to < from)
        to = from; /* the clock was set back */
    TRY(db_open(&d, whatsapp_path));
    TRY(db_query_int(&d, "SELECT count(*) FROM sqlite_master WHERE name = 'bridge_meta'", &there));
    if (there == 0)
        goto out; /* the Go bridge's: nobody asks for a gap there */
    /* One that the bridge has not taken over yet is part of it. */
    snprintf(sql, sizeof sql,
             "INSERT INTO bridge_meta VALUES ('" STORE_META_GAP "', '%lld %lld') ON CONFLICT (name)"
             " DO UPDATE SET value = min(CAST(value AS INTEGER), %lld) || ' %lld'",
             (long long)from, (long long)to, (long long)from, (long long)to);
    err = db_exec(&d, sql);
out:
    db_close(&d);
    return err;
}

enum wb_err store_restore_note_gap(const char *whatsapp_path, int64_t from, int64_t to,
                                   const struct clock *clock)
{
    struct store_lock lock = store_lock_none();
    struct store_holder h;
    enum wb_err err;
    TRY(store_lock_take(whatsapp_path, "noting a gap", clock_unix_s(clock), &lock, &h));
    err = write_gap(whatsapp_path, from, to);
out:
    store_lock_drop(&lock);
    return err;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static enum wb_err backup_first(struct restoring *r)
{
    struct backup_result made;
    struct backup_job job = {.whatsapp_path = r->job->whatsapp_path,
                             .messages_path = r->job->messages_path,
                             .dir = r->job->dir,
                             .reason = BACKUP_BEFORE_RESTORE,
                             .program = r->job->program,
                             .clock = r->job->clock};
    if (r->job->damaged || !r->whatsapp_good)
        return WB_OK; /* it is set aside as it is */
    if (!r->messages_good)
        job.messages_path = NULL;
    enum wb_err err = store_backup_create(&job, &made);
    if (err == WB_OK)
        memcpy(r->ret->before, made.name, sizeof made.name);
    else
        snprintf(r->ret->text, sizeof r->ret->text,
                 "no backup of what is there can be made: %.400s",
                 made.text[0] ? made.text : wb_err_text(err));
    return err;
}

static enum wb_err carry_out(struct restoring *r)
{
    int64_t now = clock_unix_s(r->job->clock);
    enum wb_err err;
    TRY(backup_first(r));
    TRY(backup_dir_lock(r->job->dir, true, r->job->command, r->job->clock, &r->dir_lock,
                        r->ret->text));
    /* whatsapp.db first: interrupted between the two, messages are ahead of the ratchets. */
    if (r->ret->whatsapp)
        TRY(put_whatsapp(r));
    if (r->ret->messages) {
        TRY(put_messages(r));
        err = write_gap(r->job->whatsapp_path, r->ret->manifest.created_at, now);
        /* A damaged whatsapp.db comes back next, and is told then. */
        if (err == WB_ERR_DB_CORRUPT && r->job->damaged)
            err = WB_OK;
    }
out:
    return err;
}

enum wb_err store_restore(const struct restore_job *job, struct restore_result *ret)
{
    struct restoring r = {.job = job, .ret = ret};
    enum wb_err err;
    memset(ret, 0, sizeof *ret);
    r.whatsapp_lock = r.messages_lock = r.dir_lock = store_lock_none();
    TRY(lock_one(&r, job->whatsapp_path, true, &r.whatsapp_lock));
    TRY(lock_one(&r, job->messages_path, false, &r.messages_lock));
    TRY(look_at_set(&r));
    look_at_files(&r);
    TRY(check_number(&r));
    TRY(decide(&r));
    if (!job->dry_run)
        err = carry_out(&r);
out:
    store_lock_drop(&r.dir_lock);
    store_lock_drop(&r.messages_lock);
    store_lock_drop(&r.whatsapp_lock);
    return err;
}
