#include "store/open/restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/plain_file.h"
#include "store/backup/backup_check.h"
#include "store/backup/backup_dir.h"
#include "store/core/guard.h"
#include "store/core/state.h"
#include "store/db/db_schema.h"
#include "store/db/sql.h"
#include "store/files/files.h"
#include "store/files/lock.h"
#include "store/open/open.h"

enum { GAP_TEXT_MAX = 64 /* two numbers of 20 characters */ };

struct restoring {
    const struct restore_job *job;
    struct restore_result *ret;
    char set[STORE_PATH_MAX];
    struct store_lock whatsapp_lock, messages_lock, dir_lock;
    char staging[STORE_PATH_MAX]; /* a directory; "": not made yet, as the two files */
    char new_whatsapp[STORE_PATH_MAX], new_messages[STORE_PATH_MAX];
    /* What is there now. */
    bool whatsapp_good, messages_good;
    struct backup_manifest now;
};

static bool is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

/* Programs that only read messages.db need not stop: they find the new file when they open it
 * again. */
static enum wb_err lock_one(struct restoring *r, const char *path, bool alone,
                            struct store_lock *lock)
{
    struct store_holder h = {0};
    enum wb_err err;

    TRY(files_make_dirs(path, 0));
    err = alone ? guard_whatsapp(path, r->job->messages_path, r->job->readers_group,
                                 r->ret->tightened)
                : guard_messages(path, r->job->readers_group, r->ret->tightened);
    if (err != WB_OK)
        snprintf(r->ret->text, sizeof r->ret->text, "%.500s", r->ret->tightened);
    TRY(err);
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

static void say_in_use(struct restoring *r, const char *path, const struct store_holder *h)
{
    if (r->ret->in_use[0]) /* one holder is enough: mostly both files have the same */
        return;
    snprintf(r->ret->in_use, sizeof r->ret->in_use, "%.200s is in use by process %ld (%.200s)",
             path, (long)h->pid, h->command[0] ? h->command : "unknown command");
}

/* Says who has the files, without locking anybody out. */
static void look_who_has_them(struct restoring *r)
{
    struct store_holder h = {0};
    const char *wa = r->job->whatsapp_path, *msg = r->job->messages_path;

    if (store_lock_is_held(wa, &h) || store_other_program_has_open(wa, &h))
        say_in_use(r, wa, &h);
    if (store_lock_is_held(msg, &h))
        say_in_use(r, msg, &h);
}

static enum wb_err take_locks(struct restoring *r)
{
    enum wb_err err;

    TRY(lock_one(r, r->job->whatsapp_path, true, &r->whatsapp_lock));
    err = lock_one(r, r->job->messages_path, false, &r->messages_lock);
out:
    return err;
}

/* ---- what is there, and what is wanted ---- */

/* Finds the set before anything is made or locked for it. */
static enum wb_err find_set(struct restoring *r)
{
    enum wb_err err;

