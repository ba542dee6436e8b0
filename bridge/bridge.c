#include "bridge/bridge.h"

#include <ctype.h>
#include <stdlib.h>

#include "bridge/appstate/app_state.h"
#include "bridge/conn/conn.h"
#include "bridge/conn/keepalive.h"
#include "bridge/conn/prekey_upload.h"
#include "bridge/conn/version_fetch.h"
#include "bridge/core/batch.h"
#include "bridge/core/iq_pause_keep.h"
#include "bridge/core/shared_query.h"
#include "bridge/dispatch/dispatch.h"
#include "bridge/dispatch/own_messages.h"
#include "bridge/groups/group_info.h"
#include "bridge/groups/group_limits.h"
#include "bridge/groups/group_list.h"
#include "bridge/history/history_offered.h"
#include "bridge/history/history_request.h"
#include "bridge/pair/pair_port.h"
#include "bridge/people/device_sync.h"
#include "bridge/people/identity_change.h"
#include "bridge/people/lid_lookup.h"
#include "bridge/people/lid_refresh.h"
#include "bridge/people/person_limits.h"
#include "bridge/people/presence.h"
#include "bridge/people/tctoken.h"
#include "bridge/people/time_lock.h"
#include "bridge/people/trust.h"
#include "bridge/platform/limits.h"
#include "bridge/platform/machine.h"
#include "bridge/receive/in_message.h"
#include "bridge/recovery/backups.h"
#include "bridge/recovery/messages_tidy.h"
#include "bridge/recovery/mishap.h"
#include "bridge/send/out_message.h"
#include "bridge/sessions/prekey_fetch.h"
#include "bridge/sessions/signed_prekey.h"
#include "store/core/batch.h"
#include "store/messages/messages.h"

enum {
    BRIDGE_WORKERS_MAX = 3 /* one may be busy with a hook for long */,
    /* Two parts of the 5 s that SIGTERM allows: for acks that are under way, and for the close. */
    FINISH_MS = 1500,
    SHUTDOWN_MS = 2500,
};

static void on_checkpoint(void *ctx)
{
    struct bridge *b = ctx;

    pauses_mark(b->pauses, "checkpoint");
    store_checkpoint(b->store);
}

/* A checkpoint waits for the disk as a commit does, so it runs in a later turn of the loop than the
 * commit: callers are answered in between. Until then nothing is read from WhatsApp
 * (conn_uplink.c), or a batch would be open at the checkpoint. */
static void plan_checkpoint(struct bridge *b)
{
    if (store_checkpoint_due(b->store))
        loop_defer(b->loop, &b->checkpoint, on_checkpoint, b);
    conn_pace_reading(b->conn);
}

static void end_batch(struct bridge *b);

static void on_iteration_end(void *ctx)
{
    struct bridge *b = ctx;

    mishap_look(b->mishap);
    end_batch(b);
    plan_checkpoint(b);
}

/* The end of a batch: everything that was readable has been handled, or it has become long enough.
 * Then the batch commits, then acks and receipts leave (design rule 3: what arrived together
 * commits together). */
static void end_batch(struct bridge *b)
{
    if (!batch_is_open(b)) {
        b->batch = (struct batch){0};
        return;
    }
    if (b->batch.stanzas > 0 && b->batch.stanzas < BATCH_STANZAS_MAX &&
        clock_mono_ms(b->clock) - b->batch.opened_ms < BATCH_MS_MAX && conn_readable(b->conn))
        return;
    /* On failure batch_commit() has logged it and closed the connection. */
    (void)(batch_commit(b) == WB_OK);
}

static void on_pause(void *ctx, int64_t ms, const char *who)
{
    const struct bridge *b = ctx;
    enum log_level level = ms >= PAUSE_WARNED_MS ? LOG_WARN : LOG_DEBUG;

    if (b->log->level >= level)
        log_write(b->log, level, "loop", "nobody was answered for %lld ms, most of it: %s",
                  (long long)ms, who);
}

static enum wb_err iq_port_send(struct bridge *b, const struct node *n)
{
    return outgoing_send(b, n);
}

