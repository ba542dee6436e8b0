#include "bridge/conn/conn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "base/text.h"
#include "bridge/conn/conn_private.h"
#include "bridge/conn/keepalive.h"
#include "bridge/conn/prekey_upload.h"
#include "bridge/conn/version_fetch.h"
#include "bridge/core/batch.h"
#include "bridge/platform/limits.h"
#include "bridge/platform/machine.h"
#include "proto/limits.h"
#include "store/core/batch.h"
#include "store/open/handback.h"

#define WA_URL "wss://web.whatsapp.com/ws/chat"

const char *conn_state_name(enum conn_state s)
{
    static const char *const names[] = {
#define X(name, what) [CONN_##name] = #name,
        CONN_STATE_LIST(X)
#undef X
    };

    return names[s];
}

const char *conn_event_name(enum conn_event e)
{
    static const char *const names[] = {
#define X(name) [CONN_EV_##name] = #name,
        CONN_EVENT_LIST(X)
#undef X
    };

    return names[e];
}

const char *conn_reason_name(enum conn_reason r)
{
    static const char *const names[] = {
#define X(name, word) [CONN_WHY_##name] = word,
        CONN_REASON_LIST(X)
#undef X
    };

    return names[r];
}

bool conn_reason_is_network(enum conn_reason r)
{
    return r == CONN_WHY_NETWORK || r == CONN_WHY_NAME || r == CONN_WHY_UNREACHABLE ||
           r == CONN_WHY_SILENT || r == CONN_WHY_REFUSED || r == CONN_WHY_TLS;
}

void conn_detail(struct conn *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(c->detail, sizeof c->detail, fmt, ap);
    va_end(ap);
    utf8_clean(c->detail); /* the server's words are shown in /health */
}

static void on_step_timer(void *ctx)
{
    conn_event(ctx, CONN_EV_TIMER, NULL);
}

void conn_set_state(struct conn *c, enum conn_state s, int64_t wait_ms)
{
    if (wait_ms > 0)
        timer_start(c->b->timers, &c->step_timer, wait_ms, on_step_timer, c);
    else
        timer_stop(c->b->timers, &c->step_timer);
    if (s == c->state)
        return;
    c->state_ms = clock_mono_ms(c->b->clock);
    log_debug(c->b->log, "conn", "%s -> %s", conn_state_name(c->state), conn_state_name(s));
    c->state = s;
    events_emit_kind(&c->b->events, BRIDGE_EV_STATE);
}

void conn_event(struct conn *c, enum conn_event e, const struct conn_input *in)
{
    static const struct conn_input nothing;

    log_debug(c->b->log, "conn", "%s in %s", conn_event_name(e), conn_state_name(c->state));
    conn_table_find(c->state, e)(c, in ? in : &nothing);
}

/* Commits the batch when the stream ends. The acks of its stanzas are no longer sent, so the server
 * delivers these stanzas again, and they are recognised then (rule 1: a redelivered message is only
 * acknowledged). Writes of other parts (the outbox) may be in the same batch. */
static void keep_batch(struct bridge *b)
{
    enum wb_err err;

    if (!store_batch_open(b->store))
        return;
    err = store_commit(b->store);
    if (err == WB_OK) {
        events_emit_kind(&b->events, BRIDGE_EV_BATCH_DONE);
        return;
    }
    batch_note_trouble(b, err);
    store_rollback(b->store);
    events_emit_kind(&b->events, BRIDGE_EV_BATCH_FAILED);
}

/* Forgets the state that belongs to one stream, when it ends. */
static void forget_stream(struct conn *c)
{
    struct bridge *b = c->b;
    bool was_logged_in = c->logged_in;

    /* From here on no part takes this for a working connection; was_logged_in remembers what it was
     * for the decisions that follow (conn_table.c, conn_plan.c). */
    c->logged_in = false;
    if (was_logged_in) {
        c->was_logged_in = true;
        c->lasted_ms = clock_mono_ms(b->clock) - c->logged_in_ms;
    }
    c->offline_over = false;
    timer_stop(b->timers, &c->stable_timer);
    timer_stop(b->timers, &c->offline_timer);
    timer_stop(b->timers, &c->active_timer);
    conn_offline_forget(c);
    prekey_upload_stop(b->prekeys);
    keepalive_stop(b->keepalive);
    c->how_to_pair->stream_over(c);
    outgoing_drop(b);
    keep_batch(b);
    c->connected_at_ms = 0;
    b->presence_available = false;
    iq_fail_all(&b->iq, c->shutting_down ? WB_ERR_CANCELLED : WB_ERR_NET);
    if (was_logged_in) {
        b->reconnects++;
        events_emit_kind(&b->events, BRIDGE_EV_OFFLINE);
    }
}

