#include "bridge/recovery/backups.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/platform/hook.h"
#include "bridge/platform/jobs.h"
#include "bridge/recovery/mishap.h"
#include "store/backup/backup.h"
#include "store/backup/backup_seal.h"
#include "store/core/batch.h"
#include "store/core/meta.h"
#include "store/messages/history_gaps.h"
#include "store/open/restore.h"

enum {
    FIRST_MS = 60 * 1000, /* the first one, not while the offline queue comes in */
    AGAIN_MS = 10 * 60 * 1000,
    HOOK_MS = 10 * 60 * 1000,
    BEFORE_MS = 20 * 1000, /* a caller or a phone waits for it */
    LOCKED_PAUSE_MS = 20,  /* while a tool makes a backup and holds the lock */
    LOCKED_TRIES = 500,
};

/* One backup, made by a worker: it has copies of all that it needs. */
struct run {
    struct bridge *b;
    char *whatsapp_path, *messages_path, *dir, *hook, *seal_key, *seal_passphrase;
    char reason[BACKUP_REASON_MAX + 1];
    struct backup_keep keep;
    const struct clock *clock;
    atomic_bool cancel;
    struct backup_result made;
    enum wb_err err, prune_err, seal_err, hook_err;
    int hook_status;
    unsigned pruned;
    bool before_unlink; /* whatsapp.db alone, for a caller who waits */
    bool superseded;    /* cancelled for a backup before unlinking, which keeps the same session */
};

/* The caller who waits for a backup before the session is set aside. */
struct before {
    backups_done_fn *done; /* NULL: nobody */
    void *ctx;
    struct run *run; /* the backup made for this caller; NULL while another one ends */
    struct timer timer;
};

struct backups {
    struct bridge *b;
    struct timer timer;
    struct run *running;
    struct before before;
    char wanted[BACKUP_REASON_MAX + 1]; /* reason of a requested backup; "": none */
    char name[BACKUP_NAME_MAX + 1], error[160];
    struct store_restored restored; /* at 0: never */
    int64_t at_s;
    const char *repaired;
    bool stopping;
    bool paired_meanwhile; /* a phone was linked during this run, which may lack the new keys */
    bool gap_owed;         /* the gap that a restore noted could not be stored yet */
};

static void on_timer(void *ctx);

/* ---- in the worker ---- */

static bool cancelled(void *ctx)
{
    struct run *r = ctx;

    return atomic_load(&r->cancel);
}

static void count_pruned(void *ctx, const char *name)
{
    struct run *r = ctx;

    (void)name;
    r->pruned++;
}

/* Seals the backup if a key is set, and runs the hook with the sealed file, or else with the
 * set. */
static void ship(struct run *r)
{
    char path[STORE_PATH_MAX];
    bool sealed = r->seal_key[0] || r->seal_passphrase[0];
    const struct backup_seal_to to = {.public_key_file = r->seal_key[0] ? r->seal_key : NULL,
                                      .passphrase_file =
                                          r->seal_passphrase[0] ? r->seal_passphrase : NULL};

    if (sealed)
        r->seal_err = store_backup_seal(r->dir, r->made.name, &to, path);
    else
        snprintf(path, sizeof path, "%s/%s", r->dir, r->made.name);
    if (r->seal_err != WB_OK || !r->hook[0])
        return;
    r->hook_err = hook_run(r->hook, path, HOOK_MS, &r->cancel, &r->hook_status);
    if (sealed && r->hook_err == WB_OK)
        remove(path); /* the hook has taken the sealed file; the set itself stays */
}

static void work_before_unlink(struct run *r, struct backup_job *job)
{
    const struct timespec pause = {.tv_nsec = LOCKED_PAUSE_MS * 1000000L};

    job->messages_path = NULL;
    job->gentle = false;
    for (unsigned tries = 0; tries < LOCKED_TRIES; tries++) {
        r->err = store_backup_create(job, &r->made);
        if (r->err != WB_ERR_LOCKED || cancelled(r))
            return;
        nanosleep(&pause, NULL);
    }
}

