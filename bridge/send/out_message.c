#include "bridge/send/out_message.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/text.h"
#include "bridge/conn/conn.h"
#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/core/msgid.h"
#include "bridge/people/person_limits.h"
#include "bridge/people/time_lock.h"
#include "bridge/send/out_caller.h"
#include "bridge/send/out_missing.h"
#include "bridge/send/out_pump.h"
#include "bridge/send/out_request.h"
#include "bridge/send/out_retry_state.h"
#include "bridge/send/out_wait.h"
#include "bridge/send/out_wire.h"
#include "crypto/prim_hash.h"
#include "store/messages/contacts.h"
#include "store/messages/messages.h"
#include "store/messages/secret_waits.h"
#include "store/outbox/sealed.h"
#include "store/session/private_address.h"
#include "store/session/retry.h"

static bool online(struct bridge *b)
{
    return b->conn && conn_online(b->conn);
}

static bool caught_up(struct bridge *b)
{
    return b->conn && conn_caught_up(b->conn);
}

/* After a logout no connection comes by itself: waiting would be in vain. */
static bool logged_out(const struct bridge *b)
{
    return b->conn && conn_reason(b->conn) == CONN_WHY_LOGGED_OUT;
}

/* Answers go first: nothing leaves the outbox while answers wait for the socket. */
static bool has_room(struct bridge *b)
{
    return b->outgoing.released == 0 && conn_waiting(b->conn) < SEND_ROOM_BYTES;
}

static uint64_t sent_mark(struct bridge *b)
{
    return conn_sent_mark(b->conn);
}

static bool has_left(struct bridge *b, uint64_t mark)
{
    return conn_has_left(b->conn, mark);
}

const struct out_ports out_ports_bridge = {
    .online = online,
    .caught_up = caught_up,
    .room = has_room,
    .send_packed = outgoing_send_packed,
    .sent_mark = sent_mark,
    .has_left = has_left,
    .lids = lid_lookup,
    .group = group_info_get,
    .devices = device_sync_get,
    .sessions = prekey_fetch,
};

/* ---- a new send ---- */

/* One call of bridge_send(). */
struct call {
    struct bridge *b;
    const struct send_request *r;
    struct out_request q;
    struct arena a;
    struct buf encoded;
    uint8_t hash[OUTBOX_BODY_HASH_BYTES];
    char key[STORE_KEY_MAX + 1];
    send_done_fn *done;
    void *ctx;
    uint64_t ticket;
};

static void tell(struct call *c, const char *id, const struct out_outcome *o)
{
    out_caller_tell(c->done, c->ctx, id, jid_is_none(&c->q.to) ? NULL : &c->q.to, o);
}

static void tell_text(struct call *c, enum cmd_result result, const char *text)
{
    struct out_outcome o;

    out_outcome_say(&o, result, text);
    tell(c, NULL, &o);
}

/* The message is on its way: its caller waits for the end, or is answered at once. */
static void join(struct call *c, struct out_item *it)
{
    const int64_t lock_s = it->lane ? first_contact_lock_s(c->b, &it->chat) : 0;

    /* A caller with a key need not wait if its wait certainly ends before the restriction does. */
    if (c->r->wait_s == 0 || (c->key[0] && lock_s > c->r->wait_s)) {
        struct out_outcome o;

        out_outcome_say(&o, CMD_ACCEPTED, out_caller_state(it));
        o.restricted_s = lock_s ? time_lock_until_s(c->b->time_lock) : 0;
        tell(c, it->id, &o);
    } else if (out_wait_add(it, c->key[0] != '\0', c->r, c->done, c->ctx, c->ticket) != WB_OK) {
        tell_text(c, CMD_INTERNAL, "out of memory; the message is queued if it has a key");
        if (!it->durable)
            out_queue_fail(it, CMD_INTERNAL, 0, "out of memory");
    }
}

/* A request repeats a key: its caller gets the same answer, or waits for it (docs/api.md). */
static void repeated(struct call *c, const struct store_outbox_row *row)
{
    struct out_item *it = out_queue_find(c->b, span_cstr(row->message_id));
    struct out_outcome o;

    if (memcmp(row->body_hash, c->hash, sizeof c->hash) != 0) {
        tell_text(c, CMD_KEY_REUSED, "this key was used for another message; take a new one");
        return;
    }
    c->q.to = row->chat; /* the number that the server names, by now, if it differs from the
                          * caller's */
    if (it && logged_out(c->b)) {
        out_queue_never(it, &o);
        tell(c, row->message_id, &o);
    } else if (it) {
        join(c, it);
    } else {
        out_outcome_of_row(row, &o);
        tell(c, row->message_id, &o);
    }
}

