#include "bridge/retry_owed.h"

#include <string.h>

#include "base/fault.h"
#include "bridge/batch.h"
#include "bridge/bridge.h"
#include "bridge/conn.h"
#include "bridge/in_message_private.h"
#include "bridge/out_peer.h"
#include "bridge/out_receipt.h"
#include "store/messages.h"

enum {
    RETRY_COUNT_MAX = 4,        /* P-RC-35 */
    RETRY_PHONE_MS = 5 * 1000,  /* the sender has so long before the phone is asked (P-RC-45) */
    RETRY_AGAIN_S = 60,         /* asked more lately: an answer may be on its way */
    RETRY_PHONE_AGAIN_S = 3600, /* the phone is asked again after a reconnect */
    RETRY_AGE_MAX_S = 14 * 24 * 3600 /* nobody keeps messages for longer (P-RC-45) */,
    RETRY_SCAN_MAX = 64,         /* in one go */
    RETRY_ARENA_MAX = 256 << 10, /* one receipt or request at a time */
};

static void on_timer(void *ctx);

void retry_owed_init(struct retry_owed *r, struct bridge *b)
{
    *r = (struct retry_owed){.b = b, .some = OWED_UNKNOWN};
}

void retry_owed_stop(struct retry_owed *r)
{
    timer_stop(r->b->timers, &r->timer);
}

void retry_owed_forget(struct retry_owed *r)
{
    r->some = OWED_UNKNOWN;
    memset(r->requests, 0, sizeof r->requests);
}

static struct retry_owed *owed_of(struct bridge *b)
{
    return &b->in_message->owed;
}

void retry_owed_offline(struct retry_owed *r)
{
    retry_owed_stop(r);
    memset(r->requests, 0, sizeof r->requests);
}

/* ---- requests to the phone ------------------------------------------------------------------ */

static struct retry_request *free_request(struct retry_owed *r)
{
    for (size_t i = 0; i < RETRY_REQUESTS_KEPT; i++)
        if (!r->requests[i].request_id[0])
            return &r->requests[i];
    return NULL;
}

static void note_request(struct retry_owed *r, const struct store_retry_owed *o,
                         struct span request_id)
{
    struct retry_request *q = free_request(r);

    if (!q)
        q = &r->requests[r->next_request++ % RETRY_REQUESTS_KEPT];
    *q = (struct retry_request){.chat = o->chat, .sender = o->sender};
    memcpy(q->request_id, request_id.p, request_id.n); /* msgid_new() made it */
    memcpy(q->id, o->id, sizeof q->id);
}

/* Is the ack of a request for this one still to come? */
static bool on_its_way(const struct retry_owed *r, const struct store_retry_owed *o)
{
    for (size_t i = 0; i < RETRY_REQUESTS_KEPT; i++) {
        const struct retry_request *q = &r->requests[i];

        /* Not by the chat: the row may have it under its other form. */
        if (q->request_id[0] && strcmp(q->id, o->id) == 0 && jid_same_user(&q->sender, &o->sender))
            return true;
    }
    return false;
}

/* Also a refusal counts: the same request would be refused again. */
enum wb_err retry_owed_acked(struct retry_owed *r, struct span request_id)
{
    for (size_t i = 0; i < RETRY_REQUESTS_KEPT; i++) {
        struct retry_request *q = &r->requests[i];

        if (!q->request_id[0] || !span_eq_cstr(request_id, q->request_id))
            continue;
        q->request_id[0] = '\0';
        return store_retry_owed_acked(r->b->store, &q->chat, &q->sender, span_cstr(q->id));
    }
    return WB_OK;
}

/* The row that is there, or a new one. */
static enum wb_err load(struct bridge *b, const struct in_message *m, enum wb_err why,
                        struct store_retry_owed *o)
{
    enum wb_err err = store_retry_owed_get(b->store, &m->chat, &m->sender, m->id, o);

    if (err != WB_ERR_NOT_FOUND)
        return err;
    memset(o, 0, sizeof *o);
    memcpy(o->id, m->id.p, m->id.n); /* at most STORE_MESSAGE_ID_MAX: in_message_parse() */
    o->chat = m->chat;
    o->sender = m->sender;
    o->stanza_from = m->from;
    o->participant = m->participant;
    o->recipient = m->recipient;
    o->timestamp = m->t;
    memcpy(o->reason, wb_err_name(why), strlen(wb_err_name(why)));
    return WB_OK;
}

