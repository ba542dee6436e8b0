#include "store/open/recover.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "store/backup/backup_check.h"
#include "store/core/guard.h"
#include "store/core/state.h"
#include "store/open/restore.h"

enum { ATTEMPTS = 4 /* each file once, and the last open */, POLL_MS = 200 };

struct recovering {
    const struct store_config *config;
    const char *phone_user;
    const struct rng *rng;
    struct store_open_info *info;
    struct store_recovery *done;
    bool gap;         /* messages.db was put back, or begun anew */
    int64_t gap_from; /* messages since then may be missing in it */
};

static void tell(struct recovering *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void tell(struct recovering *r, const char *fmt, ...)
{
    char *text = r->done->text;
    size_t n = strlen(text), room = sizeof r->done->text - n;
    va_list ap;

    if (n > 0 && room > 2) {
        memcpy(text + n, "; ", 3);
        n += 2;
        room -= 2;
    }
    va_start(ap, fmt);
    vsnprintf(text + n, room, fmt, ap);
    va_end(ap);
}

/* A missing file counts as empty. */
static bool is_empty(const char *path)
{
    struct stat st;

    return stat(path, &st) != 0 || (S_ISREG(st.st_mode) && st.st_size == 0);
}

static bool newest_is_before_unlink(struct recovering *r)
{
    struct backup_entry *list = NULL;
    size_t n = 0;
    bool yes = false;

    if (store_backup_list(r->config->backups_dir, &list, &n) != WB_OK)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (list[i].err != WB_OK || strcmp(list[i].manifest.phone, r->phone_user) != 0)
            continue;
        yes = strcmp(list[i].manifest.reason, BACKUP_BEFORE_UNLINK) == 0;
        break;
    }
    free(list);
    return yes;
}

static void wait_a_little(void)
{
    struct timespec t = {.tv_sec = 0, .tv_nsec = POLL_MS * 1000000L};

    nanosleep(&t, NULL);
}

/* Restores one file from the newest good backup of our number. NOT_FOUND: there is none. */
static enum wb_err restore(struct recovering *r, enum store_file file, const char *what)
{
    char name[BACKUP_NAME_MAX + 1], why[512];
    struct backup_manifest m;
    struct restore_result result;
    struct restore_job job = {.whatsapp_path = r->config->whatsapp_path,
                              .messages_path = r->config->messages_path,
                              .dir = r->config->backups_dir,
                              .set = name,
                              .phone_user = r->phone_user,
                              .keep_whatsapp = file == STORE_FILE_MESSAGES,
                              .messages = file == STORE_FILE_MESSAGES ? RESTORE_MESSAGES_ALWAYS
                                                                      : RESTORE_MESSAGES_NEVER,
                              .damaged = true,
                              .gap = r->gap,
                              .gap_from = r->gap_from,
                              .command = r->config->command,
                              .program = r->config->program,
                              .readers_group = r->config->readers_group,
                              .clock = r->config->clock,
                              .rng = r->rng};
    int64_t until = clock_mono_ms(r->config->clock) + RECOVER_WAIT_S * 1000;
    enum wb_err err;

    if (!r->config->backups_dir)
        return WB_ERR_NOT_FOUND;
    r->info->file = file;
    err = store_backup_look(r->config->backups_dir, why);
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        snprintf(r->info->text, sizeof r->info->text,
                 "%s %s, and no backup of it can be looked for: %.400s",
                 file == STORE_FILE_MESSAGES ? "messages.db" : "whatsapp.db", what, why);
    TRY(err);
    TRY(store_backup_newest_good(r->config->backups_dir, r->phone_user, file, name, &m, why));
    while ((err = store_restore(&job, &result)) == WB_ERR_LOCKED &&
           clock_mono_ms(r->config->clock) < until)
        wait_a_little(); /* for a backup that is just being made */
    guard_append(r->info->tightened, result.tightened);
    if (err != WB_OK) {
        snprintf(r->info->text, sizeof r->info->text, "the backup %s cannot be restored: %.300s",
                 name, result.text[0] ? result.text : wb_err_text(err));
        return err;
    }
    const char *aside = file == STORE_FILE_MESSAGES ? result.messages_aside : result.whatsapp_aside;
    const char *base = strrchr(aside, '/');
    if (aside[0])
        tell(r, "%s %s, was set aside as %s and restored from the backup %s",
             file == STORE_FILE_MESSAGES ? "messages.db" : "whatsapp.db", what,
             base ? base + 1 : aside, name);
    else
        tell(r, "%s %s and was restored from the backup %s",
             file == STORE_FILE_MESSAGES ? "messages.db" : "whatsapp.db", what, name);
    if (file == STORE_FILE_MESSAGES) {
        r->done->messages = true;
        r->gap = true;
        r->gap_from = backup_manifest_since(&result.manifest);
    } else {
        r->done->whatsapp = true;
    }
out:
    return err;
}