/* A number that WhatsApp has named otherwise before (P-X2-22) is replaced by that other number from
 * the start; the caller's key stays tied to what the caller wrote. */
static enum wb_err take_named(struct call *c)
{
    struct jid named;
    enum wb_err err;

    if (c->q.to.server != JID_PN)
        return WB_OK;
    err = lid_lookup_named(c->b, &c->q.to, &named);
    if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    TRY(err);
    c->q.to = named;
    buf_clear(&c->encoded);
    err = out_request_encode(&c->q, &c->encoded);
out:
    return err;
}

static bool stored_reply(struct call *c)
{
    struct store_message_row row;
    struct jid named;

    return span_is_null(c->q.reply_to) ||
           store_message_get(c->b->store, &c->q.to, c->q.reply_to, NULL, &c->a, &row) == WB_OK ||
           (lid_lookup_once_named(c->b, &c->q.to, &named) == WB_OK &&
            store_message_get(c->b->store, &named, c->q.reply_to, NULL, &c->a, &row) == WB_OK);
}

static int64_t expiry_of(const struct call *c, bool durable, int64_t now)
{
    if (!durable) /* a caller without a key is gone if the process ends meanwhile: a restart drops
                   * the send */
        return now;
    return now + (c->r->expires_s ? c->r->expires_s : SEND_EXPIRES_S);
}

/* batch_fail() has noted the reason in store_trouble. */
static void tell_not_stored(struct call *c)
{
    struct out_outcome o = {.result = CMD_STORE_ERROR};

    snprintf(o.text, sizeof o.text, "%.180s; the message was not stored and is not sent",
             c->b->store_failed ? c->b->store_trouble : "the outbox cannot be written");
    utf8_clean(o.text);
    tell(c, NULL, &o);
}

static void fresh(struct call *c)
{
    struct bridge *b = c->b;
    const bool durable = c->key[0] || c->r->wait_s == 0;
    const int64_t now = bridge_server_now_s(b);
    struct store_outbox_row row = {.chat = c->q.to,
                                   .request = buf_span(&c->encoded),
                                   .created_at = now,
                                   .expires_at = expiry_of(c, durable, now)};
    char id[MSGID_BYTES];
    struct out_item *it;
    enum wb_err err;

    msgid_new(bridge_server_now_s(b), &b->own_pn, b->rng, id);
    memcpy(row.message_id, id, sizeof id);
    memcpy(row.key, c->key, sizeof row.key);
    memcpy(row.body_hash, c->hash, sizeof row.body_hash);
    err = store_outbox_add(b->store, &row, &row.seq);
    if (err != WB_OK) {
        batch_fail(b, err);
        goto out;
    }
    FAULT_POINT("outbox.row");
    TRY(batch_commit(b));
    FAULT_POINT("outbox.queued");
    /* From here on the row is stored, and is sent after a restart at the latest. */
    err = out_queue_add(b, &row, durable, &it);
    if (err == WB_OK)
        join(c, it);
out:
    if (err != WB_OK)
        tell_not_stored(c);
}

/* The message's time, or its caller's wait, would end before WhatsApp lets it leave (P-X2-06: no
 * first contact until the restriction ends). */
static bool in_vain(struct call *c)
{
    const bool durable = c->key[0] || c->r->wait_s == 0;
    const int64_t lock_s = first_contact_lock_s(c->b, &c->q.to);
    const int64_t life_s = !durable          ? c->r->wait_s
                           : c->r->expires_s ? c->r->expires_s
                                             : SEND_EXPIRES_S;
    struct out_outcome o;

    if (lock_s <= life_s)
        return false;
    first_contact_say(c->b, &o);
    tell(c, NULL, &o);
    return true;
}

