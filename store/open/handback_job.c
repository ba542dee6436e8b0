#include "store/open/handback_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/secret.h"
#include "store/backup/backup.h"
#include "store/backup/indexes_anew.h"
#include "store/core/batch.h"
#include "store/core/guard.h"
#include "store/core/state.h"
#include "store/db/db_check.h"
#include "store/messages/messages_schema.h"
#include "store/open/limits.h"
#include "store/open/open.h"
#include "store/outbox/outbox.h"
#include "store/session/account.h"
#include "store/session/whatsapp_schema.h"

#define BEFORE "before-handback"

static enum wb_err say_missing(struct handback_result *ret, const char *path)
{
    snprintf(ret->text, sizeof ret->text, "there is no %.400s", path);
    return WB_ERR_NOT_FOUND;
}

static enum wb_err lock(const struct handback_job *job, struct store_lock *ret_lock,
                        struct handback_result *ret)
{
    struct store_holder h = {0};
    enum wb_err err =
        store_lock_take(job->whatsapp_path, job->command, clock_unix_s(job->clock), ret_lock, &h);

    if (err == WB_ERR_LOCKED)
        snprintf(ret->text, sizeof ret->text, "%.200s is held by process %ld (%.200s)",
                 job->whatsapp_path, (long)h.pid, h.command);
    else if (err == WB_OK && store_other_program_has_open(job->whatsapp_path, &h)) {
        snprintf(ret->text, sizeof ret->text, "%.200s is open in process %ld (%.200s)",
                 job->whatsapp_path, (long)h.pid, h.command);
        err = WB_ERR_LOCKED;
    }
    return err;
}

static enum wb_err say_start_first(struct handback_result *ret, const char *path, const char *what)
{
    snprintf(ret->text, sizeof ret->text,
             "%.300s %s: start whatsapp-bridge with it once, which sees to that", path, what);
    return WB_ERR_STATE;
}

static enum wb_err look_at_devices(struct db *d, const char *path, struct handback_result *ret)
{
    size_t n = 0;
    enum wb_err err;

    TRY(account_list(d, NULL, 0, &n));
    if (n == 0)
        snprintf(ret->text, sizeof ret->text, "%.300s is not linked with a phone", path);
    else if (n > STORE_HANDBACK_DEVICES_MAX)
        snprintf(ret->text, sizeof ret->text,
                 "%.300s has %zu devices, more than the %d that are "
                 "handed back at once",
                 path, n, STORE_HANDBACK_DEVICES_MAX);
    if (ret->text[0])
        err = WB_ERR_STATE;
out:
    return err;
}

static enum wb_err look_at_whatsapp(struct db *d, const char *path, struct handback_result *ret)
{
    bool foreign = false;
    int version = 0;
    enum wb_err err;

    TRY(whatsapp_schema_check(d, &version));
    TRY(whatsapp_schema_taken_over(d, version, &foreign));
    if (version == 0 || foreign) {
        snprintf(ret->text, sizeof ret->text,
                 "%.300s is not as this version of whatsapp-bridge leaves it: there is nothing to "
                 "hand back, or the bridge has to be started with it once",
                 path);
        return WB_ERR_STATE;
    }
    err = look_at_devices(d, path, ret);
out:
    return err;
}

static enum wb_err look_at_messages(struct db *d, const char *path, struct handback_result *ret)
{
    bool foreign = false;
    enum wb_err err;

    TRY(messages_schema_taken_over(d, &foreign));
    if (foreign)
        err = say_start_first(ret, path, "is not as this version of whatsapp-bridge leaves it");
out:
    return err;
}

/* Refuses files that store_open() would change: those of another program or an older version, and
 * those with damaged indexes. Only reads; a log beside the file stays. */
static enum wb_err look_into(const char *path, struct handback_result *ret,
                             enum wb_err (*look)(struct db *, const char *,
                                                 struct handback_result *))
{
    struct db_found found;
    struct db d = {0};
    char log[STORE_PATH_MAX + 8];
    struct stat st;
    enum wb_err err;

    snprintf(log, sizeof log, "%s-wal", path);
    const bool has_log = stat(log, &st) == 0 && st.st_size > 0;
    TRY(db_open(&d, path));
    db_keep_log(&d, has_log);
    TRY(look(&d, path, ret));
    err = db_check(&d, false, &found);
    bool helps = found.indexes > 0;
    if (helps && look == look_at_messages) /* indexes that cannot be mended are no obstacle */
        TRY(indexes_anew_help(path, &helps));
    if (helps)
        err = say_start_first(ret, path, "has damaged indexes");
    else if (found.indexes)
        err = WB_OK;
out:
    if (err != WB_OK && !ret->text[0])
        snprintf(ret->text, sizeof ret->text, "%.200s: %.250s", path,
                 d.error[0] ? d.error : wb_err_text(err));
    db_close(&d);
    return err;
}

/* Looks into both files before anything is opened for writing. */
static enum wb_err look(const struct handback_job *job, struct handback_result *ret)
{
    struct store_lock held = store_lock_none();
    enum wb_err err;