/* A damaged messages.db never stops the session. */
static enum wb_err begin_new_messages(struct recovering *r)
{
    char aside[STORE_PATH_MAX];
    enum wb_err err;

    /* The note first: without the file the next start would know of no gap. */
    err = store_restore_note_gap(r->config->whatsapp_path, 0, clock_unix_s(r->config->clock),
                                 r->config->clock);
    if (err == WB_ERR_DB_CORRUPT)
        err = WB_OK; /* whatsapp.db is damaged: it is restored next, with the note */
    TRY(err);
    r->gap = true;
    r->gap_from = 0;
    TRY(store_set_aside_file(r->config->messages_path, "damaged", r->config->clock, aside));
    const char *base = strrchr(aside, '/');
    r->done->new_messages = true;
    tell(r,
         "messages.db is damaged and there is no good backup of it; it was set aside as %s and a"
         " new one was begun",
         base ? base + 1 : aside);
out:
    return err;
}

/* Restores missing files, before store_open() makes new ones. */
static enum wb_err missing_files(struct recovering *r)
{
    enum wb_err err = WB_OK;

    if (!r->config->backups_dir)
        return WB_OK;
    if (is_empty(r->config->whatsapp_path) && !newest_is_before_unlink(r))
        err = restore(r, STORE_FILE_WHATSAPP, "is missing or empty");
    if ((err == WB_OK || err == WB_ERR_NOT_FOUND) && !is_empty(r->config->whatsapp_path) &&
        is_empty(r->config->messages_path))
        err = restore(r, STORE_FILE_MESSAGES, "is missing or empty");
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

static bool tool_has_it(const struct store_open_info *info)
{
    return strstr(info->holder_command, "bridge-backup") != NULL;
}

/* Opens the store and checks that its keys are keys. */
static enum wb_err open_and_look(struct recovering *r, struct store **ret)
{
    struct backup_manifest m;
    struct store *s = NULL;
    enum wb_err err;
    int64_t until = clock_mono_ms(r->config->clock) + RECOVER_WAIT_S * 1000;

    while ((err = store_open(r->config, &s, r->info)) == WB_ERR_LOCKED && tool_has_it(r->info) &&
           clock_mono_ms(r->config->clock) < until)
        wait_a_little();
    if (r->info->mended[0]) {
        tell(r, "%s", r->info->mended);
        r->done->indexes = true;
    }
    if (r->info->ignored[0])
        tell(r, "%s", r->info->ignored);
    if (err != WB_OK)
        return err;
    err = backup_check_keys(&s->wa, &m);
    if (err == WB_OK) {
        *ret = s;
        return WB_OK;
    }
    r->info->file = STORE_FILE_WHATSAPP;
    snprintf(r->info->text, sizeof r->info->text, "%.400s: %s", r->config->whatsapp_path,
             store_error_text(s));
    if (store_close(s) != WB_OK)
        tell(r, "it was not closed cleanly");
    return err;
}

enum wb_err store_open_recovering(const struct store_config *config, const char *phone_user,
                                  const struct rng *rng, struct store **ret,
                                  struct store_open_info *ret_info, struct store_recovery *ret_done)
{
    struct recovering r = {
        .config = config, .phone_user = phone_user, .rng = rng, .info = ret_info, .done = ret_done};
    enum wb_err err;

    memset(ret_info, 0, sizeof *ret_info);
    memset(ret_done, 0, sizeof *ret_done);
    TRY(missing_files(&r));
    for (int i = 0; i < ATTEMPTS; i++) {
        err = open_and_look(&r, ret);
        if (err != WB_ERR_DB_CORRUPT)
            break;
        if (ret_info->file == STORE_FILE_MESSAGES) {
            err = restore(&r, STORE_FILE_MESSAGES, "is damaged");
            /* A passing trouble (locked, no space) is no reason to go on without a good backup. */
            if (err != WB_OK && err != WB_ERR_LOCKED && err != WB_ERR_NO_SPACE)
                err = begin_new_messages(&r);
        } else {
            err = restore(&r, STORE_FILE_WHATSAPP, "is damaged");
            if (err == WB_ERR_NOT_FOUND)
                err = WB_ERR_DB_CORRUPT; /* no good backup: people decide */
        }
        if (err != WB_OK)
            break;
    }
out:
    return err;
}