    if (strchr(r->job->set, '/')) {
        int n = snprintf(r->set, sizeof r->set, "%s", r->job->set);

        err = n < 0 || (size_t)n >= sizeof r->set ? WB_ERR_INVALID : WB_OK;
    } else {
        err = backup_name_valid(r->job->set) ? files_join(r->job->dir, r->job->set, r->set)
                                             : WB_ERR_NOT_FOUND;
        if (err == WB_OK)
            err = plain_look(r->set) == WB_ERR_NOT_FOUND ? WB_ERR_NOT_FOUND : WB_OK;
        if (err == WB_ERR_NOT_FOUND)
            snprintf(r->ret->text, sizeof r->ret->text, BACKUP_NO_SUCH);
    }
    TRY(err);
    err = store_backup_look(r->set, r->ret->text);
out:
    return err;
}

static void look_at_files(struct restoring *r)
{
    char why[512]; /* not used: a bad file is replaced anyway */

    r->whatsapp_good = is_file(r->job->whatsapp_path) &&
                       backup_check_whatsapp(r->job->whatsapp_path, &r->now, why) == WB_OK &&
                       !r->now.indexes;
    r->now.indexes = false;
    r->messages_good = is_file(r->job->messages_path) &&
                       backup_check_messages(r->job->messages_path, &r->now, why) == WB_OK &&
                       !r->now.indexes;
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

/* ---- the gap ---- */

struct gap_note {
    bool there; /* the file can hold a note: the Go bridge's cannot, and needs none */
    char before[GAP_TEXT_MAX]; /* the note that was there; "": none */
};

static enum wb_err set_note(struct db *d, const char *text)
{
    enum wb_err err;

    if (text[0])
        TRY(sql_run(d,
                    "INSERT INTO bridge_meta (name, value) VALUES ('" STORE_META_GAP "', ?)"
                    " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                    BINDS(BIND_TEXT(text))));
    else
        TRY(sql_run(d, "DELETE FROM bridge_meta WHERE name = '" STORE_META_GAP "'", NO_BINDS));
    err = db_commit(d);
out:
    return err;
}

static enum wb_err read_note(struct db *d, struct gap_note *ret)
{
    struct gap_note note = {0};
    enum wb_err err;

    TRY(db_has_table(d, "bridge_meta", &note.there));
    if (note.there) {
        err = sql_row(d, "SELECT value FROM bridge_meta WHERE name = '" STORE_META_GAP "'",
                      NO_BINDS, COLS(COL_TEXT(note.before, sizeof note.before)));
        if (err == WB_ERR_NOT_FOUND)
            err = WB_OK;
    }
    if (err == WB_OK)
        *ret = note;
out:
    return err;
}

static enum wb_err note_in(struct db *d, int64_t from, int64_t to, struct gap_note *ret)
{
    char text[GAP_TEXT_MAX];
    struct gap_note note = {0};
    enum wb_err err;

    if (to < from)
        to = from + 1; /* our clock is behind: messages from now on are newer than the gap */
    TRY(read_note(d, &note));
    if (note.there) {
        /* A gap that was noted before and is not taken over by the bridge yet becomes part of this
         * one. */
        long long earlier = note.before[0] ? strtoll(note.before, NULL, 10) : from;

        snprintf(text, sizeof text, "%lld %lld", earlier < from ? earlier : (long long)from,
                 (long long)to);
        TRY(set_note(d, text));
    }
    *ret = note;
out:
    return err;
}

static enum wb_err write_gap(const char *whatsapp_path, int64_t from, int64_t to,
                             struct gap_note *ret)
{
    struct db d = {0};
    enum wb_err err;

    if (!is_file(whatsapp_path)) {
        *ret = (struct gap_note){0};
        return WB_OK;
    }
    TRY(db_open(&d, whatsapp_path));
    err = note_in(&d, from, to, ret);
out:
    db_close(&d);
    return err;
}

enum wb_err store_restore_note_gap_in(struct db *whatsapp, int64_t from, int64_t to)
{
    struct gap_note before;

    return note_in(whatsapp, from, to, &before);
}

/* A note that stays by mistake costs some questions to the phone, no message: no error. */
static void take_gap_back(const char *whatsapp_path, const struct gap_note *note)
{
    struct db d = {0};

    if (note->there && db_open(&d, whatsapp_path) == WB_OK && set_note(&d, note->before) != WB_OK)
        d.error[0] = 0;
    db_close(&d);
}

enum wb_err store_restore_note_gap(const char *whatsapp_path, int64_t from, int64_t to,
                                   const struct clock *clock)
{
    struct store_lock lock = store_lock_none();
    struct store_holder h;
    struct gap_note before;
    enum wb_err err;

    TRY(store_lock_take(whatsapp_path, "noting a gap", clock_unix_s(clock), &lock, &h));
    err = write_gap(whatsapp_path, from, to, &before);
out:
    store_lock_drop(&lock);
    return err;
}

/* ---- the copy of whatsapp.db, made harmless ---- */

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

/* Opens the copy as a store of its own (with an empty messages.db that is thrown away), which also
 * brings an older schema up to date. */
static enum wb_err make_harmless(struct restoring *r, const char *whatsapp, const char *messages)
{
    struct store_open_info info;
    struct store *s = NULL;
    const char *name = strrchr(r->set, '/');
    struct store_config config = {.whatsapp_path = whatsapp,
                                  .messages_path = messages,
                                  .command = r->job->command,
                                  .is_copy = true,
                                  .clock = r->job->clock};
    enum wb_err err = store_open(&config, &s, &info);

    if (err != WB_OK) {
        snprintf(r->ret->text, sizeof r->ret->text, "%s", info.text);
        return err;
    }
    err = store_make_restored(s, name ? name + 1 : r->set, r->ret->manifest.created_at,
                              clock_unix_s(r->job->clock), r->job->rng, &r->ret->counts);
    if (err != WB_OK)
        snprintf(r->ret->text, sizeof r->ret->text, "%s", store_error_text(s));
    enum wb_err closed = store_close(s);
    return err != WB_OK ? err : closed;
}

/* ---- copies beside the files ---- */

/* Notes the gap of messages.db in the copy of whatsapp.db, so that the note is there as soon as the
 * file is. */
static enum wb_err note_in_copy(struct restoring *r, const char *copy)
{
    struct gap_note before;
    int64_t from = backup_manifest_since(&r->ret->manifest);

    if (!r->ret->messages && !r->job->gap)
        return WB_OK;
    if (r->job->gap && (!r->ret->messages || r->job->gap_from < from))
        from = r->job->gap_from;
    return write_gap(copy, from, clock_unix_s(r->job->clock), &before);
}

static enum wb_err stage_whatsapp(struct restoring *r)
{
    char from[STORE_PATH_MAX], messages[STORE_PATH_MAX];
    enum wb_err err;
    int n = snprintf(r->staging, sizeof r->staging, "%s.restoring", r->job->whatsapp_path);

    if (n < 0 || (size_t)n >= sizeof r->staging) {
        r->staging[0] = 0;
        return WB_ERR_INVALID;
    }
    clear_staging(r->staging); /* of a restore that was interrupted */
    if (mkdir(r->staging, 0700) != 0) {
        snprintf(r->ret->text, sizeof r->ret->text, "%.400s: %s", r->staging, strerror(errno));
        return errno == EEXIST ? WB_ERR_IO : wb_err_of_errno(errno); /* EXISTS: another number */
    }
    TRY(files_join(r->set, BACKUP_WHATSAPP, from));
    TRY(files_join(r->staging, "whatsapp.db", r->new_whatsapp));
    TRY(files_join(r->staging, "messages.db", messages));
    TRY(files_copy(from, r->new_whatsapp, 0600));
    TRY(make_harmless(r, r->new_whatsapp, messages));
    TRY(note_in_copy(r, r->new_whatsapp));
    err = files_sync(r->new_whatsapp);
out:
    return err;
}

static enum wb_err stage_messages(struct restoring *r)
{
    char from[STORE_PATH_MAX];
    mode_t mode = r->job->readers_group ? 0660 : 0600;
    enum wb_err err;
    int n =
        snprintf(r->new_messages, sizeof r->new_messages, "%s.restoring", r->job->messages_path);

    if (n < 0 || (size_t)n >= sizeof r->new_messages) {
        r->new_messages[0] = 0;
        return WB_ERR_INVALID;
    }
    unlink(r->new_messages); /* of a restore that was interrupted */
    TRY(files_join(r->set, BACKUP_MESSAGES, from));
    TRY(files_copy(from, r->new_messages, mode));
    if (r->job->readers_group && chown(r->new_messages, (uid_t)-1, r->job->readers_group) != 0)
        err = wb_err_of_errno(errno);
out:
    return err;
}

static void clear_copies(struct restoring *r)
{
    if (r->staging[0])
        clear_staging(r->staging);
    if (r->new_messages[0])
        unlink(r->new_messages);
}

/* ---- into their places ---- */

static enum wb_err place_whatsapp(struct restoring *r)
{
    struct db old = {0};

    /* Empties the log of a good old file, so that no log has to be moved apart from it. */
    if (r->whatsapp_good && db_open(&old, r->job->whatsapp_path) == WB_OK &&
        db_set_delete_mode(&old, DB_BUSY_TIMEOUT_MS) != WB_OK)
        old.error[0] = 0;
    db_close(&old);
    return files_replace(r->new_whatsapp, r->job->whatsapp_path,
                         r->job->damaged ? "damaged" : "replaced", clock_unix_s(r->job->clock),
                         r->ret->whatsapp_aside);
}

static enum wb_err place_messages(struct restoring *r)
{
    return files_replace(r->new_messages, r->job->messages_path,
                         r->messages_good ? "replaced" : "damaged", clock_unix_s(r->job->clock),
                         r->ret->messages_aside);
}

/* messages.db could not be replaced: whatsapp.db goes back, and the set still has its copy. */
static enum wb_err take_whatsapp_back(struct restoring *r)
{
    const char *aside = r->ret->whatsapp_aside;
    enum wb_err err = WB_OK;

    if (aside[0])
        err = files_put_back(aside, r->job->whatsapp_path);
    else if (unlink(r->job->whatsapp_path) != 0)
        err = wb_err_of_errno(errno);
    if (aside[0] && access(aside, F_OK) == 0)
        snprintf(r->ret->text, sizeof r->ret->text,
                 "whatsapp.db was restored (what it was is %.200s), messages.db could not be; when "
                 "the disk works again, restore it with --only messages",
                 aside);
    else
        r->ret->whatsapp_aside[0] = 0;
    return err;
}

static enum wb_err place_both(struct restoring *r)
{
    enum wb_err err, back;

    /* whatsapp.db first: interrupted between the two, messages are ahead of the ratchets. */
    TRY(place_whatsapp(r));
    err = place_messages(r);
    if (err != WB_OK) {
        back = take_whatsapp_back(r);
        if (back != WB_OK)
            err = back;
    }
out:
    return err;
}

/* The note goes before the file: interrupted between the two, the phone is asked for messages that
 * are there. */
static enum wb_err place_messages_only(struct restoring *r)
{
    struct gap_note before = {0};
    enum wb_err err = write_gap(r->job->whatsapp_path, backup_manifest_since(&r->ret->manifest),
                                clock_unix_s(r->job->clock), &before);

    /* A damaged whatsapp.db is restored next, and gets the note then (struct restore_job, gap). */
    if (err == WB_ERR_DB_CORRUPT && r->job->damaged)
        err = WB_OK;
    TRY(err);
    err = place_messages(r);
    if (err != WB_OK)
        take_gap_back(r->job->whatsapp_path, &before);
out:
    return err;
}

/* ---- all of it ---- */

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
        return WB_OK; /* no backup: the bad files are only set aside */
    if (!r->messages_good)
        job.messages_path = NULL;
    enum wb_err err = store_backup_create(&job, &made);
    guard_append(r->ret->tightened, made.tightened);
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
    enum wb_err err;

    TRY(backup_first(r));
    TRY(backup_dir_lock(r->job->dir, true, r->job->command, r->job->clock, &r->dir_lock,
                        r->ret->tightened, r->ret->text));
    /* Everything that needs room on the disk is done before anything changes. */
    if (r->ret->whatsapp)
        TRY(stage_whatsapp(r));
    if (r->ret->messages)
        TRY(stage_messages(r));
    if (r->ret->whatsapp && r->ret->messages)
        err = place_both(r);
    else if (r->ret->whatsapp)
        err = place_whatsapp(r);
    else if (r->ret->messages)
        err = place_messages_only(r);
out:
    clear_copies(r);
    return err;
}

enum wb_err store_restore(const struct restore_job *job, struct restore_result *ret)
{
    struct restoring r = {.job = job, .ret = ret};
    enum wb_err err;

    memset(ret, 0, sizeof *ret);
    r.whatsapp_lock = r.messages_lock = r.dir_lock = store_lock_none();
    TRY(find_set(&r));
    if (job->dry_run)
        look_who_has_them(&r);
    else
        TRY(take_locks(&r));
    TRY(store_backup_verify_at(r.set, &ret->manifest, ret->text));
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
