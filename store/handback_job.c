#include "store/handback_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/secret.h"
#include "store/account.h"
#include "store/backup.h"
#include "store/guard.h"
#include "store/inbox.h"
#include "store/outbox.h"
#include "store/state.h"

#define BEFORE "before-handback"

enum { DEVICES_MAX = 16 }; /* numbers that were ever linked with one file */

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

/* store_open() would make a file of another program one of ours: there is nothing to hand back in
 * it. */
static enum wb_err look_whose(const struct handback_job *job, struct handback_result *ret)
{
    struct db d = {0};
    bool foreign = false;
    int version = 0;
    enum wb_err err;

    TRY(db_open(&d, job->whatsapp_path));
    TRY(whatsapp_schema_check(&d, &version));
    TRY(whatsapp_schema_taken_over(&d, version, &foreign));
    if (version == 0 || foreign) {
        snprintf(ret->text, sizeof ret->text,
                 "%.300s is not as this version of whatsapp-bridge leaves it: there is nothing to "
                 "hand back, or the bridge has to be started with it once",
                 job->whatsapp_path);
        err = WB_ERR_STATE;
    }
out:
    if (err != WB_OK && !ret->text[0])
        snprintf(ret->text, sizeof ret->text, "%.200s: %.250s", job->whatsapp_path,
                 d.error[0] ? d.error : wb_err_text(err));
    db_close(&d);
    return err;
}

/* Before anything is opened for writing. */
static enum wb_err look(const struct handback_job *job, struct handback_result *ret)
{
    struct store_lock held = store_lock_none();
    enum wb_err err;

    if (access(job->whatsapp_path, F_OK) != 0)
        return say_missing(ret, job->whatsapp_path);
    if (access(job->messages_path, F_OK) != 0)
        return say_missing(ret, job->messages_path);
    err = guard_whatsapp(job->whatsapp_path, job->messages_path,
                         guard_readers_group(job->messages_path), ret->tightened);
    if (err != WB_OK) {
        snprintf(ret->text, sizeof ret->text, "%.500s", ret->tightened);
        return err;
    }
    TRY(lock(job, &held, ret));
    err = look_whose(job, ret);
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

/* What store_handback() writes is in one batch; the account's selection needs it written down. */
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
    struct jid devices[DEVICES_MAX];
    size_t n = 0;
    enum wb_err err;

    TRY(store_account_list(s, devices, DEVICES_MAX, &n));
    if (n == 0) {
        snprintf(ret->text, sizeof ret->text, "%.300s is not linked with a phone",
                 job->whatsapp_path);
        return WB_ERR_STATE;
    }
    if (!job->dry_run)
        TRY(make_backup(job, ret));
    for (size_t i = 0; i < n && i < DEVICES_MAX; i++)
        TRY(hand_device(s, job, &devices[i], ret));
    FAULT_POINT("handback.filed");
    if (job->dry_run)
        store_rollback(s);
    else
        err = store_commit(s);
out:
    return err;
}

enum wb_err store_handback_job(const struct handback_job *job, struct handback_result *ret)
{
    const struct store_config config = {.whatsapp_path = job->whatsapp_path,
                                        .messages_path = job->messages_path,
                                        .command = job->command,
                                        .readers_group = guard_readers_group(job->messages_path),
                                        .clock = job->clock};
    struct store_open_info info;
    struct store *s = NULL;
    enum wb_err err, closed;

    memset(ret, 0, sizeof *ret);
    TRY(look(job, ret));
    err = store_open(&config, &s, &info);
    guard_append(ret->tightened, info.tightened);
    if (err != WB_OK) {
        snprintf(ret->text, sizeof ret->text, "%.500s",
                 info.text[0] ? info.text : wb_err_text(err));
        return err;
    }
    err = hand_all(s, job, ret);
    if (err != WB_OK && !ret->text[0])
        snprintf(ret->text, sizeof ret->text, "%.200s: %.250s", wb_err_text(err),
                 store_error_text(s));
    closed = store_close(s);
    err = err == WB_OK ? closed : err;
out:
    return err;
}