static void work(void *ctx)
{
    struct run *r = ctx;
    struct backup_job job = {.whatsapp_path = r->whatsapp_path,
                             .messages_path = r->messages_path,
                             .dir = r->dir,
                             .reason = r->reason,
                             .program = "whatsapp-bridge " WB_VERSION,
                             .clock = r->clock,
                             .gentle = true,
                             .cancelled = cancelled,
                             .ctx = r};

    if (r->before_unlink) {
        work_before_unlink(r, &job);
        return;
    }
    r->err = store_backup_create(&job, &r->made);
    if (r->err != WB_OK)
        return;
    char tightened[sizeof r->made.tightened]; /* not used: the directory was checked a moment ago */
    r->prune_err = store_backup_prune(r->dir, &r->keep, r->clock, r->made.name, false, count_pruned,
                                      r, tightened);
    ship(r);
}

/* ---- on the loop ---- */

static void run_free(struct run *r)
{
    free(r->whatsapp_path);
    free(r->messages_path);
    free(r->dir);
    free(r->hook);
    free(r->seal_key);
    free(r->seal_passphrase);
    free(r);
}

static int64_t every_ms(const struct backups *k)
{
    return (int64_t)k->b->config->backup_every_s * 1000;
}

static void start_timer(struct backups *k, int64_t after_ms)
{
    /* A requested backup is made even if scheduled ones are off. */
    if ((every_ms(k) > 0 || k->wanted[0]) && !k->stopping)
        timer_start(k->b->timers, &k->timer, after_ms, on_timer, k);
}

/* Starts the timer unless it is due sooner, for example for a link that was made during this
 * run. */
static void start_timer_before(struct backups *k, int64_t after_ms)
{
    if (!k->timer.armed || timer_left_ms(k->b->timers, &k->timer) > after_ms)
        start_timer(k, after_ms);
}

static void log_shipping(struct backups *k, const struct run *r)
{
    struct log *log = k->b->log;

    if (r->prune_err != WB_OK)
        log_warn(log, "backup", "old backups could not be removed: %s", wb_err_text(r->prune_err));
    if (r->seal_err != WB_OK) {
        snprintf(k->error, sizeof k->error, "%s was not encrypted: %s", r->made.name,
                 wb_err_text(r->seal_err));
        log_error(log, "backup", "%s; the hook was not run", k->error);
    } else if (r->hook_err == WB_ERR_REFUSED) {
        snprintf(k->error, sizeof k->error, "backup_hook ended with status %d", r->hook_status);
        log_error(log, "backup", "%s for %s", k->error, r->made.name);
    } else if (r->hook_err != WB_OK) {
        snprintf(k->error, sizeof k->error, "backup_hook: %s", wb_err_text(r->hook_err));
        log_error(log, "backup", "%s for %s", k->error, r->made.name);
    } else if (r->hook[0]) {
        log_info(log, "backup", "backup_hook has taken %s", r->made.name);
    }
}

static void note_result(struct backups *k, const struct run *r)
{
    const struct backup_manifest *m = &r->made.manifest;

    k->error[0] = '\0';
    if (r->err != WB_OK) {
        snprintf(k->error, sizeof k->error, "%.150s",
                 r->made.text[0] ? r->made.text : wb_err_text(r->err));
        log_error(k->b->log, "backup", "no %s backup was made: %s", r->reason, k->error);
        if (r->err == WB_ERR_DB_CORRUPT)
            mishap_suspected(k->b->mishap, k->error);
        return;
    }
    memcpy(k->name, r->made.name, sizeof k->name);
    k->at_s = m->created_at;
    log_info(k->b->log, "backup",
             "made and checked %s: %lld messages, %llu kB; %u old ones removed", r->made.name,
             (long long)m->message_rows,
             (unsigned long long)((m->whatsapp.size + m->messages.size) / 1024), r->pruned);
    log_shipping(k, r);
}

/* Notes the outcome. A failure does not stop the caller who waits: the file that is set aside is
 * kept, too. */
static void note_before_unlink(struct backups *k, const struct run *r)
{
    if (r->err == WB_OK)
        log_info(k->b->log, "backup", "made and checked %s", r->made.name);
    else
        log_warn(k->b->log, "backup", "no backup before the session is set aside: %s",
                 r->made.text[0] ? r->made.text : wb_err_text(r->err));
}