/* The open databases can be used no longer: waiting callers are answered, then this run ends. */
static void on_begin_anew(void *ctx, const struct bridge_event *e)
{
    (void)e;
    bridge_finish(ctx);
}

static enum wb_err make_parts(struct bridge *b, const struct bridge_deps *d)
{
    enum wb_err err;

    TRY(events_on(&b->events, BRIDGE_EV_BEGIN_ANEW, on_begin_anew, b));
    TRY(b->machine->jobs_new(b->loop, BRIDGE_WORKERS_MAX, &b->jobs));
    TRY(version_fetch_new(b, &b->version));
    TRY(keepalive_new(b, &b->keepalive));
    TRY(prekey_upload_new(b, &b->prekeys));
    TRY(identity_news_new(b, &b->identity_news));
    TRY(in_message_new(b, &b->in_message));
    TRY(conn_new(b, &pairing_of_conn, &b->conn));
    TRY(device_sync_new(b, &b->devices));
    TRY(lid_lookup_new(b, &b->lids));
    TRY(lid_refresh_new(&b->lid_refresh));
    TRY(prekey_fetch_new(b, &b->prekey_fetch));
    TRY(signed_prekey_new(b, &b->signed_prekey));
    TRY(group_info_new(b, &b->groups));
    TRY(group_list_new(b, &b->group_list));
    TRY(group_limits_new(&b->group_limits));
    TRY(tctokens_new(b, &b->tokens));
    TRY(time_lock_new(b, out_ports_bridge.online, &b->time_lock));
    TRY(person_limits_new(b, &b->person_limits));
    TRY(out_message_new(b, &out_ports_bridge, &b->out_message));
    TRY(backups_new(b, d->repaired, &b->backups));
    TRY(history_request_new(b, &b->history));
    TRY(history_offered_new(b, &b->history_offered));
    TRY(messages_tidy_new(b, &b->messages_tidy));
    TRY(presence_new(b, &b->presence));
    TRY(app_state_new(b, &b->app_state));
    TRY(mishap_new(b, d->checked, &b->mishap));
out:
    return err;
}

/* /health reports the time of the newest message also after a restart: monitors look at its age. */
static enum wb_err read_last_message(struct bridge *b)
{
    int64_t newest_s = 0;
    enum wb_err err = store_message_last_time(b->store, &newest_s);

    if (err == WB_OK)
        b->last_message_ms = newest_s * 1000;
    return err;
}

enum wb_err bridge_new(const struct bridge_deps *d, struct bridge **ret_b)
{
    struct bridge *b = calloc(1, sizeof *b);
    enum wb_err err;

    if (!b)
        return WB_ERR_NOMEM;
    b->config = d->config;
    b->log = d->log;
    b->clock = d->clock;
    b->rng = d->rng;
    b->loop = d->loop;
    b->machine = d->machine;
    b->timers = loop_timers(d->loop);
    b->pauses = loop_pauses(d->loop);
    b->pauses->told_from_ms = PAUSE_TOLD_MS;
    b->pauses->ctx = b;
    b->pauses->told = on_pause;
    b->store = d->store;
    b->on_login = trust_pin_phone;
    b->on_group_list = in_message_group_list;
    b->on_own_message = own_message_dispatch;
    b->started_ms = clock_mono_ms(d->clock);
    events_init(&b->events);
    outgoing_init(&b->outgoing);
    b->on_stanza = dispatch_stanza;
    iq_init(&b->iq, (struct iq_port){iq_port_send, b}, b->timers);
    iq_pauses_load(b);
    b->iq.pauses_changed = iq_pauses_keep;
    err = make_parts(b, d);
    if (err == WB_OK)
        err = read_last_message(b);
    if (err != WB_OK) {
        bridge_free(b);
        return err;
    }
    bridge_settings_changed(b);
    loop_set_iteration_end(d->loop, on_iteration_end, b);
    *ret_b = b;
    return WB_OK;
}

