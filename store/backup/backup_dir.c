#include "store/backup/backup_dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/plain_file.h"
#include "store/core/guard.h"
#include "store/files/files.h"

/* Five a day and one of each week day; far more only when somebody switched pruning off. */
enum { BACKUPS_MAX = 10000, DAY_S = 86400 };

/* ENOTDIR: the part of the path that is no directory; "": none is found. */
static void find_no_directory(const char *path, char part[STORE_PATH_MAX])
{
    struct stat st;
    size_t n = strlen(path);

    part[0] = 0;
    if (n == 0 || n >= STORE_PATH_MAX)
        return;
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (stat(part, &st) == 0 && !S_ISDIR(st.st_mode))
            return;
    }
    part[0] = 0;
}

enum wb_err store_backup_look(const char *dir, char text[512])
{
    char part[STORE_PATH_MAX];

    text[0] = 0;
    DIR *d = opendir(dir);
    if (d) {
        closedir(d);
        return WB_OK;
    }
    enum wb_err err = wb_err_of_errno(errno);
    if (errno == ENOENT) {
        snprintf(text, 512, "%.450s is not there", dir);
    } else if (errno == ENOTDIR) {
        find_no_directory(dir, part);
        snprintf(text, 512, "%.450s is not a directory", part[0] ? part : dir);
    } else {
        snprintf(text, 512, "%.400s cannot be read: %.90s", dir, strerror(errno));
    }
    return err;
}

enum wb_err backup_dir_lock(const char *dir, bool make, const char *command,
                            const struct clock *clock, struct store_lock *ret,
                            char tightened[STORE_TIGHTENED_MAX], char text[512])
{
    char path[STORE_PATH_MAX];
    struct store_holder holder = {0};
    enum wb_err err;

    TRY(files_join(dir, "backups", path));
    if (make) {
        err = files_make_dirs(path, 0);
        if (err != WB_OK)
            snprintf(text, 512, "%.400s cannot be made: %.90s", dir, plain_error_text(err));
        TRY(err);
    }
    TRY(store_backup_look(dir, text));
    err = guard_dir_of(path, 0700, 0, tightened);
    if (err != WB_OK)
        snprintf(text, 512, "%.500s", tightened);
    TRY(err);
    err = store_lock_take(path, command, clock_unix_s(clock), ret, &holder);
    if (err == WB_ERR_LOCKED)
        snprintf(text, 512, "another backup or a restore is under way: process %ld (%s)",
                 (long)holder.pid, holder.command);
    else if (err != WB_OK)
        snprintf(text, 512, "%.380s.lock cannot be made: %.90s", path, plain_error_text(err));
out:
    return err;
}

/* Removes only files that a set has. */
void store_backup_remove_at(const char *set)
{
    static const char *const names[] = {
        BACKUP_MANIFEST, /* first: without it, it is no set any more */
        BACKUP_WHATSAPP, BACKUP_WHATSAPP "-journal", BACKUP_WHATSAPP "-wal", BACKUP_WHATSAPP "-shm",
        BACKUP_MESSAGES, BACKUP_MESSAGES "-journal", BACKUP_MESSAGES "-wal", BACKUP_MESSAGES "-shm",
    };
    char path[STORE_PATH_MAX];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (files_join(set, names[i], path) == WB_OK)
            unlink(path);
    }
    rmdir(set);
}

void backup_dir_clear_unfinished(const char *dir)
{
    char path[STORE_PATH_MAX];

    if (files_join(dir, BACKUP_UNFINISHED, path) == WB_OK)
        store_backup_remove_at(path);
    if (files_join(dir, BACKUP_GOING, path) == WB_OK)
        store_backup_remove_at(path);
}

enum wb_err backup_dir_second_taken(const char *dir, const char *name, bool *ret_taken)
{
    DIR *d = opendir(dir);

    if (!d)
        return wb_err_of_errno(errno);
    struct dirent *e;
    bool taken = false;
    while (!taken && (e = readdir(d)) != NULL)
        taken = backup_name_valid(e->d_name) && strncmp(e->d_name, name, strcspn(name, "-")) == 0;
    closedir(d);
    *ret_taken = taken;
    return WB_OK;
}

enum wb_err backup_dir_manifest(const char *set, struct backup_manifest *ret)
{
    char path[STORE_PATH_MAX];
    struct buf text = buf_new(BACKUP_MANIFEST_MAX);
    enum wb_err err;

