#include "bridge/core/store_trouble.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/path_text.h"

/* Writes a bridge-backup command with the options by which it finds the same files. Files in the
 * store directory need no option. */
static void backup_command(const struct config *c, const char *command, struct buf *out)
{
    char usual[STORE_PATH_MAX];

    buf_append_cstr(out, "bridge-backup --store ");
    path_shell_word(out, c->store_dir);
    snprintf(usual, sizeof usual, "%s/whatsapp.db", c->store_dir);
    if (strcmp(usual, c->whatsapp_db_path) != 0) {
        buf_append_cstr(out, " --whatsapp-db-path ");
        path_shell_word(out, c->whatsapp_db_path);
    }
    snprintf(usual, sizeof usual, "%s/messages.db", c->store_dir);
    if (strcmp(usual, c->db_path) != 0) {
        buf_append_cstr(out, " --db-path ");
        path_shell_word(out, c->db_path);
    }
    buf_printf(out, " %s", command);
}

/* The reason without the file's name at its begin, which the sentence names already. */
static const char *without(const char *file, const char *why)
{
    size_t n = strlen(file);

    return strncmp(why, file, n) == 0 && strncmp(why + n, ": ", 2) == 0 ? why + n + 2 : why;
}

/* A damaged file without a good backup: only the operator can decide what to do, because with a new
 * file the number must be linked again. */
static void damaged(const struct config *c, const char *file, const char *why, struct buf *out)
{
    char aside[STORE_PATH_MAX + sizeof ".damaged"];

    snprintf(aside, sizeof aside, "%s.damaged", file);
    buf_printf(out,
               "%s is damaged (%s), and there is no good backup of +%s; it was left as it is.\n"
               "What to do (docs/operations.md, \"Damage\"):\n  ",
               file, without(file, why), c->phone.user);
    backup_command(c, "list", out);
    buf_append_cstr(
        out, "\n    shows the backups that there are; `verify` says what is wrong with each\n"
             "  ");
    backup_command(c, "restore FILE", out);
    buf_append_cstr(
        out, "\n    puts back one that you keep elsewhere: a set by its path, or a sealed file\n"
             "  mv ");
    path_shell_word(out, file);
    buf_append_cstr(out, " ");
    path_shell_word(out, aside);
    buf_append_cstr(
        out, "\n    only if there is no backup: the next start begins anew, and the number has to "
             "be linked again\n");
}

void store_trouble_text(const struct config *c, enum wb_err err, const struct store_open_info *info,
                        struct buf *out)
{
    const char *file = info->file == STORE_FILE_MESSAGES ? c->db_path : c->whatsapp_db_path;
    char why[sizeof info->text + STORE_PATH_MAX];

    /* What the store says names the file. */
    if (info->text[0])
        snprintf(why, sizeof why, "%s", info->text);
    else
        snprintf(why, sizeof why, "%s: %s", file, wb_err_text(err));
    if (err == WB_ERR_LOCKED)
        buf_printf(
            out,
            "%s; two programs on one session would cut each other off. Stop that one, or give "
            "this one a --store of its own\n",
            why);
    else if (err == WB_ERR_DB_CORRUPT)
        damaged(c, file, why, out);
    else if (err == WB_ERR_OTHER_NUMBER)
        buf_printf(out,
                   "%s belongs to another number than +%s; it was not changed. It holds: %s. Use "
                   "another --store, or the --phone of that list\n",
                   file, c->phone.user, why);
    else if (err == WB_ERR_DB_SCHEMA)
        buf_printf(out, "%s\n", why);
    else
        buf_printf(out, "%s cannot be opened: %s\n", file, without(file, why));
}

static bool is_there(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

static void move_command(const char *from, const char *to, struct buf *out)
{
    buf_append_cstr(out, "mv ");
    path_shell_word(out, from);
    buf_append_cstr(out, " ");
    path_shell_word(out, to);
}

static bool left_behind(const char *option, const char *path, const char *usual, struct buf *out)
{
    /* The database first: without its log it would be in an earlier state. SQLite makes the -shm
     * anew. */
    static const char *const with[] = {"", "-wal", "-journal"};
    char dir[STORE_PATH_MAX], from[STORE_PATH_MAX + 16], to[STORE_PATH_MAX + 16];
    const char *slash = strrchr(path, '/');

    if (is_there(path) || !is_there(usual))
        return false;
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) : 0, path);
    buf_printf(out, "--%s: %s is not there, but %s is: stop the bridge and move it there (", option,
               path, usual);
    if (dir[0] && !is_there(dir)) {
        buf_append_cstr(out, "mkdir -p ");
        path_shell_word(out, dir);
        buf_append_cstr(out, " && ");
    }
    for (size_t i = 0; i < sizeof with / sizeof with[0]; i++) {
        snprintf(from, sizeof from, "%s%s", usual, with[i]);
        snprintf(to, sizeof to, "%s%s", path, with[i]);
        if (!is_there(from))
            continue;
        if (i > 0)
            buf_append_cstr(out, " && ");
        move_command(from, to, out);
    }
    buf_printf(out, "), or leave %s out\n", option);
    return true;
}

bool store_left_behind(const struct config *c, struct buf *out)
{
    char usual[STORE_PATH_MAX];

    snprintf(usual, sizeof usual, "%s/whatsapp.db", c->store_dir);
    if (left_behind("whatsapp-db-path", c->whatsapp_db_path, usual, out))
        return true;
    snprintf(usual, sizeof usual, "%s/messages.db", c->store_dir);
    return left_behind("db-path", c->db_path, usual, out);
}