    if (access(job->whatsapp_path, F_OK) != 0)
        return say_missing(ret, job->whatsapp_path);
    if (access(job->messages_path, F_OK) != 0)
        return say_missing(ret, job->messages_path);
    err = job->dry_run ? WB_OK
                       : guard_whatsapp(job->whatsapp_path, job->messages_path,
                                        guard_readers_group(job->messages_path), ret->tightened);
    if (err != WB_OK) {
        snprintf(ret->text, sizeof ret->text, "%.500s", ret->tightened);
        return err;
    }
    TRY(lock(job, &held, ret));
    TRY(look_into(job->whatsapp_path, ret, look_at_whatsapp));
    err = look_into(job->messages_path, ret, look_at_messages);
out:
    store_lock_drop(&held);
    return err;
}

static enum wb_err make_backup(const struct handback_job *job, struct handback_result *ret)
{
    struct backup_result *made = calloc(1, sizeof *made);

    if (!made)
        return WB_ERR_NOMEM;
    enum wb_err err = store_backup_create(&(struct backup_job){.whatsapp_path = job->whatsapp_path,
                                                               .messages_path = job->messages_path,
                                                               .dir = job->backups_dir,
                                                               .reason = BEFORE,
                                                               .program = job->command,
                                                               .clock = job->clock},
                                          made);
    guard_append(ret->tightened, made->tightened);
    if (err == WB_OK)
        snprintf(ret->backup, sizeof ret->backup, "%s", made->name);
    else
        snprintf(ret->text, sizeof ret->text, "no backup could be made: %.400s",
                 made->text[0] ? made->text : wb_err_text(err));
    free(made);
    return err;
}

static enum wb_err count_waiting(struct store *s, size_t *waiting)
{
    static const enum store_outbox_state states[] = {OUTBOX_QUEUED, OUTBOX_SEALED};
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        size_t n = 0;

        TRY(store_outbox_count(s, states[i], &n));
        *waiting += n;
    }
out:
    return err;
}

/* store_handback() writes into one open batch; what it changed must be written before another
 * account is selected. */
static enum wb_err hand_device(struct store *s, const struct handback_job *job,
                               const struct jid *device, struct handback_result *ret)
{
    struct handback_counts n = {0};
    struct account *a = secret_alloc(sizeof *a);
    enum wb_err err = a ? WB_OK : WB_ERR_NOMEM;

    TRY(err);
    TRY(store_account_load(s, device->user, a));
    TRY(count_waiting(s, &ret->waiting));
    TRY(store_handback(s, job->rng, &n));
    ret->counts.sessions += n.sessions;
    ret->counts.identities += n.identities;
    ret->counts.sender_keys += n.sender_keys;
    ret->counts.no_number += n.no_number;
    ret->counts.unreadable += n.unreadable;
    ret->counts.receive_only += n.receive_only;
    ret->devices++;
out:
    if (a)
        account_wipe(a);
    secret_free(a);
    return err;
}

static enum wb_err hand_all(struct store *s, const struct handback_job *job,
                            struct handback_result *ret)
{
    struct jid devices[STORE_HANDBACK_DEVICES_MAX];
    size_t n = 0;
    enum wb_err err;

    TRY(store_account_list(s, devices, STORE_HANDBACK_DEVICES_MAX, &n));
    if (n == 0 || n > STORE_HANDBACK_DEVICES_MAX) /* since we looked */
        return WB_ERR_STATE;
    for (size_t i = 0; i < n; i++)
        TRY(hand_device(s, job, &devices[i], ret));
    FAULT_POINT("handback.filed");
    if (job->dry_run)
        store_rollback(s);
    else
        err = store_commit(s);
    ret->changed = !job->dry_run && err == WB_OK;
out:
    return err;
}

enum wb_err store_handback_job(const struct handback_job *job, struct handback_result *ret)
{
    const struct store_config config = {.whatsapp_path = job->whatsapp_path,
                                        .messages_path = job->messages_path,
                                        .command = job->command,
                                        .readers_group = guard_readers_group(job->messages_path),
                                        .keep_modes = job->dry_run,
                                        .clock = job->clock};
    struct store_open_info info;
    struct store *s = NULL;
    enum wb_err err, closed;

    memset(ret, 0, sizeof *ret);
    TRY(look(job, ret));
    if (!job->dry_run)
        TRY(make_backup(job, ret));
    err = store_open(&config, &s, &info);
    guard_append(ret->tightened, info.tightened);
    snprintf(ret->mended, sizeof ret->mended, "%s", info.mended);
    if (err != WB_OK) {
        snprintf(ret->text, sizeof ret->text, "%.500s",
                 info.text[0] ? info.text : wb_err_text(err));
        return err;
    }
    ret->times = store_time_format(s);
    err = hand_all(s, job, ret);
    if (err != WB_OK && !ret->text[0])
        snprintf(ret->text, sizeof ret->text, "%.200s: %.250s", wb_err_text(err),
                 store_error_text(s));
    closed = store_close(s);
    err = err == WB_OK ? closed : err;
out:
    return err;
}