/* Asks the phone if that makes sense. Without a session with it: later (retry_owed_resume). */
static enum wb_err ask_phone(struct bridge *b, struct arena *a, struct store_retry_owed *o,
                             const struct node **ret_n)
{
    struct out_peer_wanted w = {.chat = o->chat,
                                .sender = o->sender,
                                .from_me = bridge_is_self(b, &o->sender),
                                .id = span_cstr(o->id)};
    int64_t now = bridge_server_now_s(b);
    struct node *n = NULL;
    enum wb_err err;

    *ret_n = NULL;
    if (o->sender.server == JID_BOT || o->timestamp < now - RETRY_AGE_MAX_S)
        return WB_OK;
    err = out_peer_ask_message(b, a, &w, &n);
    if (err == WB_ERR_NO_SESSION) {
        log_debug(b->log, "retry", "no session with our own phone yet");
        return out_peer_want_session(b);
    }
    if (err != WB_OK)
        return err;
    o->phone_asked = STORE_PHONE_ASKED;
    o->asked_at = now;
    note_request(owed_of(b), o, node_attr_str(n, "id", a));
    *ret_n = n;
    return WB_OK;
}

/* The keys go along when the sender cannot reach us without them (P-RC-34, rule 7). */
static bool keys_needed(const struct in_message *m, const struct store_retry_owed *o,
                        enum wb_err why)
{
    return o->count > 1 || why == WB_ERR_BAD_KEY_ID || why == WB_ERR_NO_SESSION ||
           (why == WB_ERR_NO_SENDER_KEY && m->nenc == 1);
}

/* The next receipt to the sender; none when the tries are used up. */
static enum wb_err ask_sender(struct bridge *b, struct arena *a, struct in_message *m,
                              const struct in_enc *e, enum wb_err why, struct store_retry_owed *o)
{
    static const char *const names[] = {
        [IN_ENC_MSG] = "msg", [IN_ENC_PKMSG] = "pkmsg", [IN_ENC_SKMSG] = "skmsg"};
    bool peer = m->from_me && span_eq_cstr(m->type, "peer_msg");
    struct node *n;
    enum wb_err err;

    /* A resend tells which one it is: after a restart without our own count. */
    if (o->count == 0 && m->children == 1)
        o->count = e->count;
    if (o->count >= RETRY_COUNT_MAX) {
        log_warn(b->log, "retry", "message %s stays unreadable after %u tries", o->id,
                 (unsigned)o->count);
        return WB_OK;
    }
    o->count++;
    o->asked_at = bridge_server_now_s(b);
    if (e->type <= IN_ENC_SKMSG)
        memcpy(o->enc_type, names[e->type], strlen(names[e->type]) + 1);
    TRY(out_receipt_retry(b, a, o, why, peer, keys_needed(m, o, why), &n));
    TRY(in_message_answer(m, n));
out:
    return err;
}

enum wb_err retry_owed_add(struct bridge *b, struct arena *a, struct in_message *m,
                           const struct in_enc *e, enum wb_err why)
{
    struct retry_owed *r = owed_of(b);
    const struct node *request = NULL;
    struct store_retry_owed o;
    enum wb_err err;

    TRY(load(b, m, why, &o));
    if (e)
        TRY(ask_sender(b, a, m, e, why, &o));
    else
        o.count = RETRY_COUNT_MAX; /* the sender has nothing more for us */
    if (o.count >= RETRY_COUNT_MAX && !o.phone_asked && !m->peer) {
        TRY(ask_phone(b, a, &o, &request));
        if (request)
            TRY(in_message_answer(m, request));
    }
    /* Our own devices repeat what they have for us when they are asked once; there is no row. */
    if (m->peer)
        return WB_OK;
    TRY(store_retry_owed_put(b->store, &o));
    FAULT_POINT("retry.owed");
    r->some = OWED_SOME;
    if (!o.phone_asked && !r->timer.armed)
        timer_start(b->timers, &r->timer, RETRY_PHONE_MS, on_timer, r);
out:
    return err;
}

static enum wb_err any_owed(struct retry_owed *r, bool *ret_some)
{
    struct store_retry_owed o;
    int64_t cursor = 0;
    enum wb_err err;

    if (r->some == OWED_UNKNOWN) {
        err = store_retry_owed_next(r->b->store, &cursor, &o);
        if (err != WB_OK && err != WB_ERR_NOT_FOUND)
            return err;
        r->some = err == WB_OK ? OWED_SOME : OWED_NONE;
    }
    *ret_some = r->some == OWED_SOME;
    return WB_OK;
}

enum wb_err retry_owed_done(struct bridge *b, const struct in_message *m)
{
    struct retry_owed *r = owed_of(b);
    bool some;
    enum wb_err err;

    TRY(any_owed(r, &some));
    if (!some)
        return WB_OK;
    TRY(store_retry_owed_done(b->store, &m->chat, &m->sender, m->id));
    if (!jid_is_none(&m->sender_alt))
        TRY(store_retry_owed_done(b->store, &m->chat, &m->sender_alt, m->id));
    /* Perhaps that was the last one. */
    r->some = OWED_UNKNOWN;
out:
    return err;
}