    TRY(files_join(set, BACKUP_MANIFEST, path));
    err = files_read(path, &text);
    if (err == WB_ERR_NOT_PLAIN)
        err = WB_ERR_DB_CORRUPT; /* no set of ours */
    TRY(err);
    err = backup_manifest_read(buf_span(&text), ret);
out:
    buf_free(&text);
    return err;
}

/* ---- list ---- */

static int newest_first(const void *a, const void *b)
{
    const struct backup_entry *x = a, *y = b;

    if (x->manifest.sequence != y->manifest.sequence)
        return x->manifest.sequence > y->manifest.sequence ? -1 : 1;
    return -strcmp(x->name, y->name);
}

static enum wb_err add_entry(const char *dir, const char *name, struct backup_entry **list,
                             size_t *n)
{
    char set[STORE_PATH_MAX];
    enum wb_err err;

    if (*n % 64 == 0) {
        void *p = *n < BACKUPS_MAX ? realloc(*list, (*n + 64) * sizeof **list) : NULL;

        if (!p)
            return WB_ERR_NOMEM;
        *list = p;
    }
    struct backup_entry *e = &(*list)[*n];
    *e = (struct backup_entry){0};
    memcpy(e->name, name, strlen(name) + 1); /* its length is known to be good */
    TRY(files_join(dir, name, set));
    e->err = backup_dir_manifest(set, &e->manifest);
    if (e->err != WB_OK)
        e->manifest.sequence = backup_name_time(name);
    ++*n;
out:
    return err;
}

enum wb_err store_backup_list(const char *dir, struct backup_entry **ret, size_t *ret_n)
{
    struct backup_entry *list = NULL;
    size_t n = 0;
    enum wb_err err = WB_OK;
    DIR *d = opendir(dir);

    if (!d && errno != ENOENT)
        return wb_err_of_errno(errno);
    struct dirent *e;
    while (d && err == WB_OK && (e = readdir(d)) != NULL) {
        if (backup_name_valid(e->d_name))
            err = add_entry(dir, e->d_name, &list, &n);
    }
    if (d)
        closedir(d);
    if (err != WB_OK) {
        free(list);
        return err;
    }
    if (n > 1)
        qsort(list, n, sizeof *list, newest_first);
    *ret = list;
    *ret_n = n;
    return WB_OK;
}

enum wb_err backup_dir_next_sequence(const char *dir, int64_t created_at, int64_t *ret_sequence)
{
    struct backup_entry *list = NULL;
    size_t n = 0;
    int64_t sequence = created_at > 0 ? created_at : 0;
    enum wb_err err = store_backup_list(dir, &list, &n);

    if (err != WB_OK)
        return err;
    if (n > 0 && list[0].manifest.sequence >= sequence)
        sequence = list[0].manifest.sequence + 1;
    *ret_sequence = sequence < BACKUP_TIME_MAX ? sequence : BACKUP_TIME_MAX;
    free(list);
    return WB_OK;
}

static bool may_serve(const struct backup_entry *e, const char *phone_user, enum store_file want)
{
    const struct backup_manifest *m = &e->manifest;

    if (e->err != WB_OK || (phone_user && strcmp(m->phone, phone_user) != 0))
        return false;
    if (want == STORE_FILE_WHATSAPP)
        return m->whatsapp.present && m->accounts > 0;
    return want == STORE_FILE_MESSAGES ? m->messages.present : true;
}

enum wb_err store_backup_newest_good(const char *dir, const char *phone_user, enum store_file want,
                                     char ret_name[BACKUP_NAME_MAX + 1],
                                     struct backup_manifest *ret, char why[512])
{
    struct backup_entry *list = NULL;
    size_t n = 0, at = 0;
    char one[512];
    enum wb_err err;

    why[0] = 0;
    TRY(store_backup_list(dir, &list, &n));
    err = WB_ERR_NOT_FOUND;
    for (size_t i = 0; i < n && err != WB_OK; i++) {
        if (!may_serve(&list[i], phone_user, want))
            continue;
        err = store_backup_verify(dir, list[i].name, ret, one);
        if (err == WB_OK)
            memcpy(ret_name, list[i].name, sizeof list[i].name);
        else if (at < 400) /* the newest are what matters */
            at += (size_t)snprintf(why + at, 512 - at, "%s%.40s: %.60s", at ? "; " : "",
                                   list[i].name, one[0] ? one : wb_err_text(err));
    }
    if (err != WB_OK)
        err = WB_ERR_NOT_FOUND;
out:
    free(list);
    return err;
}

