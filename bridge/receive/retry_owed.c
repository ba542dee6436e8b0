#include "bridge/receive/retry_owed.h"

#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "bridge/conn/conn.h"
#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/receive/in_message_private.h"
#include "bridge/receive/limits.h"
#include "bridge/receive/out_receipt.h"
#include "bridge/sessions/out_peer.h"
#include "store/messages/contacts.h"
#include "store/messages/messages.h"
#include "store/messages/phone_requests.h"

enum {
    RETRY_PHONE_MS = 5 * 1000,  /* the sender's time to answer before the phone is asked
                                 * (P-RC-45) */
    RETRY_AGAIN_S = 60,         /* asked less than that ago: an answer may be on its way */
    RETRY_PHONE_AGAIN_S = 3600, /* the phone is asked again after a reconnect */
    RETRY_AGE_MAX_S = 14 * 24 * 3600 /* nobody keeps messages for longer (P-RC-45) */,
    RETRY_GO_ASKED_MAX = 64,     /* requests in one go; the rest follow RETRY_PHONE_MS later */
    RETRY_GO_ROWS_MAX = 256,     /* rows in one go, also those that have come: some 10 ms */
    RETRY_ARENA_MAX = 256 << 10, /* one receipt or request at a time */
};

/* The reason noted for a message that is wanted only for its secret; no sender failed to reach
 * us. */
#define RETRY_FOR_SECRET "secret"

static void on_timer(void *ctx);

void retry_owed_init(struct retry_owed *r, struct bridge *b)
{
    *r = (struct retry_owed){.b = b, .some = OWED_UNKNOWN, .lost = true};
}

void retry_owed_stop(struct retry_owed *r)
{
    timer_stop(r->b->timers, &r->timer);
}

void retry_owed_forget(struct retry_owed *r)
{
    r->some = OWED_UNKNOWN;
    r->lost = true;
    memset(r->requests, 0, sizeof r->requests);
}

static struct retry_owed *owed_of(struct bridge *b)
{
    return &b->in_message->owed;
}

void retry_owed_offline(struct retry_owed *r)
{
    retry_owed_stop(r);
    r->lost = true;
    memset(r->requests, 0, sizeof r->requests);
}

/* ---- requests to the phone ---- */

static struct retry_request *free_request(struct retry_owed *r)
{
    for (size_t i = 0; i < RETRY_REQUESTS_KEPT; i++)
        if (!r->requests[i].request_id[0])
            return &r->requests[i];
    return NULL;
}

uint64_t retry_owed_mark(const struct bridge *b)
{
    return b->in_message->owed.noted;
}

void retry_owed_undo(struct bridge *b, uint64_t mark)
{
    struct retry_owed *r = owed_of(b);

    for (size_t i = 0; i < RETRY_REQUESTS_KEPT; i++)
        if (r->requests[i].number > mark)
            r->requests[i] = (struct retry_request){.number = 0};
}

static void note_request(struct retry_owed *r, struct retry_request *q,
                         const struct store_retry_owed *o, struct span request_id)
{
    *q = (struct retry_request){.chat = o->chat, .sender = o->sender, .number = ++r->noted};
    memcpy(q->request_id, request_id.p, request_id.n); /* msgid_new() made it */
    memcpy(q->id, o->id, sizeof q->id);
}

/* Stores the request for the sake of its answer, which may come after days: only messages that were
 * asked for are taken. */
static enum wb_err note_asked(struct bridge *b, const struct store_retry_owed *o,
                              struct span request_id, int64_t now)
{
    struct store_phone_request r = {.chat = o->chat, .sender = o->sender};

    memcpy(r.id, o->id, sizeof r.id);
    return store_phone_request_put(b->store, request_id, &r, now);
}

/* Before the first request of a connection: requests of an earlier one that got no ack are due
 * again. */
static enum wb_err take_back_lost(struct retry_owed *r)
{
    enum wb_err err = WB_OK;

    if (r->lost)
        err = store_retry_owed_lost(r->b->store);
    if (err == WB_OK)
        r->lost = false;
    return err;
}

/* A refusing ack counts, too: the same request would be refused again. */
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

static void new_row(const struct in_message *m, const char *reason, struct store_retry_owed *o)
{
    memset(o, 0, sizeof *o);
    memcpy(o->id, m->id.p, m->id.n); /* at most STORE_MESSAGE_ID_MAX: in_message_parse() */
    o->chat = m->chat;
    o->sender = m->sender;
    o->stanza_from = m->from;
    o->participant = m->participant;
    o->recipient = m->recipient;
    o->timestamp = m->t;
    memcpy(o->reason, reason, strlen(reason));
}