/* ---- again, later --------------------------------------------------------------------------- */

/* Not asked yet, or the request went down with its connection or with the process. */
static bool phone_is_due(const struct retry_owed *r, const struct store_retry_owed *o)
{
    return o->phone_asked == STORE_PHONE_NOT_ASKED ||
           (o->phone_asked == STORE_PHONE_ASKED && !on_its_way(r, o));
}

/* The sender still has time, or the phone has enough to do. */
static bool phone_has_to_wait(struct retry_owed *r, const struct store_retry_owed *o)
{
    return (bridge_server_now_s(r->b) - o->asked_at) * 1000 < RETRY_PHONE_MS || !free_request(r);
}

/* What is due for one row; *ret_n stays NULL when nothing is. */
static enum wb_err ask_again(struct retry_owed *r, struct arena *a, struct store_retry_owed *o,
                             bool resumed, const struct node **ret_n)
{
    struct bridge *b = r->b;
    int64_t since = bridge_server_now_s(b) - o->asked_at;
    struct node *n;
    enum wb_err err;

    if (resumed && o->count > 0 && o->count < RETRY_COUNT_MAX && since >= RETRY_AGAIN_S) {
        o->count++;
        o->asked_at = bridge_server_now_s(b);
        TRY(out_receipt_retry(b, a, o, WB_OK, false, true, &n));
        *ret_n = n;
        return WB_OK;
    }
    if (phone_is_due(r, o) ? !phone_has_to_wait(r, o) : resumed && since >= RETRY_PHONE_AGAIN_S)
        return ask_phone(b, a, o, ret_n);
    err = WB_OK;
out:
    return err;
}

/* It may have come without us: to the Go bridge, or after the backup that was restored. */
static enum wb_err has_come(struct bridge *b, const struct store_retry_owed *o, bool *ret_come)
{
    bool known = false, waiting = false;
    enum wb_err err;

    TRY(store_message_known(b->store, &o->chat, span_cstr(o->id), &o->sender, NULL, &known,
                            &waiting));
    *ret_come = known && !waiting;
    if (*ret_come)
        err = store_retry_owed_done(b->store, &o->chat, &o->sender, span_cstr(o->id));
out:
    return err;
}

/* All rows that are due, at most RETRY_SCAN_MAX; *ret_more: some will be due, or may be left. */
static enum wb_err scan(struct retry_owed *r, bool resumed, bool *ret_more)
{
    struct arena a = arena_new(RETRY_ARENA_MAX);
    struct bridge *b = r->b;
    struct store_retry_owed o;
    int64_t cursor = 0;
    size_t sent = 0;
    enum wb_err err = WB_OK;

    *ret_more = false;
    while (sent < RETRY_SCAN_MAX) {
        const struct node *n = NULL;
        bool come = false;

        err = store_retry_owed_next(b->store, &cursor, &o);
        if (err == WB_ERR_NOT_FOUND) {
            err = WB_OK;
            break;
        }
        TRY(err);
        TRY(has_come(b, &o, &come));
        if (come)
            continue;
        arena_reset(&a);
        TRY(ask_again(r, &a, &o, resumed, &n));
        *ret_more |= phone_is_due(r, &o) && phone_has_to_wait(r, &o);
        if (!n)
            continue;
        sent++;
        TRY(store_retry_owed_put(b->store, &o));
        TRY(outgoing_after_commit(b, n));
    }
    *ret_more |= sent == RETRY_SCAN_MAX;
out:
    arena_free(&a);
    return err;
}

static void run(struct retry_owed *r, bool resumed)
{
    struct bridge *b = r->b;
    int64_t oldest = bridge_server_now_s(b) - RETRY_AGE_MAX_S;
    bool some, more = false;
    enum wb_err err;

    if (resumed)
        TRY(store_event_prune(b->store, oldest * 1000));
    TRY(any_owed(r, &some));
    if (!some)
        return;
    if (resumed)
        TRY(store_retry_owed_prune(b->store, oldest));
    TRY(scan(r, resumed, &more));
    /* Once more for those whose sender still has time, and for the rest. */
    if (more)
        timer_start(b->timers, &r->timer, RETRY_PHONE_MS, on_timer, r);
out:
    if (err != WB_OK)
        batch_fail(b, err);
}

static void on_timer(void *ctx)
{
    struct retry_owed *r = ctx;

    /* Offline: the next login has its own round. */
    if (conn_online(r->b->conn))
        run(r, false);
}

void retry_owed_resume(struct retry_owed *r)
{
    run(r, true);
}

void retry_owed_phone_ready(struct retry_owed *r)
{
    run(r, false);
}
