#include "tools/import/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/core/guard.h"
#include "store/open/open.h"

enum { TEXT_MAX = 512 };

static const char *const made[] = {"whatsapp.db",         "whatsapp.db-wal",  "whatsapp.db-shm",
                                   "messages.db",         "messages.db-wal",  "messages.db-shm",
                                   "whatsapp.db-journal", "whatsapp.db.lock", "messages.db.lock"};

static bool join(char out[STORE_PATH_MAX], const char *dir, const char *name)
{
    int n = snprintf(out, STORE_PATH_MAX, "%s/%s", dir, name);

    return n > 0 && n < STORE_PATH_MAX;
}

static enum wb_err say_errno(char text[TEXT_MAX], const char *path)
{
    enum wb_err err = wb_err_of_errno(errno);

    snprintf(text, TEXT_MAX, "%.300s: %s", path, strerror(errno));
    return err;
}

static enum wb_err refuse_existing(const char *path, char text[TEXT_MAX])
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? WB_OK : say_errno(text, path);
    snprintf(
        text, TEXT_MAX,
        "%.300s is there already and is never overwritten: name another --store, or move it away",
        path);
    return WB_ERR_EXISTS;
}

static enum wb_err lock_final(struct target *t, const struct clock *clock, char text[TEXT_MAX])
{
    struct store_holder holder;
    enum wb_err err =
        store_lock_take(t->final, "bridge-import", clock_unix_s(clock), &t->lock, &holder);

    if (err == WB_ERR_LOCKED)
        snprintf(text, TEXT_MAX, "%.300s is held by process %ld (%.100s): stop it first", t->final,
                 (long)holder.pid, holder.command);
    else if (err != WB_OK)
        snprintf(text, TEXT_MAX, "%.300s: its lock cannot be taken", t->final);
    return err;
}

static enum wb_err open_temporary(struct target *t, const char *store, const struct clock *clock,
                                  char text[TEXT_MAX])
{
    char dir[STORE_PATH_MAX], wa[STORE_PATH_MAX], msg[STORE_PATH_MAX];
    struct store_open_info info;

    if (!join(dir, store, ".import-XXXXXX") || !mkdtemp(dir))
        return say_errno(text, store);
    memcpy(t->dir, dir, sizeof dir);
    if (!join(wa, dir, "whatsapp.db") || !join(msg, dir, "messages.db"))
        return WB_ERR_TOO_LARGE;
    const struct store_config config = {
        .whatsapp_path = wa, .messages_path = msg, .command = "bridge-import", .clock = clock};
    enum wb_err err = store_open(&config, &t->s, &info);
    if (err != WB_OK)
        snprintf(text, TEXT_MAX, "%.500s", info.text[0] ? info.text : wb_err_text(err));
    return err;
}

/* Guards the store's files; readers of a shared store keep their rights. */
static enum wb_err guard(const char *store, const char *final, char text[TEXT_MAX])
{
    char messages[STORE_PATH_MAX], tightened[STORE_TIGHTENED_MAX] = "";

    if (!join(messages, store, "messages.db"))
        return WB_ERR_TOO_LARGE;
    enum wb_err err = guard_whatsapp(final, messages, guard_readers_group(messages), tightened);
    if (err != WB_OK)
        snprintf(text, TEXT_MAX, "%.500s", tightened[0] ? tightened : wb_err_text(err));
    else if (tightened[0])
        fprintf(stderr, "bridge-import: %s\n", tightened);
    return err;
}

enum wb_err target_open(const char *store, const struct clock *clock, struct target *ret,
                        char text[TEXT_MAX])
{
    enum wb_err err;

    memset(ret, 0, sizeof *ret);
    ret->lock = store_lock_none();
    if (!join(ret->final, store, "whatsapp.db")) {
        snprintf(text, TEXT_MAX, "the name of the store is too long");
        return WB_ERR_TOO_LARGE;
    }
    if (mkdir(store, 0700) != 0 && errno != EEXIST)
        return say_errno(text, store);
    TRY(guard(store, ret->final, text));
    TRY(refuse_existing(ret->final, text));
    TRY(lock_final(ret, clock, text));
    TRY(refuse_existing(ret->final, text)); /* somebody made it while we waited for the lock */
    TRY(open_temporary(ret, store, clock, text));
out:
    if (err != WB_OK)
        target_close(ret);
    return err;
}

/* The directory entry must be as durable as the file. */
static enum wb_err flush_dir(const char *final, char text[TEXT_MAX])
{
    char dir[STORE_PATH_MAX];

    snprintf(dir, sizeof dir, "%s", final);
    *strrchr(dir, '/') = 0;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return say_errno(text, dir);
    int rc = fsync(fd);
    enum wb_err err = rc == 0 ? WB_OK : say_errno(text, dir);
    close(fd);
    return err;
}

enum wb_err target_finish(struct target *t, char text[TEXT_MAX])
{
    char from[STORE_PATH_MAX];
    enum wb_err err;

    if (!join(from, t->dir, "whatsapp.db"))
        return WB_ERR_TOO_LARGE;
    err = store_close(t->s);
    t->s = NULL;
    if (err != WB_OK) {
        snprintf(text, TEXT_MAX, "%.300s: %s", from, wb_err_text(err));
        return err;
    }
    if (renameat2(AT_FDCWD, from, AT_FDCWD, t->final, RENAME_NOREPLACE) != 0)
        return say_errno(text, t->final);
    return flush_dir(t->final, text);
}

void target_close(struct target *t)
{
    char path[STORE_PATH_MAX];

    store_close(t->s); /* an error is of no interest any more, or target_finish() has reported it */
    t->s = NULL;
    for (size_t i = 0; t->dir[0] && i < sizeof made / sizeof made[0]; i++)
        if (join(path, t->dir, made[i]))
            (void)unlink(path);
    if (t->dir[0])
        (void)rmdir(t->dir);
    t->dir[0] = 0;
    store_lock_drop(&t->lock);
}