static bool is_for_secret(const struct store_retry_owed *o)
{
    return strcmp(o->reason, RETRY_FOR_SECRET) == 0;
}

/* Loads the row of m, or begins a new one, also when m was wanted only for its secret: then the
 * sender was never asked, and this delivery is the first. */
static enum wb_err load(struct bridge *b, const struct in_message *m, enum wb_err why,
                        struct store_retry_owed *o)
{
    struct store_retry_owed before = {.phone_asked = STORE_PHONE_NOT_ASKED};
    enum wb_err err = store_retry_owed_get(b->store, &m->chat, &m->sender, m->id, o);

    if (err == WB_OK && !is_for_secret(o))
        return WB_OK;
    if (err == WB_OK)
        before = *o;
    else if (err != WB_ERR_NOT_FOUND)
        return err;
    new_row(m, wb_err_name(why), o);
    o->phone_asked = before.phone_asked;
    return WB_OK;
}

/* Asks the phone, if a request may go out (*ret_n NULL: not). Without a session with the phone it
 * is asked later (retry_owed_phone_ready). A message that it cannot be asked for counts as
 * asked. */
static enum wb_err ask_phone(struct bridge *b, struct arena *a, struct store_retry_owed *o,
                             const struct node **ret_n)
{
    struct out_peer_wanted w = {.chat = o->chat,
                                .sender = o->sender,
                                .from_me = bridge_is_self(b, &o->sender),
                                .id = span_cstr(o->id)};
    struct retry_request *q = free_request(owed_of(b));
    int64_t now = bridge_server_now_s(b);
    struct node *n = NULL;
    enum wb_err err;

    *ret_n = NULL;
    if (o->sender.server == JID_BOT || o->timestamp < now - RETRY_AGE_MAX_S) {
        o->phone_asked = STORE_PHONE_ACKED;
        o->asked_at = now;
        return WB_OK;
    }
    if (!q)
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
    note_request(owed_of(b), q, o, node_attr_str(n, "id", a));
    err = note_asked(b, o, node_attr_str(n, "id", a), now);
    if (err == WB_OK)
        *ret_n = n;
    return err;
}

/* Keys go along when the sender cannot reach us without them (P-RC-34; rule 7: a prekey is offered
 * once). */
static bool keys_needed(const struct in_message *m, const struct store_retry_owed *o,
                        enum wb_err why)
{
    return o->count > 1 || why == WB_ERR_BAD_KEY_ID || why == WB_ERR_NO_SESSION ||
           why == WB_ERR_BASE_KEY_USED || (why == WB_ERR_NO_SENDER_KEY && m->nenc == 1);
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