static int64_t delay_after(struct backups *k, const struct run *r)
{
    if (k->wanted[0])
        return 0;
    if (r->before_unlink)
        return AGAIN_MS;
    if (r->err == WB_OK)
        return every_ms(k);
    /* Make the cancelled backup again under its own reason: if it counted as a scheduled one, it
     * would be pruned some day. */
    if (!r->superseded && strcmp(r->reason, BACKUP_SCHEDULED) != 0)
        memcpy(k->wanted, r->reason, sizeof k->wanted);
    return AGAIN_MS;
}

static int64_t soon_ms(const struct backups *k)
{
    return every_ms(k) < FIRST_MS ? every_ms(k) : FIRST_MS;
}

static int64_t next_delay(struct backups *k, const struct run *r)
{
    const int64_t ms = delay_after(k, r);
    const bool paired = k->paired_meanwhile;

    k->paired_meanwhile = false;
    return paired && ms > soon_ms(k) ? soon_ms(k) : ms;
}

static void tell(struct backups *k, bool go_on)
{
    struct before before = k->before;

    timer_stop(k->b->timers, &k->before.timer);
    k->before.done = NULL;
    k->before.run = NULL;
    if (before.done)
        before.done(before.ctx, go_on);
}

static void begin_before_unlink(struct backups *k);

static void finished(void *ctx, bool ran)
{
    struct run *r = ctx;
    struct backups *k = r->b->backups;

    if (k) {
        k->running = NULL;
        if (ran && r->made.tightened[0] &&
            r->err != WB_ERR_INVALID) /* with INVALID this text is the failure itself */
            log_warn(k->b->log, "backup", "%s", r->made.tightened);
        if (ran && r->before_unlink)
            note_before_unlink(k, r);
        else if (ran && r->err != WB_ERR_CANCELLED)
            note_result(k, r);
        if (k->before.run == r)
            tell(k, true);
        if (k->before.done && !k->running)
            begin_before_unlink(k);
        if (!k->running)
            start_timer_before(k, next_delay(k, r));
    }
    run_free(r);
}

static struct run *run_new(struct backups *k, const char *reason)
{
    const struct config *c = k->b->config;
    struct run *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->b = k->b;
    r->clock = k->b->clock;
    r->keep = (struct backup_keep){c->backup_keep, c->backup_keep_days};
    atomic_init(&r->cancel, false);
    snprintf(r->reason, sizeof r->reason, "%s", reason);
    r->whatsapp_path = strdup(c->whatsapp_db_path);
    r->messages_path = strdup(c->db_path);
    r->dir = strdup(c->backups_dir);
    r->hook = strdup(c->backup_hook);
    r->seal_key = strdup(c->backup_public_key);
    r->seal_passphrase = strdup(c->backup_passphrase_file);
    if (r->whatsapp_path && r->messages_path && r->dir && r->hook && r->seal_key &&
        r->seal_passphrase)
        return r;
    run_free(r);
    return NULL;
}

static enum wb_err start_run(struct backups *k, const char *reason, bool before_unlink)
{
    struct run *r = run_new(k, reason);
    enum wb_err err = WB_ERR_NOMEM;

    if (!r)
        return err;
    r->before_unlink = before_unlink;
    err = jobs_run(k->b->jobs, work, finished, r);
    if (err == WB_OK)
        k->running = r;
    else
        run_free(r);
    return err;
}

static void begin(struct backups *k, const char *reason)
{
    if (start_run(k, reason, false) != WB_OK) {
        log_error(k->b->log, "backup", "no worker for a backup; it is tried again");
        start_timer(k, AGAIN_MS);
        return;
    }
    k->wanted[0] = '\0';
}

static void begin_before_unlink(struct backups *k)
{
    enum wb_err err = start_run(k, BACKUP_BEFORE_UNLINK, true);

    k->before.run = k->running;
    if (err == WB_OK)
        return;
    log_warn(k->b->log, "backup", "no backup before the session is set aside: %s",
             wb_err_text(err));
    tell(k, true);
}

static void on_timer(void *ctx)
{
    struct backups *k = ctx;

    if (k->running)
        return; /* the run's end looks for requests */
    if (k->wanted[0])
        begin(k, k->wanted);
    else if (k->b->account)
        begin(k, BACKUP_SCHEDULED);
    /* Without an account there is nothing to lose yet: on_paired() plans the first one. */
}

