/* From <success> to online, and the server's reasons against a login (areas LG and ER of the
 * protocol checklist: login, errors). */
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/text.h"
#include "bridge/conn/conn_private.h"
#include "bridge/conn/in_stream.h"
#include "bridge/conn/keepalive.h"
#include "bridge/conn/prekey_upload.h"
#include "bridge/conn/version_fetch.h"
#include "bridge/core/batch.h"
#include "bridge/core/peer_time.h"
#include "store/core/meta.h"
#include "store/session/lid_map.h"
#include "store/session/tokens.h"

enum {
    ACTIVE_MS = 20 * 1000,
    PREKEYS_STEP_MS = 3 * IQ_TIMEOUT_MS, /* time for the count and the upload, with room */
    BANNED_DEFAULT_S = 3600,             /* a ban without an end */
    CODE_TOO_MANY = 429,
};

static void on_stable(void *ctx)
{
    struct conn *c = ctx;

    backoff_reset(&c->backoff);
}

/* Reads our name from the store again: the phone may have changed it meanwhile
 * (in_device_notification.c). */
static void refresh_name(struct conn *c)
{
    struct account now;

    if (store_account_load(c->b->store, c->account->jid.user, &now) == WB_OK)
        memcpy(c->account->push_name, now.push_name, sizeof now.push_name);
    account_wipe(&now);
}

void conn_signed_prekey_changed(struct conn *c)
{
    struct account now;

    if (store_account_load(c->b->store, c->account->jid.user, &now) == WB_OK) {
        c->account->keys.signed_prekey = now.keys.signed_prekey;
        c->account->keys.signed_prekey_id = now.keys.signed_prekey_id;
        memcpy(c->account->keys.signed_prekey_sig, now.keys.signed_prekey_sig,
               sizeof now.keys.signed_prekey_sig);
    }
    account_wipe(&now);
}

/* P-LG-02: the LID in <success> wins, and makes our own LID <-> PN pair complete. */
static enum wb_err save_lid(struct conn *c, const struct jid *lid)
{
    struct bridge *b = c->b;
    enum wb_err err = WB_OK;
    struct jid user_lid, user_pn;

    if (jid_is_none(lid) || jid_eq(lid, &c->account->lid))
        return WB_OK;
    if (!jid_is_none(&c->account->lid))
        log_warn(b->log, "conn", "our LID is another than the stored one");
    refresh_name(c);
    c->account->lid = *lid;
    TRY(store_account_save(b->store, c->account));
    user_lid = jid_bare(*lid);
    user_pn = jid_bare(c->account->jid);
    TRY(store_lid_put(b->store, &user_lid, &user_pn, NULL));
    conn_account_changed(c);
out:
    return err;
}

static enum wb_err note_success(struct conn *c, const struct success_info *i)
{
    struct bridge *b = c->b;
    const struct jid lid_before = c->account->lid;
    enum wb_err err;

    if (i->server_time_s > 0)
        bridge_server_time(b, i->server_time_s);
    TRY(save_lid(c, &i->lid));
    TRY(b->on_login(b));
    TRY(conn_ban_over(c));
    version_good(b->version, c->version_used);
    TRY(store_token_prune(b->store, bridge_server_now_s(b)));
    TRY(batch_commit(b));
    return WB_OK;
out:
    /* A LID that could not be stored must count as new again at the next login. */
    c->account->lid = lid_before;
    conn_account_changed(c);
    if (c->state != CONN_WAIT_CLOSE)
        batch_fail(b, err);
    return err;
}

void conn_on_success(struct conn *c, const struct conn_input *in)
{
    const struct success_info *i = in->parsed;
    struct bridge *b = c->b;

    c->why = CONN_WHY_NONE;
    c->detail[0] = '\0';
    if (note_success(c, i) != WB_OK)
        return;
    c->version_retried = false;
    c->login_failures = 0;
    c->logged_in = true;
    b->phone_session_asked = false;
    c->connected_at_ms = clock_unix_ms(b->clock);
    c->logged_in_ms = clock_mono_ms(b->clock);
    FAULT_POINT("login.success");
    timer_start(b->timers, &c->stable_timer, CONN_STABLE_MS, on_stable, c);
    bridge_say(b, "Successfully authenticated");
    keepalive_start(b->keepalive);
    conn_set_state(c, CONN_WAIT_PREKEYS, PREKEYS_STEP_MS);
    events_emit_kind(&b->events, BRIDGE_EV_LOGGED_IN);
    prekey_upload_login(b->prekeys);
}

/* ---- active ---- */