/* ---- prune ---- */

static bool kept_for_ever(const char *reason)
{
    return strcmp(reason, BACKUP_LOGOUT) == 0 || strcmp(reason, BACKUP_DAMAGE) == 0 ||
           strcmp(reason, BACKUP_BEFORE_UNLINK) == 0;
}

/* The newer sets of an entry's number, which stand before it. */
struct newer {
    size_t sets;
    size_t days;   /* UTC days on which these were made */
    bool same_day; /* one of them is of the entry's own day */
};

/* first_of_day is known for the entries before i, and set for i. */
static struct newer newer_than(const struct backup_entry *entries, size_t i, bool *first_of_day)
{
    const struct backup_manifest *m = &entries[i].manifest;
    struct newer r = {0};

    for (size_t j = 0; j < i; j++) {
        const struct backup_manifest *o = &entries[j].manifest;

        if (entries[j].err != WB_OK || strcmp(o->phone, m->phone) != 0)
            continue;
        r.sets++;
        r.days += first_of_day[j];
        r.same_day = r.same_day || o->created_at / DAY_S == m->created_at / DAY_S;
    }
    first_of_day[i] = !r.same_day;
    return r;
}

/* ret_drop says meanwhile which entries are the first of their day. */
void backup_prune_choose(const struct backup_entry *entries, size_t n,
                         const struct backup_keep *keep, const char *verified, bool *ret_drop)
{
    for (size_t i = 0; i < n; i++)
        (void)newer_than(entries, i, ret_drop);
    for (size_t i = n; i-- > 0;) {
        struct newer newer = newer_than(entries, i, ret_drop);
        bool may_go = verified && strcmp(entries[i].name, verified) != 0 &&
                      entries[i].err == WB_OK && !kept_for_ever(entries[i].manifest.reason);

        ret_drop[i] =
            may_go && newer.sets >= keep->newest && (newer.same_day || newer.days >= keep->days);
    }
}

static void remove_sealed(const char *dir, const char *name)
{
    char path[STORE_PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s" BACKUP_SEALED, dir, name);

    if (n > 0 && (size_t)n < sizeof path)
        unlink(path);
}

static enum wb_err drop_sets(const char *dir, const struct backup_entry *list, const bool *drop,
                             size_t n, bool dry_run, void (*told)(void *, const char *), void *ctx)
{
    char set[STORE_PATH_MAX], going[STORE_PATH_MAX];
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < n; i++) {
        if (!drop[i])
            continue;
        if (told)
            told(ctx, list[i].name);
        if (dry_run)
            continue;
        TRY(files_join(dir, list[i].name, set));
        TRY(files_join(dir, BACKUP_GOING, going));
        /* So that no half-removed set has a set's name, whenever we are killed. */
        if (rename(set, going) != 0) {
            err = wb_err_of_errno(errno);
            goto out;
        }
        store_backup_remove_at(going);
        remove_sealed(dir, list[i].name);
    }
out:
    return err;
}

enum wb_err store_backup_prune(const char *dir, const struct backup_keep *keep,
                               const struct clock *clock, const char *verified, bool dry_run,
                               void (*told)(void *, const char *), void *ctx,
                               char tightened[STORE_TIGHTENED_MAX])
{
    struct store_lock lock = store_lock_none();
    struct backup_entry *list = NULL;
    struct backup_manifest m;
    char good[BACKUP_NAME_MAX + 1], text[512];
    bool *drop = NULL;
    size_t n = 0;
    enum wb_err err;

    tightened[0] = 0;
    TRY(backup_dir_lock(dir, false, "pruning backups", clock, &lock, tightened, text));
    backup_dir_clear_unfinished(dir);
    if (!verified && store_backup_newest_good(dir, NULL, STORE_FILE_NONE, good, &m, text) == WB_OK)
        verified = good;
    TRY(store_backup_list(dir, &list, &n));
    drop = calloc(n ? n : 1, sizeof *drop);
    if (!drop) {
        err = WB_ERR_NOMEM;
        goto out;
    }
    backup_prune_choose(list, n, keep, verified, drop);
    err = drop_sets(dir, list, drop, n, dry_run, told, ctx);
out:
    store_lock_drop(&lock);
    free(drop);
    free(list);
    return err;
}