void bridge_free(struct bridge *b)
{
    if (!b)
        return;
    backups_stop(b->backups);
    /* Jobs end first, while the parts that take their results still exist. */
    jobs_free(b->jobs);
    backups_free(b->backups);
    b->backups = NULL; /* events may still come */
    loop_set_iteration_end(b->loop, NULL, NULL);
    b->pauses->told = NULL;
    loop_defer_cancel(b->loop, &b->checkpoint);
    timer_stop(b->timers, &b->shutdown_timer);
    timer_stop(b->timers, &b->store_probe);
    mishap_free(b->mishap);
    b->mishap = NULL;
    if (b->prekeys)
        prekey_upload_stop(b->prekeys); /* or a login would go on to its next step */
    iq_free(&b->iq);
    app_state_free(b->app_state);
    b->app_state = NULL; /* events may still come, and app_state_free() is over */
    presence_free(b->presence);
    b->presence = NULL;
    history_request_free(b->history);
    b->history = NULL;
    history_offered_free(b->history_offered);
    b->history_offered = NULL; /* events may still come */
    messages_tidy_free(b->messages_tidy);
    out_message_free(b, b->out_message);
    person_limits_free(b->person_limits);
    b->person_limits = NULL;
    time_lock_free(b->time_lock);
    b->time_lock = NULL;
    tctokens_free(b->tokens);
    b->tokens = NULL;
    group_list_free(b->group_list);
    b->group_list = NULL; /* events may still come */
    group_info_free(b->groups);
    group_limits_free(b->group_limits);
    b->group_limits = NULL;
    prekey_fetch_free(b->prekey_fetch);
    b->prekey_fetch = NULL; /* events may still come */
    signed_prekey_free(b->signed_prekey);
    b->signed_prekey = NULL; /* events may still come */
    lid_refresh_free(b->lid_refresh);
    b->lid_refresh = NULL;
    shared_query_delete(b->lids);
    device_sync_free(b->devices);
    conn_free(b->conn);
    prekey_upload_free(b->prekeys);
    in_message_free(b->in_message);
    keepalive_free(b->keepalive);
    version_fetch_free(b->version);
    outgoing_free(&b->outgoing);
    events_free(&b->events);
    identity_news_free(b->identity_news);
    free(b);
}

/* Many programs use these variables silently; an operator who has set one should know that the
 * bridge does not. */
static void note_proxy(struct bridge *b)
{
    static const char *const names[] = {"http_proxy",  "https_proxy", "HTTPS_PROXY", "HTTP_PROXY",
                                        "socks_proxy", "all_proxy",   "ALL_PROXY"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);

        if (value && *value)
            log_warn(b->log, "bridge", "%s is set and not used: the bridge connects by itself",
                     names[i]);
    }
}

void bridge_start(struct bridge *b)
{
    note_proxy(b);
    messages_tidy_start(b->messages_tidy);
    conn_start(b->conn);
}

static void on_shutdown_timer(void *ctx)
{
    struct bridge *b = ctx;

    loop_stop(b->loop);
}

void bridge_shutdown(struct bridge *b)
{
    log_info(b->log, "bridge", "stopping");
    timer_start(b->timers, &b->shutdown_timer, SHUTDOWN_MS, on_shutdown_timer, b);
    if (batch_is_open(b) && batch_commit(b) != WB_OK)
        log_warn(b->log, "bridge", "what came last was not stored; WhatsApp will deliver it again");
    backups_stop(b->backups);
    conn_shutdown(b->conn);
}

void bridge_finish(struct bridge *b)
{
    if (b->finishing)
        return;
    b->finishing = true;
    batch_set_wait(b);
    out_message_finish(b, FINISH_MS, bridge_shutdown);
}

const char *bridge_begin_anew(const struct bridge *b, bool *ret_damaged)
{
    return mishap_begin_anew(b->mishap, ret_damaged);
}

void bridge_log_settings(struct log *l, const struct config *c)
{
    size_t n = 0;

    l->level = c->log_level;
    l->format = c->log_format;
    for (; c->role[n] && n + 1 < sizeof l->role; n++)
        l->role[n] = (char)toupper((unsigned char)c->role[n]);
    l->role[n] = '\0';
}

void bridge_settings_changed(struct bridge *b)
{
    bridge_log_settings(b->log, b->config);
    events_emit_kind(&b->events, BRIDGE_EV_SETTINGS);
    presence_look(b);
}