static void free_stream(struct conn *c)
{
    if (c->hs_live)
        noise_handshake_free(&c->hs);
    if (c->transport_live)
        noise_transport_free(&c->transport);
    c->hs_live = c->transport_live = c->intro_sent = false;
    loop_defer_cancel(c->b->loop, &c->more);
    frame_reader_free(&c->frames);
    c->frames = frame_reader_new(FRAME_PAYLOAD_MAX);
    arena_free(&c->arena);
    buf_free(&c->plain);
    buf_free(&c->sealed);
}

void conn_close(struct conn *c, enum conn_reason why, const char *detail)
{
    c->why = why;
    c->closing_ms = clock_mono_ms(c->b->clock);
    if (detail[0])
        conn_detail(c, "%s", detail);
    if (why == CONN_WHY_RESTART && c->detail[0]) /* the detail is a sentence of its own */
        log_info(c->b->log, "conn", "%s", c->detail);
    else
        log_info(c->b->log, "conn", "closing: %s%s%s", conn_reason_name(why),
                 c->detail[0] ? ": " : "", c->detail);
    conn_set_state(c, CONN_WAIT_CLOSE, 0);
    forget_stream(c);
    if (c->ending) /* on_ws_ended() finishes the end */
        return;
    /* Without a socket no ENDED event would come: the connection has ended at once. */
    if (!ws_client_active(c->ws))
        conn_event(c, CONN_EV_ENDED, NULL);
    else if (why == CONN_WHY_NETWORK)
        ws_client_abort(c->ws); /* the other end is gone and would not answer a close frame */
    else
        ws_client_close(c->ws);
}

/* ---- the socket's news ---- */

static void on_ws_open(void *ctx)
{
    conn_event(ctx, CONN_EV_SOCKET_OPEN, NULL);
}

static void on_ws_ended(void *ctx, const struct ws_end_info *info)
{
    struct conn *c = ctx;
    struct conn_input in = {.end = info};

    /* Handles frames that were read before the end: one of them may say why the stream ended. */
    c->ending = true;
    while (c->more.queued) {
        loop_defer_cancel(c->b->loop, &c->more);
        conn_take_frames(c);
    }
    c->ending = false;
    if (c->state != CONN_WAIT_CLOSE) {
        /* A failed attempt gets one log line, together with the next step (conn_plan.c). */
        log_write(c->b->log, info->end == WS_END_CLOSED ? LOG_INFO : LOG_DEBUG, "conn",
                  "the socket ended: %s", info->text);
        c->closing_ms = clock_mono_ms(c->b->clock);
        forget_stream(c);
    }
    free_stream(c);
    /* A failed send on this stream must not close the next one. */
    loop_defer_cancel(c->b->loop, &c->broken);
    conn_event(c, CONN_EV_ENDED, &in);
}

/* ---- connecting and sending ---- */

void conn_connect(struct conn *c)
{
    struct bridge *b = c->b;
    struct ws_target target = {b->config->server_url[0] ? b->config->server_url : WA_URL,
                               b->config->ca_file};
    enum wb_err err;

    if (!c->paired && !c->pair_wanted) {
        conn_set_state(c, CONN_STOPPED, 0);
        return;
    }
    c->was_logged_in = false;
    c->lasted_ms = 0;
    if (!batch_probe(b)) { /* a store that cannot be written shows before the server is bothered */
        c->why = CONN_WHY_STORE;
        conn_plan_next(c);
        return;
    }
    free_stream(c);
    snprintf(c->before, sizeof c->before, "%s", conn_reason_is_network(c->why) ? c->detail : "");
    c->detail[0] = '\0';
    c->refs_shown = false;
    iq_new_connection(&b->iq, b->rng);
    err = ws_client_open(c->ws, &target);
    if (err != WB_OK) {
        conn_detail(c, "%s", wb_err_text(err));
        c->why = CONN_WHY_NETWORK;
        conn_plan_next(c);
        return;
    }
    log_info(b->log, "conn", "connecting to %s", target.url);
    /* ws_client has its own time limit; the state's longer one is only a safety net. */
    conn_set_state(c, CONN_WAIT_SOCKET, CONN_SOCKET_TIMEOUT_MS + CONN_CLOSE_TIMEOUT_MS);
}

enum wb_err conn_send_frame(struct conn *c, struct span payload)
{
    struct buf out = buf_new(FRAME_PAYLOAD_MAX + 64u);
    enum wb_err err;

    if (!c->intro_sent)
        buf_append(&out, SPAN_ARRAY(wa_intro));
    TRY(frame_write(&out, payload));
    TRY(buf_err(&out));
    TRY(ws_client_send(c->ws, buf_span(&out)));
    c->intro_sent = true;
out:
    buf_free(&out);
    return err;
}

