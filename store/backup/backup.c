#include "store/backup/backup.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/plain_file.h"
#include "store/backup/backup_check.h"
#include "store/backup/backup_copy.h"
#include "store/backup/backup_dir.h"
#include "store/backup/indexes_anew.h"
#include "store/db/db_special.h"
#include "store/files/files.h"
#include "store/files/limits.h"
#include "store/files/lock.h"

/* The set under its temporary name. */
struct making {
    const struct backup_job *job;
    struct backup_result *ret;
    char dir[STORE_PATH_MAX]; /* "" before it was made */
    struct db whatsapp, messages;
};

static void say(struct backup_result *ret, const char *what, const struct db *d)
{
    if (!ret->text[0] && d->error[0])
        snprintf(ret->text, sizeof ret->text, "%s: %s", what, d->error);
}

/* Rule 10, whatsapp.db before messages.db: the messages of what is committed to whatsapp.db by now
 * are in messages.db, whose snapshot is taken next. */
static enum wb_err take_snapshots(struct making *m)
{
    enum wb_err err = backup_snapshot(&m->whatsapp, m->job->whatsapp_path);

    if (err != WB_OK) {
        say(m->ret, m->job->whatsapp_path, &m->whatsapp);
        return err;
    }
    m->ret->manifest.created_at = clock_unix_s(m->job->clock);
    err = backup_snapshot(&m->messages, m->job->messages_path);
    if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    say(m->ret, m->job->messages_path, &m->messages);
    m->ret->manifest.messages.present = err == WB_OK;
    return err;
}

static enum wb_err copy_one(struct making *m, struct db *from, const char *name,
                            struct backup_file *f,
                            enum wb_err (*check)(const char *, struct backup_manifest *, char[512]))
{
    char path[STORE_PATH_MAX];
    enum wb_err err;

    TRY(files_join(m->dir, name, path));
    err = backup_copy(from, path, m->job);
    if (err != WB_OK)
        say(m->ret, from->path, from);
    db_close(from);
    TRY(err);
    TRY(check(path, &m->ret->manifest, m->ret->text));
    /* The original in use has the same damage: its user must mend it, if new indexes can. */
    bool helps = m->ret->manifest.indexes;
    if (helps && check == backup_check_messages)
        TRY(indexes_anew_help(path, &helps));
    if (helps) {
        snprintf(m->ret->text, sizeof m->ret->text, "%s has damaged indexes", name);
        err = WB_ERR_DB_CORRUPT;
        goto out;
    }
    m->ret->manifest.indexes = false; /* these cannot be mended: the original is used as it is */
    TRY(files_hash(path, f->sha256, &f->size));
    f->present = true;
out:
    return err;
}

static enum wb_err write_manifest(const struct making *m)
{
    char path[STORE_PATH_MAX];
    struct buf text = buf_new(BACKUP_MANIFEST_MAX);
    enum wb_err err;

    TRY(files_join(m->dir, BACKUP_MANIFEST, path));
    backup_manifest_write(&m->ret->manifest, &text);
    TRY(buf_err(&text));
    err = files_write_new(path, buf_span(&text));
out:
    buf_free(&text);
    return err;
}

/* Gives the set its real name, which says that it is complete. Two sets of one second get names of
 * different seconds, so that people see which came first; programs go by the sequence. */
static enum wb_err publish(struct making *m)
{
    char path[STORE_PATH_MAX];
    enum wb_err err;

    TRY(files_sync(m->dir));
    for (int64_t t = m->ret->manifest.created_at;; t++) {
        bool taken = false;

        TRY(backup_name(t, m->job->reason, m->ret->name));
        TRY(backup_dir_second_taken(m->job->dir, m->ret->name, &taken));
        if (taken)
            continue;
        TRY(files_join(m->job->dir, m->ret->name, path));
        if (rename(m->dir, path) == 0)
            break;
        if (errno != ENOTEMPTY && errno != EEXIST) {
            err = wb_err_of_errno(errno);
            goto out;
        }
    }
    m->dir[0] = 0;
    err = files_sync(m->job->dir);
out:
    return err;
}