    /* A resend tells its number, which helps when we have no count of our own: after a restart, and
     * for messages of our own devices, for which no row is kept. */
    if (o->count == 0 && (m->children == 1 || m->peer))
        o->count = e->count;
    if (o->count >= STORE_RETRY_RECEIPTS_MAX) {
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
    m->retried = true;
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

    if (!in_message_can_ask(m))
        return WB_OK;
    TRY(take_back_lost(r));
    TRY(load(b, m, why, &o));
    if (e)
        TRY(ask_sender(b, a, m, e, why, &o));
    else
        o.count = STORE_RETRY_RECEIPTS_MAX; /* the sender has nothing more for us */
    if (o.count >= STORE_RETRY_RECEIPTS_MAX && !o.phone_asked && !m->peer) {
        TRY(ask_phone(b, a, &o, &request));
        if (request)
            TRY(in_message_answer(m, request));
    }
    /* Our own devices repeat a message when they are asked once; no row is kept. */
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

/* Anybody's message may make us ask our phone: requests come from a bucket of PHONE_SECRETS_BURST
 * that gets one more every PHONE_SECRETS_EACH_MS. When it is empty, the message waits for its
 * original, which is not asked for. */
static bool may_ask(struct retry_owed *r)
{
    const int64_t now = clock_mono_ms(r->b->clock);
    const int64_t full = (int64_t)PHONE_SECRETS_BURST * PHONE_SECRETS_EACH_MS;
    /* As if each request took PHONE_SECRETS_EACH_MS, one after the other. */
    const int64_t done = r->secrets_asked_until_ms > now ? r->secrets_asked_until_ms : now;

    if (done + PHONE_SECRETS_EACH_MS - now > full)
        return false;
    r->secrets_asked_until_ms = done + PHONE_SECRETS_EACH_MS;
    return true;
}

enum wb_err retry_owed_for_secret(struct bridge *b, struct in_message *m,
                                  const struct in_message *original)
{
    struct retry_owed *r = owed_of(b);
    const struct node *request = NULL;
    struct store_retry_owed o;
    enum wb_err err;

    TRY(take_back_lost(r));
    err = store_retry_owed_get(b->store, &original->chat, &original->sender, original->id, &o);
    if (err != WB_ERR_NOT_FOUND)
        return err; /* it is owed already: who is asked for it and when does not change */
    if (!may_ask(r))
        return WB_OK;
    new_row(original, RETRY_FOR_SECRET, &o);
    o.count = STORE_RETRY_RECEIPTS_MAX; /* there is no stanza that a receipt could answer */
    TRY(ask_phone(b, m->arena, &o, &request));
    if (request)
        TRY(in_message_answer(m, request));
    TRY(store_retry_owed_put(b->store, &o));
    r->some = OWED_SOME;
    if (!o.phone_asked && !r->timer.armed)
        timer_start(b->timers, &r->timer, RETRY_PHONE_MS, on_timer, r);
out:
    return err;
}

enum wb_err retry_owed_is_for_secret(struct bridge *b, const struct jid *chat,
                                     const struct jid *sender, struct span id, bool *ret_only)
{
    struct store_retry_owed o;
    enum wb_err err = store_retry_owed_get(b->store, chat, sender, id, &o);

    if (err == WB_OK || err == WB_ERR_NOT_FOUND) {
        *ret_only = err == WB_OK && is_for_secret(&o);
        err = WB_OK;
    }
    return err;
}

static enum wb_err any_owed(struct retry_owed *r, bool *ret_some)
{
    bool any = false;
    enum wb_err err = WB_OK;

    if (r->some == OWED_UNKNOWN) {
        TRY(store_retry_owed_any(r->b->store, &any));
        r->some = any ? OWED_SOME : OWED_NONE;
    }
    *ret_some = r->some == OWED_SOME;
out:
    return err;
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
    /* Perhaps that was the last row. */
    r->some = OWED_UNKNOWN;
out:
    return err;
}

/* ---- again, later ---- */

/* Whom we ask next for the row's message. */
enum whom { ASK_SENDER, ASK_PHONE };

/* The next row that is due, found by the indexes: a row that was asked for leaves the set in which
 * it was found. NOT_FOUND: none is due, or none may go now. While RETRY_REQUESTS_KEPT requests are
 * without ack, no row for the phone is looked for. */
static enum wb_err next_due(struct retry_owed *r, struct store_retry_owed *ret, enum whom *ret_whom)
{
    const int64_t now = bridge_server_now_s(r->b);
    enum wb_err err = WB_ERR_NOT_FOUND;

    *ret_whom = ASK_SENDER;
    if (r->again_before)
        err = store_retry_owed_of_sender(r->b->store, r->again_before - RETRY_AGAIN_S, ret);
    if (err != WB_ERR_NOT_FOUND)
        return err;
    *ret_whom = ASK_PHONE;
    if (!free_request(r))
        return WB_ERR_NOT_FOUND;
    err = store_retry_owed_of_phone(r->b->store, STORE_PHONE_NOT_ASKED, now - RETRY_PHONE_MS / 1000,
                                    ret);
    if (err != WB_ERR_NOT_FOUND || !r->again_before)
        return err;
    err = store_retry_owed_of_phone(r->b->store, STORE_PHONE_ACKED,
                                    r->again_before - RETRY_PHONE_AGAIN_S, ret);
    if (err == WB_ERR_NOT_FOUND)
        r->again_before = 0;
    return err;
}

static enum wb_err has_secret(struct bridge *b, const struct store_retry_owed *o, bool *ret_has)
{
    uint8_t secret[MESSAGE_SECRET_BYTES];
    enum wb_err err =
        store_message_secret_get(b->store, &o->chat, &o->sender, span_cstr(o->id), secret);

    secret_wipe(secret, sizeof secret);
    *ret_has = err == WB_OK;
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

/* The message may have come without us: to the Go bridge, or after the restored backup was made. */
static enum wb_err has_come(struct bridge *b, const struct store_retry_owed *o, bool *ret_come)
{
    bool known = false, waiting = false;
    enum wb_err err;

    if (is_for_secret(o))
        TRY(has_secret(b, o, &known));
    else
        TRY(store_message_known(b->store, &o->chat, span_cstr(o->id), &o->sender, NULL, &known,
                                &waiting));
    *ret_come = known && !waiting;
    if (*ret_come)
        err = store_retry_owed_done(b->store, &o->chat, &o->sender, span_cstr(o->id));
out:
    return err;
}

/* Asks for one row's message. *ret_n NULL: there is nothing to ask for, or (*ret_wait) not yet. */
static enum wb_err ask_again(struct bridge *b, struct arena *a, struct store_retry_owed *o,
                             enum whom whom, const struct node **ret_n, bool *ret_wait)
{
    const enum store_phone_asked before = o->phone_asked;
    const int64_t asked_at = o->asked_at;
    struct node *n;
    enum wb_err err;

    if (whom == ASK_SENDER) {
        o->count++;
        o->asked_at = bridge_server_now_s(b);
        TRY(out_receipt_retry(b, a, o, WB_OK, false, true, &n));
        *ret_n = n;
    } else {
        TRY(ask_phone(b, a, o, ret_n));
        *ret_wait = !*ret_n && o->phone_asked == before && o->asked_at == asked_at;
    }
    if (!*ret_wait)
        err = store_retry_owed_put(b->store, o);
out:
    return err;
}

/* Asks for the due rows, as many as fit in one go. *ret_wait: our phone cannot be asked yet. */
static enum wb_err go(struct retry_owed *r, bool *ret_wait)
{
    struct arena a = arena_new(RETRY_ARENA_MAX);
    struct bridge *b = r->b;
    struct store_retry_owed o;
    enum whom whom;
    size_t asked = 0;
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < RETRY_GO_ROWS_MAX && asked < RETRY_GO_ASKED_MAX && !*ret_wait; i++) {
        const struct node *n = NULL;
        bool come = false;

        err = next_due(r, &o, &whom);
        if (err == WB_ERR_NOT_FOUND) {
            err = WB_OK;
            break;
        }
        TRY(err);
        TRY(has_come(b, &o, &come));
        if (come)
            continue;
        arena_reset(&a);
        TRY(ask_again(b, &a, &o, whom, &n, ret_wait));
        if (!n)
            continue;
        asked++;
        TRY(outgoing_after_commit(b, n));
    }
out:
    arena_free(&a);
    return err;
}

static enum wb_err prune(struct retry_owed *r)
{
    bool more_events = false, more_owed = false, more_requests = false;
    enum wb_err err = WB_OK;

    if (!r->prune_before)
        return WB_OK;
    TRY(store_event_prune(r->b->store, r->prune_before * 1000, &more_events));
    TRY(store_retry_owed_prune(r->b->store, r->prune_before, &more_owed));
    TRY(store_phone_requests_prune(r->b->store, r->prune_before, &more_requests));
    if (!more_events && !more_owed && !more_requests)
        r->prune_before = 0;
out:
    return err;
}

/* Is there more to do when some time has passed? */
static enum wb_err any_left(struct retry_owed *r, bool waits, bool *ret_left)
{
    struct store_retry_owed o;
    enum wb_err err = WB_OK;

    *ret_left = r->prune_before || (r->again_before && !waits);
    if (*ret_left || waits)
        return WB_OK;
    err = store_retry_owed_of_phone(r->b->store, STORE_PHONE_NOT_ASKED, INT64_MAX, &o);
    *ret_left = err == WB_OK;
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

static void run(struct retry_owed *r)
{
    struct bridge *b = r->b;
    bool some, waits = false, left = false;
    enum wb_err err;

    TRY(prune(r));
    TRY(any_owed(r, &some));
    if (some) {
        TRY(take_back_lost(r));
        TRY(go(r, &waits));
    } else {
        r->again_before = 0;
    }
    TRY(any_left(r, waits, &left));
    /* Later for rows whose sender still has time, and for those that did not fit. */
    if (left)
        timer_start(b->timers, &r->timer, RETRY_PHONE_MS, on_timer, r);
out:
    if (err != WB_OK)
        batch_fail(b, err);
}

static void on_timer(void *ctx)
{
    struct retry_owed *r = ctx;

    /* When offline, nothing is done: the next login starts its own round. */
    if (conn_online(r->b->conn))
        run(r);
}

void retry_owed_resume(struct retry_owed *r)
{
    const int64_t now = bridge_server_now_s(r->b);

    r->again_before = now;
    r->prune_before = now - RETRY_AGE_MAX_S;
    run(r);
}

void retry_owed_phone_ready(struct retry_owed *r)
{
    run(r);
}
