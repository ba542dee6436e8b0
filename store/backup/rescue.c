#include "store/backup/rescue.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/backup/backup_copy.h"
#include "store/core/batch.h"
#include "store/core/state.h"
#include "store/files/files.h"

enum { TEXT_MAX = 512 };

/* One of the two files. */
struct patient {
    struct db *db;
    const char *path;
    gid_t group;
    struct store_lock *lock;
    bool *done; /* in an attempt before */
    const struct clock *clock;
};

static void tell(char text[TEXT_MAX], const char *path, const char *what, const char *name)
{
    size_t n = strlen(text);
    const char *file = strrchr(path, '/');
    const char *base = strrchr(name, '/');

    snprintf(text + n, TEXT_MAX - n, "%s%s %s%s", n ? "; " : "", file ? file + 1 : path, what,
             base ? base + 1 : name);
}

/* The lock file may be gone too. A process that made a new one keeps the store: two processes on
 * one session would cut each other off. */
static enum wb_err hold_lock(const struct patient *p, bool *ret_taken)
{
    struct store_lock fresh = store_lock_none();
    struct store_holder h;
    enum wb_err err;

    *ret_taken = store_other_process_has_open(p->path, &h);
    if (store_lock_stands(p->path, p->lock))
        return WB_OK;
    err = store_lock_take(p->path, "bringing back what was removed", clock_unix_s(p->clock), &fresh,
                          &h);
    if (err == WB_ERR_LOCKED) {
        *ret_taken = true;
        return WB_OK;
    }
    TRY(err);
    store_lock_drop(p->lock);
    *p->lock = fresh;
out:
    return err;
}

static enum wb_err write_copy(const struct patient *p, const char *to)
{
    const struct backup_job job = {.clock = p->clock}; /* as fast as it goes */
    enum wb_err err;

    unlink(to); /* of an attempt before */
    TRY(backup_copy(p->db, to, &job));
    if (p->group && (chown(to, (uid_t)-1, p->group) != 0 || chmod(to, 0660) != 0))
        err = wb_err_of_errno(errno);
out:
    return err;
}

static enum wb_err put_back(const struct patient *p, char text[TEXT_MAX])
{
    char copy[STORE_PATH_MAX], name[STORE_PATH_MAX];
    bool taken = false;
    enum wb_err err;
    int n = snprintf(copy, sizeof copy, "%s.rescuing", p->path);

    if (n < 0 || (size_t)n >= sizeof copy)
        return WB_ERR_INVALID;
    TRY(files_make_dirs(p->path, p->group));
    TRY(write_copy(p, copy));
    TRY(hold_lock(p, &taken));
    if (taken) {
        TRY(files_free_name(p->path, "rescued", clock_unix_s(p->clock), name));
        if (rename(copy, name) != 0)
            return wb_err_of_errno(errno);
        tell(text, p->path, "was replaced by another program's; ours was saved as ", name);
        return files_sync_dir_of(p->path);
    }
    TRY(files_replace(copy, p->path, "replaced", clock_unix_s(p->clock), name));
    if (name[0])
        tell(text, p->path, "was replaced while it was in use; ours took its place, the other is ",
             name);
    else
        tell(text, p->path, "was removed while it was in use and was written anew", "");
out:
    return err;
}

static enum wb_err rescue_one(const struct patient *p, char text[TEXT_MAX])
{
    enum wb_err err = WB_OK;

    if (*p->done)
        return WB_OK;
    switch (db_look_at_names(p->db)) {
    case DB_NAMES_OURS:
        break;
    case DB_NAMES_FILE_GONE:
        err = put_back(p, text);
        break;
    case DB_NAMES_LOG_GONE:
        err = db_empty_log(p->db);
        if (err == WB_OK)
            tell(text, p->path, "lost its log while it was in use; nothing of it is missing", "");
        break;
    }
    *p->done = err == WB_OK;
    return err;
}

enum wb_err store_rescue(struct store *s, char ret_text[TEXT_MAX])
{
    const struct patient whatsapp = {&s->wa, s->wa_path, 0, &s->wa_lock, &s->wa_rescued, s->clock};
    const struct patient messages = {&s->msg,      s->msg_path,     s->readers_group,
                                     &s->msg_lock, &s->msg_rescued, s->clock};
    enum wb_err err;

    ret_text[0] = 0;
    store_rollback(s);
    TRY(rescue_one(&whatsapp, ret_text));
    err = rescue_one(&messages, ret_text);
out:
    return err;
}