static void accept_request(struct call *c)
{
    struct store_outbox_row row;
    enum wb_err err = WB_ERR_NOT_FOUND;

    if (jid_is_none(&c->b->own_pn) || out_queue_load(c->b) != WB_OK) {
        tell_text(c, CMD_NOT_CONNECTED,
                  "this bridge is not linked to a phone yet; see /health and /api/qr");
        return;
    }
    if (take_named(c) != WB_OK) {
        tell_text(c, CMD_INTERNAL, "the outbox cannot be read now; see the log");
        return;
    }
    if (c->key[0])
        err = store_outbox_by_key(c->b->store, c->key, &c->a, &row);
    if (err == WB_OK)
        repeated(c, &row);
    else if (err != WB_ERR_NOT_FOUND)
        tell_text(c, CMD_INTERNAL, "the outbox cannot be read now; see the log");
    else if (logged_out(c->b))
        tell_text(c, CMD_NOT_CONNECTED,
                  "WhatsApp has unlinked this bridge; POST /api/pair and scan the QR");
    else if (!stored_reply(c))
        tell_text(c, CMD_NOT_FOUND, "'reply_to' names no message of this chat");
    else if (c->b->out_message->nopen >= SEND_OPEN_MAX)
        tell_text(c, CMD_RATE_LIMITED, "too many messages are queued; wait until some are sent");
    else if (!in_vain(c))
        fresh(c);
}

static void take_request(struct bridge *b, const struct send_request *r, send_done_fn *done,
                         void *ctx, uint64_t ticket)
{
    struct call c = {.b = b,
                     .r = r,
                     .a = arena_new(SEND_ARENA_MAX),
                     .encoded = buf_new(STORE_BLOB_MAX),
                     .done = done,
                     .ctx = ctx,
                     .ticket = ticket};
    size_t n = r->nmentions < SEND_MENTIONS_MAX ? r->nmentions : SEND_MENTIONS_MAX;
    struct jid *mentions = arena_alloc(&c.a, (n + 1) * sizeof *mentions);
    struct out_outcome o;

    if (!mentions) {
        tell_text(&c, CMD_INTERNAL, "out of memory");
    } else if (!out_request_check(r, mentions, &c.q, &o)) {
        c.q.to = (struct jid){0};
        tell(&c, NULL, &o);
    } else if (out_request_encode(&c.q, &c.encoded) != WB_OK) {
        tell_text(&c, CMD_INTERNAL, "out of memory");
    } else {
        sha256(buf_span(&c.encoded), c.hash);
        if (r->key.n)
            memcpy(c.key, r->key.p, r->key.n);
        accept_request(&c);
    }
    buf_free(&c.encoded);
    arena_free(&c.a);
}

void bridge_send(struct bridge *b, const struct send_request *r, send_done_fn *done, void *ctx,
                 uint64_t *ret_ticket)
{
    *ret_ticket = ++b->last_ticket;
    if (b->finishing)
        done(ctx, &(struct send_result){.result = CMD_NOT_SENT,
                                        .text = SPAN_LIT("the bridge is stopping; try again when "
                                                         "it runs")});
    else
        take_request(b, r, done, ctx, *ret_ticket);
}

void bridge_send_abandon(struct bridge *b, uint64_t ticket)
{
    if (b->out_message)
        out_wait_abandon(b, ticket);
}

/* ---- events ---- */

static enum wb_err prune(struct bridge *b, bool *ret_more)
{
    /* If the wall clock is ahead, pruning by it would forget keys of callers too soon: a repeated
     * request would be sent again. */
    const int64_t now = bridge_server_now_s(b);
    bool more_sends = false, more_texts = false, more_peers = false, more_lists = false;
    bool more_secrets = false, more_waits = false, more_none = false, more_numbers = false;
    enum wb_err err;

    TRY(store_outbox_prune(b->store, now, SEND_KEEP_S, &more_sends));
    TRY(store_retry_sent_prune(b->store, (now - RETRY_SENT_KEEP_S) * 1000, &more_texts));
    TRY(store_retry_peer_prune(b->store, now - RETRY_SENT_KEEP_S, &more_peers));
    TRY(store_sealed_prune(b->store, now, RETRY_SENT_KEEP_S, &more_lists));
    TRY(store_message_secret_prune(b->store, &more_secrets));
    TRY(store_secret_wait_prune(b->store, now - SECRET_WAIT_S, &more_waits));
    TRY(store_secret_none_prune(b->store, now - SECRET_WAIT_S, &more_none));
    TRY(store_number_prune(b->store, now - NUMBER_KEEP_S, &more_numbers));
    *ret_more = more_sends || more_texts || more_peers || more_lists || more_secrets ||
                more_waits || more_none || more_numbers;
    return batch_commit(b);
out:
    batch_fail(b, err);
    return err;
}

/* A connection may last for months, and so may an outage: old rows are removed by the clock, not at
 * logins. */