static void on_broken(void *ctx)
{
    conn_drop(ctx, CONN_WHY_PROTOCOL);
}

enum wb_err conn_send_plain(struct conn *c, struct span packed)
{
    enum wb_err err;

    if (!c->transport_live || conn_closing(c))
        return WB_ERR_STATE;
    /* Asked before the cipher's counter moves: a stanza that does not fit is not sent, and the
     * stream stays intact. */
    err = conn_would_send(c, packed.n);
    if (err != WB_OK)
        return err;
    buf_clear(&c->sealed);
    TRY(noise_transport_seal(&c->transport, packed, &c->sealed));
    TRY(conn_send_frame(c, buf_span(&c->sealed)));
    keepalive_sent(c->b->keepalive);
    conn_trim(c, &c->sealed); /* it is large after 812 prekeys, or a message to a large group */
out:
    /* The cipher's counter has moved on without a frame, so the server could read nothing that
     * follows. */
    if (err != WB_OK)
        loop_defer(c->b->loop, &c->broken, on_broken, c);
    return err;
}

/* Notes what goes out, for conn_log_sent(). */
static void note_sent(struct conn *c, const struct node *n)
{
    char *at = c->sent.text[c->sent.next++ % SENT_LOG_ENTRIES];
    const struct node_attr *id = node_find_attr(n, "id");
    const struct node_attr *type = node_find_attr(n, "type");

    snprintf(at, SENT_LOG_TEXT, "<%.*s id=%.*s type=%.*s>", (int)n->tag.n, (const char *)n->tag.p,
             id ? (int)id->str.n : 0, id && id->str.p ? (const char *)id->str.p : "",
             type ? (int)type->str.n : 0, type && type->str.p ? (const char *)type->str.p : "");
}

void conn_log_sent(struct conn *c)
{
    for (unsigned i = 0; i < SENT_LOG_ENTRIES; i++) {
        const char *text = c->sent.text[(c->sent.next + i) % SENT_LOG_ENTRIES];

        if (text[0])
            log_info(c->b->log, "conn", "sent: %s", text);
    }
}

bool conn_readable(const struct conn *c)
{
    return c->transport_live && !conn_closing(c) && ws_client_readable(c->ws);
}

/* ---- life ---- */

void conn_account_changed(struct conn *c)
{
    c->b->account = c->paired ? c->account : NULL;
    c->b->own_pn = c->paired ? c->account->jid : (struct jid){0};
    c->b->own_lid = c->paired ? c->account->lid : (struct jid){0};
}

/* After bridge-handback: moves the sessions and sender keys that a program without LIDs has used
 * back under LIDs. Records that cannot be moved now, because the disk is full for instance, are
 * moved person by person (identity.c), and at the next start. */
static void take_again(struct conn *c)
{
    bool handed_back = false;
    size_t moved = 0;
    enum wb_err err;

    TRY(store_handed_back(c->b->store, &handed_back));
    if (!handed_back)
        return;
    log_info(c->b->log, "conn",
             "the store was handed back (bridge-handback): sessions and sender keys under phone "
             "numbers are taken again");
    TRY(store_take_again(c->b->store, &moved));
    log_info(c->b->log, "conn", "%zu records moved to LIDs", moved);
    return;
out:
    store_rollback(c->b->store);
    log_error(c->b->log, "conn", "not all records could be moved to LIDs: %s", wb_err_text(err));
}

enum wb_err conn_fresh_keys(struct conn *c)
{
    account_wipe(c->account);
    return device_keys_generate(c->b->rng, &c->account->keys);
}

enum wb_err conn_load_account(struct conn *c)
{
    const struct jid *phone = &c->b->config->phone;
    enum wb_err err =
        store_account_load(c->b->store, jid_is_none(phone) ? NULL : phone->user, c->account);

    c->paired = err == WB_OK;
    if (err == WB_ERR_NOT_FOUND)
        account_wipe(c->account);
    conn_account_changed(c);
    if (c->paired)
        take_again(c);
    return err;
}

/* A write works again. was_full: writes had failed for a while, and the pause that waited for the
 * disk ends. Otherwise the pause stays, or each batch that does not fit would be followed by a
 * login. */
static void store_works(struct conn *c, bool was_full)
{
    if (was_full && c->state == CONN_WAIT_BACKOFF && c->why == CONN_WHY_STORE)
        conn_event(c, CONN_EV_TIMER, NULL);
}

enum wb_err conn_new(struct bridge *b, const struct conn_pairing *how_to_pair, struct conn **ret_c)
{
    struct conn *c = calloc(1, sizeof *c);
    struct ws_callbacks callbacks = {on_ws_open, conn_on_receive, conn_on_drained, on_ws_ended, c};
    enum wb_err err;

