#include "tools/backup/look.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/plain_file.h"
#include "store/backup/backup.h"

enum looked look_for_backups(const struct options *o, char why[512])
{
    struct backup_entry *list = NULL;
    size_t n = 0;
    enum wb_err err = store_backup_look(o->dir, why);

    if (err == WB_ERR_NOT_FOUND && !o->dir_given) {
        /* The bridge makes it with the first backup. But is there a store at all? */
        err = store_backup_look(o->store, why);
        if (err == WB_OK)
            snprintf(why, 512, "no backups in %.450s", o->store);
        return err == WB_OK ? LOOKED_NONE : LOOKED_WRONG;
    }
    if (err == WB_OK)
        err = store_backup_list(o->dir, &list, &n);
    if (err != WB_OK) {
        if (!why[0])
            snprintf(why, 512, "%.400s: %s", o->dir, wb_err_text(err));
        return LOOKED_WRONG;
    }
    free(list);
    if (n == 0)
        snprintf(why, 512, "no backups in %.450s", o->dir);
    return n == 0 ? LOOKED_NONE : LOOKED_THERE;
}

bool look_at_file(const char *path, char why[512])
{
    enum wb_err err = plain_look(path);

    if (err == WB_ERR_NOT_FOUND)
        snprintf(why, 512, "%.450s is not there", path);
    else if (err != WB_OK)
        snprintf(why, 512, "%.400s: %.90s", path, plain_error_text(err));
    else if (access(path, R_OK) != 0)
        snprintf(why, 512, "%.400s cannot be read: %.90s", path, strerror(errno));
    else
        return true;
    return false;
}

bool look_for_place(const char *path, char why[512])
{
    char dir[STORE_PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;

    if (!slash)
        snprintf(dir, sizeof dir, ".");
    else if (n + 1 < sizeof dir)
        snprintf(dir, sizeof dir, "%.*s", (int)(n ? n : 1), path);
    else
        snprintf(dir, sizeof dir, "/"); /* too long: the system says so later */
    return store_backup_look(dir, why) == WB_OK;
}