void backups_request(struct backups *k, const char *reason)
{
    if (k->stopping || !k->b->account)
        return;
    snprintf(k->wanted, sizeof k->wanted, "%s", reason);
    if (!k->running)
        timer_start(k->b->timers, &k->timer, 0, on_timer, k);
}

static void on_before_timer(void *ctx)
{
    struct backups *k = ctx;

    log_warn(k->b->log, "backup", "no backup before the session is set aside: it takes too long");
    if (k->running)
        atomic_store(&k->running->cancel, true);
    tell(k, true);
}

void backups_before_unlink(struct backups *k, backups_done_fn *done, void *ctx)
{
    if (k->stopping) {
        done(ctx, false);
        return;
    }
    tell(k, false);
    k->before.done = done;
    k->before.ctx = ctx;
    timer_start(k->b->timers, &k->before.timer, BEFORE_MS, on_before_timer, k);
    if (strcmp(k->wanted, BACKUP_LOGOUT) == 0)
        k->wanted[0] = '\0'; /* the backup before unlinking keeps the same session */
    if (!k->running) {
        begin_before_unlink(k);
        return;
    }
    k->running->superseded = strcmp(k->running->reason, BACKUP_LOGOUT) == 0;
    atomic_store(&k->running->cancel, true);
}

void backups_forget(struct backups *k)
{
    if (!k)
        return;
    k->before.done = NULL;
    tell(k, false);
}

void backups_state(const struct backups *k, struct backups_state *ret)
{
    *ret = (struct backups_state){.name = k->name,
                                  .at_s = k->at_s,
                                  .error = k->error,
                                  .repaired = k->repaired,
                                  .restored_name = k->restored.name,
                                  .restored_at_s = k->restored.at,
                                  .restored_backup_at_s = k->restored.backup_at};
}

/* For a logout by the server; after our own unlinking there is no account any more. */
static void on_logged_out(void *ctx, const struct bridge_event *e)
{
    struct bridge *b = ctx;

    (void)e;
    if (b->backups)
        backups_request(b->backups, BACKUP_LOGOUT);
}

/* Takes over the gap that a restore noted: from now on the phone is asked for the messages of that
 * time. */
static enum wb_err take_over_gap(struct backups *k)
{
    struct bridge *b = k->b;
    struct buf text = buf_new(STORE_META_MAX);
    char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];
    long long since, until;
    char *end;
    enum wb_err err = store_meta_get(b->store, STORE_META_GAP, &text);

    if (err == WB_ERR_NOT_FOUND) {
        buf_free(&text);
        return WB_OK;
    }
    TRY(err);
    since = strtoll(buf_cstr(&text), &end, 10);
    until = strtoll(end, NULL, 10);
    if (since > 0 && until >= since) { /* whole seconds: both may be the same */
        log_warn(b->log, "backup",
                 "messages.db may lack messages from %s to %s; they are asked of the phone",
                 clock_text(since, from), clock_text(until, to));
        TRY(store_history_gap_all(b->store, since, until));
    } else if (until > (long long)b->config->history_back_s && b->config->history_back_s) {
        log_warn(b->log, "backup",
                 "messages.db has lost what it held before this start; the phone is asked for %u "
                 "seconds of each chat (history_back), once something comes there",
                 (unsigned)b->config->history_back_s);
        TRY(store_history_gap_all(b->store, until - b->config->history_back_s, until));
    } else {
        log_warn(b->log, "backup", "messages.db has lost what it held before this start");
    }
    TRY(store_meta_put(b->store, STORE_META_GAP, SPAN_NULL));
    err = store_commit(b->store);
out:
    buf_free(&text);
    return err;
}

/* A full disk does not keep the bridge from starting : the restore's note stays until the
 * gap can be stored. */
static void note_gap(struct backups *k)
{
    enum wb_err err = take_over_gap(k);

    k->gap_owed = err != WB_OK;
    if (err == WB_OK)
        return;
    log_warn(k->b->log, "backup", "the gap that a restore left cannot be noted yet: %s",
             wb_err_text(err));
    store_rollback(k->b->store);
}

/* Mends a gap that a restore noted while the clock was ahead: for a long time no message would be
 * newer than the gap's end. */
static enum wb_err correct_gap(struct bridge *b)
{
    const int64_t now = bridge_server_now_s(b);
    struct store_history_gaps sum;
    enum wb_err err;