    if (!c)
        return WB_ERR_NOMEM;
    c->b = b;
    c->how_to_pair = how_to_pair;
    c->state = CONN_STOPPED;
    c->why = CONN_WHY_START;
    c->frames = frame_reader_new(FRAME_PAYLOAD_MAX);
    c->arena = arena_new(NODE_ARENA_MAX);
    c->plain = buf_new(FRAME_PAYLOAD_MAX);
    c->sealed = buf_new(FRAME_PAYLOAD_MAX);
    c->account = secret_alloc(sizeof *c->account);
    err = c->account ? WB_OK : WB_ERR_NOMEM;
    if (err == WB_OK) {
        account_wipe(c->account); /* secret_alloc() gives no zeroes */
        err = how_to_pair->make(c);
    }
    if (err == WB_OK)
        err = b->machine->ws_client_new(b->loop, b->jobs, &callbacks, &c->ws);
    if (err != WB_OK) {
        conn_free(c);
        return err;
    }
    b->link = (struct link){.conn = c,
                            .send = conn_send_plain,
                            .note_sent = note_sent,
                            .waiting = conn_waiting,
                            .drop = conn_drop,
                            .store_works = store_works};
    *ret_c = c;
    return WB_OK;
}

void conn_free(struct conn *c)
{
    if (!c)
        return;
    timer_stop(c->b->timers, &c->step_timer);
    timer_stop(c->b->timers, &c->stable_timer);
    timer_stop(c->b->timers, &c->offline_timer);
    timer_stop(c->b->timers, &c->active_timer);
    conn_offline_forget(c);
    timer_stop(c->b->timers, &c->calm_timer);
    loop_defer_cancel(c->b->loop, &c->broken);
    ws_client_free(c->ws);
    free_stream(c);
    frame_reader_free(&c->frames);
    c->how_to_pair->destroy(c);
    secret_free(c->account);
    free(c);
}

enum conn_state conn_state(const struct conn *c)
{
    return c->state;
}

enum conn_reason conn_reason(const struct conn *c)
{
    return c->why;
}

void conn_report(const struct conn *c, struct conn_report *ret)
{
    *ret = (struct conn_report){
        .paired = c->paired,
        .connected_at_ms = c->connected_at_ms,
        .next_attempt_in_s =
            c->state == CONN_WAIT_BACKOFF ? timer_left_ms(c->b->timers, &c->step_timer) / 1000 : -1,
        .banned_until_s = c->banned_until_s,
    };
}

uint32_t conn_version(const struct conn *c)
{
    return c->version_used;
}

bool conn_logged_in(const struct conn *c)
{
    return c->logged_in;
}

bool conn_online(const struct conn *c)
{
    return c->state == CONN_ONLINE && c->logged_in;
}

bool conn_caught_up(const struct conn *c)
{
    return conn_online(c) && !c->offline_phase;
}

enum wb_err conn_reconnect(struct conn *c)
{
    if (!c->paired && !c->pair_wanted)
        return WB_ERR_STATE;
    if (c->why == CONN_WHY_LOGGED_OUT)
        return WB_ERR_STATE;
    backoff_reset(&c->backoff);
    replaced_reset(&c->replaced);
    c->banned_until_s = 0;
    c->login_failures = 0;
    c->version_retried = false; /* a version fetch under way counts for this attempt */
    conn_event(c, CONN_EV_OPERATOR, NULL);
    return WB_OK;
}

void conn_drop(struct conn *c, enum conn_reason why)
{
    conn_event(c, CONN_EV_DROP, &(struct conn_input){.why = why});
}

enum wb_err conn_pair(struct conn *c)
{
    enum wb_err err;

    if (c->paired && c->why != CONN_WHY_LOGGED_OUT)
        return WB_ERR_STATE;
    if (!c->paired && c->pair_wanted)
        return WB_OK;
    /* The account stays in whatsapp.db until another one is proven (rule 6: credentials are never
     * deleted). */
    TRY(conn_fresh_keys(c));
    c->paired = false;
    c->pair_wanted = true;
    c->why = CONN_WHY_OPERATOR;
    conn_account_changed(c);
    backoff_reset(&c->backoff);
    conn_event(c, CONN_EV_OPERATOR, NULL);
out:
    return err;
}

void conn_unlink(struct conn *c)
{
    c->pair_wanted = false;
    conn_close(c, CONN_WHY_LOGGED_OUT, "unlinked by the operator");
}

void conn_unlinked(struct conn *c)
{
    account_wipe(c->account);
    c->paired = false;
    conn_account_changed(c);
    iq_forget_pauses(&c->b->iq);
    events_emit_kind(&c->b->events, BRIDGE_EV_LOGGED_OUT);
}

void conn_shutdown(struct conn *c)
{
    c->shutting_down = true;
    conn_event(c, CONN_EV_SHUTDOWN, NULL);
}