static enum wb_err send_active(struct conn *c, iq_fn *fn)
{
    struct arena a = arena_new(16 * 1024);
    struct node *n = iq_new(&a, "set", "passive", NULL);
    enum wb_err err;

    node_child_new(&a, n, "active");
    err = iq_send(&c->b->iq, &a, n, 0, fn, 0);
    arena_free(&a);
    return err;
}

static void on_active_later(void *ctx);

/* The server refuses <active/> for now (429) and may keep new messages back until it takes it,
 * although we are online. Sends <active/> again after the pause that it names, or after 10 s,
 * doubled each time (iq_pause.h). */
static void active_later(struct conn *c, const struct iq_reply *reply)
{
    uint64_t s = 0;
    uint32_t code;
    struct span text;

    if (reply->node)
        iq_error_of(reply->node, reply->arena, &code, &text, &s);
    if (s > IQ_BACKOFF_MAX_S)
        s = IQ_BACKOFF_MAX_S;
    if (s == 0) {
        s = IQ_PAUSE_FIRST_S;
        for (unsigned i = 0; i < c->active_refusals && s < IQ_PAUSE_GROWN_S; i++)
            s *= 2;
        if (s > IQ_PAUSE_GROWN_S)
            s = IQ_PAUSE_GROWN_S;
    }
    c->active_refusals++;
    timer_start(c->b->timers, &c->active_timer, (int64_t)s * 1000, on_active_later, c);
}

/* False: the connection went away; its end decides what follows. */
static bool take_active_answer(struct bridge *b, const struct iq_reply *reply)
{
    if (reply->err == WB_ERR_NET || reply->err == WB_ERR_CANCELLED)
        return false;
    if (reply->err != WB_OK)
        log_warn(b->log, "conn", "<active/>: %s (%u)", wb_err_text(reply->err), reply->code);
    if (reply->err == WB_ERR_REFUSED && reply->code == CODE_TOO_MANY)
        active_later(b->conn, reply);
    return true;
}

static void on_active_again(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    (void)key;
    if (take_active_answer(b, reply) && reply->err == WB_OK)
        log_info(b->log, "conn", "<active/> is taken now");
}

static void on_active_later(void *ctx)
{
    struct conn *c = ctx;

    if (send_active(c, on_active_again) != WB_OK)
        log_debug(c->b->log, "conn", "<active/> could not be sent again");
}

static void on_active_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    (void)key;
    if (take_active_answer(b, reply))
        conn_event(b->conn, CONN_EV_ACTIVE, NULL);
}

void conn_on_prekeys(struct conn *c, const struct conn_input *in)
{
    enum wb_err err;

    (void)in;
    c->active_refusals = 0;
    conn_set_state(c, CONN_WAIT_ACTIVE, IQ_TIMEOUT_MS + ACTIVE_MS);
    err = send_active(c, on_active_answer);
    if (err != WB_OK)
        conn_close(c, CONN_WHY_PROTOCOL, wb_err_text(err));
}

static void on_offline_phase_over(void *ctx)
{
    conn_offline_done(ctx);
}

void conn_on_active(struct conn *c, const struct conn_input *in)
{
    (void)in;
    FAULT_POINT("login.active");
    conn_set_state(c, CONN_ONLINE, 0);
    c->offline_phase = true;
    timer_start(c->b->timers, &c->offline_timer, CONN_OFFLINE_PHASE_MS, on_offline_phase_over, c);
    events_emit_kind(&c->b->events, BRIDGE_EV_ACTIVE);
    events_emit_kind(&c->b->events, BRIDGE_EV_ONLINE);
    if (c->offline_over) /* the server said so before we were online */
        conn_offline_done(c);
}

void conn_offline_done(struct conn *c)
{
    timer_stop(c->b->timers, &c->offline_timer);
    c->offline_over = true;
    if (!c->offline_phase && c->state == CONN_ONLINE)
        return;
    c->offline_phase = false;
    FAULT_POINT("login.offline_done");
    conn_calm_soon(c);
    events_emit_kind(&c->b->events, BRIDGE_EV_OFFLINE_DONE);
}

/* ---- reasons against us ---- */

/* Notes the logout in the store, so that a restart does not try again (P-ER-22); the keys stay
 * (rule 6: credentials are never deleted; P-ER-02: only some codes are final). */
static void note_logged_out(struct conn *c, const char *reason)
{
    struct bridge *b = c->b;

    log_error(b->log, "conn",
              "WhatsApp has logged this device out (%s). The session is kept in whatsapp.db; to "
              "link anew: POST /api/pair",
              reason);
    enum wb_err err = store_logged_out_set(b->store, reason, clock_unix_s(b->clock));

    if (err == WB_OK)
        err = batch_commit(b);
    if (err != WB_OK)
        log_error(b->log, "conn", "the logout could not be written down: %s",
                  store_error_why(b->store, err));
}