    TRY(store_history_gaps_sum(b->store, &sum));
    if (!sum.all || sum.until <= now + CLOCK_SLACK_S)
        return WB_OK;
    TRY(store_history_gap_all(b->store, sum.since < now ? sum.since : now, now));
    err = batch_commit(b);
out:
    return err;
}

/* Logs why everybody gets a new session after a restore. */
static void say_restored(struct backups *k)
{
    char at[CLOCK_TEXT_MAX], of[CLOCK_TEXT_MAX];

    if (store_restored_get(k->b->store, &k->restored) == WB_OK)
        log_info(k->b->log, "backup",
                 "this session was restored at %s from the backup %s of %s; the "
                 "sessions in it only receive, new ones are set up with the first message to each "
                 "device",
                 clock_text(k->restored.at, at), k->restored.name,
                 clock_text(k->restored.backup_at, of));
}

static void on_online(void *ctx, const struct bridge_event *e)
{
    struct bridge *b = ctx;
    enum wb_err err;

    (void)e;
    if (!b->backups)
        return;
    if (b->backups->gap_owed && batch_commit(b) == WB_OK)
        note_gap(b->backups);
    err = correct_gap(b);
    if (err != WB_OK)
        batch_fail(b, err);
}

static void find_newest(struct backups *k)
{
    struct backup_entry *list = NULL;
    size_t n = 0;

    if (store_backup_list(k->b->config->backups_dir, &list, &n) != WB_OK)
        return;
    for (size_t i = 0; i < n && k->at_s == 0; i++) {
        if (list[i].err != WB_OK)
            continue;
        memcpy(k->name, list[i].name, sizeof k->name);
        k->at_s = list[i].manifest.created_at;
    }
    free(list);
}

/* The time until the next backup: backup_every after the newest one, also after a restart. */
static int64_t first_delay(const struct backups *k)
{
    int64_t first = soon_ms(k);
    int64_t age = clock_unix_ms(k->b->clock) - k->at_s * 1000;

    if (age < 0 || age >= every_ms(k) - first)
        return first; /* overdue, or the clock was set back */
    return every_ms(k) - age;
}

static void on_settings(void *ctx, const struct bridge_event *e)
{
    struct bridge *b = ctx;

    (void)e;
    if (!b->backups || b->backups->running)
        return;
    timer_stop(b->timers, &b->backups->timer);
    start_timer(b->backups, first_delay(b->backups));
}

/* The keys of a new link are in no backup, however new the newest is: if they were lost, the number
 * would have to be linked again. */
static void on_paired(void *ctx, const struct bridge_event *e)
{
    struct bridge *b = ctx;

    (void)e;
    if (!b->backups)
        return;
    if (b->backups->running) { /* the running one's end plans the next one */
        b->backups->paired_meanwhile = true;
        return;
    }
    timer_stop(b->timers, &b->backups->timer);
    start_timer(b->backups, soon_ms(b->backups));
}

enum wb_err backups_new(struct bridge *b, const char *repaired, struct backups **ret)
{
    struct backups *k = calloc(1, sizeof *k);
    enum wb_err err;

    if (!k)
        return WB_ERR_NOMEM;
    k->b = b;
    k->repaired = repaired ? repaired : "";
    find_newest(k);
    say_restored(k);
    note_gap(k);
    TRY(events_on(&b->events, BRIDGE_EV_ONLINE, on_online, b));
    TRY(events_on(&b->events, BRIDGE_EV_LOGGED_OUT, on_logged_out, b));
    TRY(events_on(&b->events, BRIDGE_EV_SETTINGS, on_settings, b));
    TRY(events_on(&b->events, BRIDGE_EV_PAIRED, on_paired, b));
    if (k->repaired[0])
        snprintf(k->wanted, sizeof k->wanted, "%s", BACKUP_DAMAGE);
    start_timer(k, first_delay(k));
    *ret = k;
    return WB_OK;
out:
    backups_free(k);
    return err;
}

void backups_stop(struct backups *k)
{
    if (!k)
        return;
    k->stopping = true;
    timer_stop(k->b->timers, &k->timer);
    if (k->running)
        atomic_store(&k->running->cancel, true);
    tell(k, false);
}

void backups_free(struct backups *k)
{
    if (!k)
        return;
    backups_stop(k);
    free(k);
}