static uint64_t size_of(const char *path)
{
    struct stat st;

    return path && stat(path, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

/* A backup must not take the last room from what it is a backup of. */
static enum wb_err check_room(struct making *m)
{
    enum { LEFT_FREE = 64 << 20 };
    struct statvfs fs;
    uint64_t need = size_of(m->job->whatsapp_path) + size_of(m->job->messages_path) + LEFT_FREE;

    if (statvfs(m->job->dir, &fs) != 0)
        return wb_err_of_errno(errno);
    uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (room >= need)
        return WB_OK;
    snprintf(m->ret->text, sizeof m->ret->text, "a backup needs %llu MB of room, there are %llu MB",
             (unsigned long long)(need >> 20), (unsigned long long)(room >> 20));
    return WB_ERR_NO_SPACE;
}

static enum wb_err make(struct making *m)
{
    struct backup_manifest *manifest = &m->ret->manifest;
    enum wb_err err;

    snprintf(manifest->reason, sizeof manifest->reason, "%s", m->job->reason);
    snprintf(manifest->program, sizeof manifest->program, "%s",
             m->job->program ? m->job->program : "");
    snprintf(manifest->sqlite, sizeof manifest->sqlite, "%s", db_version());
    TRY(check_room(m));
    TRY(take_snapshots(m));
    TRY(files_join(m->job->dir, BACKUP_UNFINISHED, m->dir));
    if (mkdir(m->dir, 0700) != 0 || chmod(m->dir, 0700) != 0) {
        err = wb_err_of_errno(errno);
        goto out;
    }
    TRY(copy_one(m, &m->whatsapp, BACKUP_WHATSAPP, &manifest->whatsapp, backup_check_whatsapp));
    if (manifest->messages.present)
        TRY(copy_one(m, &m->messages, BACKUP_MESSAGES, &manifest->messages, backup_check_messages));
    TRY(backup_dir_next_sequence(m->job->dir, manifest->created_at, &manifest->sequence));
    TRY(write_manifest(m));
    err = publish(m);
out:
    return err;
}

enum wb_err store_backup_create(const struct backup_job *job, struct backup_result *ret)
{
    struct making m = {.job = job, .ret = ret};
    struct store_lock lock = store_lock_none();
    char name[BACKUP_NAME_MAX + 1];
    enum wb_err err;

    memset(ret, 0, sizeof *ret);
    TRY(backup_name(0, job->reason, name)); /* a bad reason shows before anything is done */
    err = plain_look(job->whatsapp_path);
    if (err == WB_ERR_NOT_FOUND || err == WB_ERR_IO)
        snprintf(ret->text, sizeof ret->text, "%.400s: %.90s", job->whatsapp_path, strerror(errno));
    if (err == WB_ERR_NOT_FOUND || err == WB_ERR_IO)
        return err; /* before a directory is made for it */
    TRY(backup_dir_lock(job->dir, true, job->program, job->clock, &lock, ret->tightened,
                        ret->text));
    backup_dir_clear_unfinished(job->dir);
    err = make(&m);
out:
    db_close(&m.whatsapp);
    db_close(&m.messages);
    if (m.dir[0])
        backup_dir_clear_unfinished(job->dir);
    store_lock_drop(&lock);
    if (err != WB_OK)
        ret->name[0] = 0;
    return err;
}

/* ---- verifying ---- */

static enum wb_err
verify_one(const char *set, const char *name, const struct backup_file *f,
           struct backup_manifest *facts,
           enum wb_err (*check)(const char *, struct backup_manifest *, char[512]), char why[512])
{
    char path[STORE_PATH_MAX];
    uint8_t hash[SHA256_BYTES];
    uint64_t size = 0;
    enum wb_err err;

    if (!f->present)
        return WB_OK;
    TRY(files_join(set, name, path));
    /* A file of another size need not be read to its end, however long it is. */
    if (plain_look(path) == WB_OK && size_of(path) != f->size) {
        snprintf(why, 512, "%s is not the file that was written (its size differs)", name);
        return WB_ERR_DB_CORRUPT;
    }
    err = files_hash(path, hash, &size);
    if (err != WB_OK) {
        snprintf(why, 512, "%s: %s", name, wb_err_text(err));
        return err == WB_ERR_NOT_FOUND || err == WB_ERR_NOT_PLAIN ? WB_ERR_DB_CORRUPT : err;
    }
    if (size != f->size || memcmp(hash, f->sha256, sizeof hash) != 0) {
        snprintf(why, 512, "%s is not the file that was written (its hash differs)", name);
        return WB_ERR_DB_CORRUPT;
    }
    err = check(path, facts, why);
out:
    return err;
}

enum wb_err store_backup_verify_at(const char *set, struct backup_manifest *ret, char why[512])
{
    struct backup_manifest m, facts = {0};
    enum wb_err err;

    why[0] = 0;
    TRY(store_backup_look(set, why));
    err = backup_dir_manifest(set, &m);
    if (err != WB_OK) {
        snprintf(why, 512, BACKUP_MANIFEST ": %s",
                 err == WB_ERR_IO ? plain_error_text(err) : wb_err_text(err));
        return err;
    }
    TRY(verify_one(set, BACKUP_WHATSAPP, &m.whatsapp, &facts, backup_check_whatsapp, why));
    TRY(verify_one(set, BACKUP_MESSAGES, &m.messages, &facts, backup_check_messages, why));
    if (m.whatsapp.present && strcmp(m.phone, facts.phone) != 0) {
        snprintf(why, 512, "the manifest is that of another number");
        return WB_ERR_DB_CORRUPT;
    }
    m.newest_message = facts.newest_message;
    m.indexes = facts.indexes;
    *ret = m;
out:
    return err;
}

enum wb_err store_backup_verify(const char *dir, const char *name, struct backup_manifest *ret,
                                char why[512])
{
    char set[STORE_PATH_MAX];
    enum wb_err err;

    why[0] = 0;
    if (!backup_name_valid(name)) {
        snprintf(why, 512, BACKUP_NO_SUCH);
        return WB_ERR_NOT_FOUND;
    }
    TRY(files_join(dir, name, set));
    err = store_backup_verify_at(set, ret, why);
    if (err == WB_ERR_NOT_FOUND && plain_look(set) == WB_ERR_NOT_FOUND)
        snprintf(why, 512, BACKUP_NO_SUCH);
out:
    return err;
}