void conn_store_ban(struct conn *c)
{
    struct bridge *b = c->b;

    if (store_meta_put_int(b->store, STORE_META_BANNED_UNTIL, c->banned_until_s) != WB_OK ||
        store_meta_put_int(b->store, STORE_META_BANNED_FOR, c->banned_for_s) != WB_OK ||
        batch_commit(b) != WB_OK)
        log_error(b->log, "conn", "the ban could not be written down");
}

enum wb_err conn_ban_over(struct conn *c)
{
    struct store *s = c->b->store;
    int64_t until;
    enum wb_err err = store_meta_get_int(s, STORE_META_BANNED_UNTIL, &until);

    if (err == WB_OK) {
        TRY(store_meta_put(s, STORE_META_BANNED_UNTIL, SPAN_NULL));
        TRY(store_meta_put(s, STORE_META_BANNED_FOR, SPAN_NULL));
    }
    c->banned_until_s = c->banned_for_s = 0;
    err = WB_OK;
out:
    return err;
}

static void note_ban(struct conn *c, const struct failure_info *f)
{
    struct bridge *b = c->b;
    uint64_t left = peer_ban_s(f->expire_s);
    char until[CLOCK_TEXT_MAX];

    if (!left)
        left = BANNED_DEFAULT_S;
    c->banned_for_s = (int64_t)left;
    c->banned_until_s = clock_unix_s(b->clock) + c->banned_for_s;
    conn_detail(c, "temporary ban %u (%s) until %s", f->ban_code, ban_code_text(f->ban_code),
                clock_text(c->banned_until_s, until));
    conn_store_ban(c);
}

void conn_on_failure(struct conn *c, const struct conn_input *in)
{
    const struct failure_info *f = in->parsed;
    enum conn_reason why = failure_reaction(f);
    char reason[48];

    conn_detail(c, "failure %u%s%s%.*s", f->reason, failure_text(f->reason),
                f->message.n ? ": " : "", (int)utf8_first(f->message, 100).n,
                (const char *)f->message.p);
    snprintf(reason, sizeof reason, "failure-%u", f->reason);
    log_warn(c->b->log, "conn", "WhatsApp answers the login with failure %u", f->reason);
    if (why == CONN_WHY_LOGGED_OUT && c->paired)
        note_logged_out(c, reason);
    else if (why == CONN_WHY_BANNED)
        note_ban(c, f);
    if (c->state == CONN_WAIT_CLOSE)
        c->why = why; /* we close already, because the store failed: the server's reason is the more
                         important one */
    else
        conn_close(c, why, "");
    if (why == CONN_WHY_LOGGED_OUT)
        events_emit_kind(&c->b->events, BRIDGE_EV_LOGGED_OUT);
}

void conn_on_stream_error(struct conn *c, const struct conn_input *in)
{
    const struct stream_error_info *e = in->parsed;
    enum conn_reason why = stream_error_reaction(e);
    char reason[48];

    if (why == CONN_WHY_RESTART) /* no error: each pairing ends with this */
        conn_detail(c, "WhatsApp asks for a new connection%s (%u)",
                    c->state == CONN_WAIT_PAIR_RESTART ? " after linking" : "", e->code);
    else
        conn_detail(c, "stream error %u%s%.*s", e->code, e->child.n ? " " : "",
                    (int)span_first(e->child, 40).n, e->child.p ? (const char *)e->child.p : "");
    snprintf(reason, sizeof reason, "stream-error-%u%s", e->code,
             e->conflict == CONFLICT_DEVICE_REMOVED ? "-device-removed" : "");
    if (e->not_well_formed || !span_is_null(e->refused_id))
        conn_log_sent(c);
    if (why == CONN_WHY_LOGGED_OUT && c->paired)
        note_logged_out(c, reason);
    if (c->state == CONN_WAIT_CLOSE)
        c->why = why;
    else
        conn_close(c, why, "");
    if (why == CONN_WHY_LOGGED_OUT)
        events_emit_kind(&c->b->events, BRIDGE_EV_LOGGED_OUT);
}

void conn_on_stream_end(struct conn *c, const struct conn_input *in)
{
    (void)in;
    conn_close(c, c->logged_in ? CONN_WHY_CLOSED : CONN_WHY_REFUSED,
               "the server ends the stream without a reason");
}