static void on_prune(void *ctx)
{
    struct bridge *b = ctx;
    bool more = false;
    enum wb_err err = jid_is_none(&b->own_pn) ? WB_OK : prune(b, &more);

    if (err != WB_OK)
        log_error(b->log, "send", "old rows of the outbox cannot be removed: %s", wb_err_text(err));
    more = more && err == WB_OK;
    timer_start(b->timers, &b->out_message->prune, more ? SEND_PRUNE_MORE_MS : SEND_PRUNE_MS,
                on_prune, b);
}

static void on_event(void *ctx, const struct bridge_event *e)
{
    struct bridge *b = ctx;
    enum wb_err err = WB_OK;

    if (!b->out_message)
        return;
    if (e->kind == BRIDGE_EV_ONLINE) {
        err = out_queue_load(b);
        time_lock_online(b->time_lock);
        out_wire_online(b);
        if (!b->out_message->prune.armed)
            on_prune(b);
    } else if (e->kind == BRIDGE_EV_OFFLINE_DONE) {
        b->out_message->first_contact.news = true; /* all that waited is read, so news of a
                                                    * restriction has come or there is none */
        out_queue_kick(b); /* sends to groups and to new people have waited for this event */
    } else if (e->kind == BRIDGE_EV_TIME_LOCK) {
        out_queue_kick(b);
    } else if (e->kind == BRIDGE_EV_OFFLINE) {
        out_wire_offline(b);
        out_wait_offline(b);
        out_retry_offline(b->out_message);
    } else if (e->kind == BRIDGE_EV_ROOM) {
        out_wire_room(b);
    } else if (e->kind == BRIDGE_EV_BATCH_DONE) {
        out_queue_committed(b);
    } else if (e->kind == BRIDGE_EV_BATCH_FAILED) {
        out_queue_uncommitted(b);
    } else if (e->kind == BRIDGE_EV_LOGGED_OUT || e->kind == BRIDGE_EV_PAIRED) {
        /* PAIRED: requests since the logout may have loaded rows whose file is set aside by now. */
        out_queue_clear(b, true);
        out_missing_clear(b->out_message);
        person_limits_forget(b->person_limits);
        out_missed_clear(b->out_message);
    }
    if (err != WB_OK)
        log_error(b->log, "send", "the outbox cannot be read: %s", wb_err_text(err));
}

enum wb_err out_message_new(struct bridge *b, const struct out_ports *ports,
                            struct out_message_state **ret_s)
{
    static const enum bridge_event_kind kinds[] = {
        BRIDGE_EV_ONLINE,     BRIDGE_EV_OFFLINE_DONE, BRIDGE_EV_OFFLINE,
        BRIDGE_EV_ROOM,       BRIDGE_EV_BATCH_DONE,   BRIDGE_EV_BATCH_FAILED,
        BRIDGE_EV_LOGGED_OUT, BRIDGE_EV_PAIRED,       BRIDGE_EV_TIME_LOCK};
    struct out_message_state *s = calloc(1, sizeof *s);
    enum wb_err err = s ? WB_OK : WB_ERR_NOMEM;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && err == WB_OK; i++)
        err = events_on(&b->events, kinds[i], on_event, b);
    if (err != WB_OK) {
        free(s);
        return err;
    }
    s->ports = ports;
    s->pump = out_pump_run;
    *ret_s = s;
    return WB_OK;
}

enum wb_err out_message_cancel(struct bridge *b, struct span id)
{
    struct out_item *it;
    enum wb_err err;

    if (!b->out_message)
        return WB_ERR_STATE;
    err = out_queue_load(b);
    if (err != WB_OK)
        return err;
    it = out_queue_find(b, id);
    if (!it)
        return WB_ERR_NOT_FOUND;
    out_queue_fail(it, CMD_CANCELLED, 0, "the message was cancelled before it was sent");
    return WB_OK;
}

void out_message_finish(struct bridge *b, int64_t ms, void (*done)(struct bridge *b))
{
    out_wait_finish(b, ms, done);
}

void out_message_free(struct bridge *b, struct out_message_state *s)
{
    if (!s)
        return;
    out_queue_clear(b, false);
    out_retry_clear(s);
    out_missing_clear(s);
    out_missed_clear(s);
    timer_stop(b->timers, &s->retry_pause);
    timer_stop(b->timers, &s->kick);
    timer_stop(b->timers, &s->expiry);
    timer_stop(b->timers, &s->prune);
    timer_stop(b->timers, &s->keys);
    timer_stop(b->timers, &s->finish.timer);
    b->out_message = NULL;
    free(s);
}
