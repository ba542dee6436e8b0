#include "bridge/sessions/prekey_fetch.h"

#include <stdlib.h>

#include "base/secret.h"
#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/core/shared_query.h"
#include "bridge/people/device_sync.h"
#include "bridge/people/identity.h"
#include "bridge/people/identity_change.h"
#include "bridge/people/trust.h"
#include "bridge/sessions/prekey_parts.h"
#include "crypto/signal.h"
#include "store/session/account.h"
#include "store/session/devices.h"
#include "store/session/identity_gone.h"
#include "store/session/signal_store.h"

enum { PREKEY_ARENA_MAX = 4 << 20 };

/* A new session costs some 0.4 ms (a signature, four key agreements, a record), for a linked device
 * two signatures more: so many are started between two looks at the sockets, however large the
 * group is. */
enum { USERS_AT_ONCE = 32 };

enum { CODE_GONE = 406, CODE_RATE = 429, CODE_SERVER = 500 };

/* The answer to one question, on its way into sessions. */
struct prekey_user {
    struct jid device;
    bool gone;       /* the server does not know it any more */
    enum wb_err err; /* of reading its bundle */
    struct signal_bundle bundle;
    struct prekey_kept_statement statement; /* what the account says of this device */
};
struct prekey_answer {
    struct prekey_answer *next;
    uint64_t id;       /* of the question */
    enum wb_err later; /* why the server could not answer for some devices now; WB_OK: it did */
    size_t n, at;
    struct prekey_user users[];
};

/* A question under way. Its parts are sent one after the other, so that a whole batch that is
 * refused does not become a burst of requests. */
struct prekey_question {
    struct prekey_question *next;
    uint64_t id;
    struct prekey_part *parts; /* the first is on the wire while `asked` */
    bool asked;
    bool split;      /* a part was refused because of a device that is gone */
    size_t nasked;   /* requests so far */
    size_t nanswers; /* answers to it in prekey_fetch.answers */
    enum wb_err err;
};

struct prekey_fetch {
    struct bridge *b;
    struct shared_query query;
    struct prekey_question *questions;
    struct prekey_answer *answers; /* oldest first */
    struct timer timer;
    struct prekey_stale stale;
    struct prekey_part *kept; /* parts of questions that ended before their halving was done */
};

struct prekey_wait {
    prekey_fetch_fn *fn;
    uint64_t key;
    int64_t since_ms;
    size_t n;
    struct jid devices[]; /* canonical addresses */
};

/* ---- sessions ---- */

static enum wb_err load_local(struct bridge *b, struct signal_local *ret_local)
{
    struct account account;
    enum wb_err err =
        store_account_load(b->store, b->own_pn.user[0] ? b->own_pn.user : NULL, &account);

    if (err != WB_OK)
        return err;
    ret_local->identity = account.keys.identity;
    ret_local->registration_id = account.keys.registration_id;
    account_wipe(&account);
    return WB_OK;
}

/* Starts a session from a bundle. A changed identity is taken over, as by every client; but no
 * other identity than the known one is believed for our own phone. */
static enum wb_err start(struct bridge *b, const struct jid *device,
                         const struct signal_local *local, const struct signal_bundle *bundle,
                         struct span statement)
{
    struct signal_session *session = NULL;
    struct jid address;
    bool rebuilt, changed = false;
    enum wb_err err;

    TRY(identity_session_address(b, device, &address));
    TRY(trust_own(b, device, &address, bundle->identity));
    TRY(trust_companion(b, &address, bundle->identity, statement));
    err = store_session_load(b->store, &address, &session, NULL);
    rebuilt = err == WB_OK;
    if (err == WB_ERR_NOT_FOUND) {
        session = signal_session_new();
        err = session ? WB_OK : WB_ERR_NOMEM;
    }
    TRY(err);
    TRY(signal_session_start(session, local, bundle, b->rng));
    err = store_session_save(b->store, &address, session);
    session = NULL;
    TRY(err);
    TRY(identity_note(b, &address, bundle->identity, bridge_server_now_s(b), &changed));
    if (rebuilt || changed) /* the device behind the new session has no sender key of ours */
        err = store_skdm_doubt_user(b->store, &address);
out:
    signal_session_free(session);
    return err;
}

enum wb_err prekey_start_session(struct bridge *b, const struct jid *device,
                                 const struct signal_bundle *bundle, struct span statement)
{
    struct signal_local local = {.registration_id = 0};
    struct jid address;
    bool gone = false;
    enum wb_err err;

    TRY(identity_session_address(b, device, &address));
    TRY(store_identity_is_gone(b->store, &address, bundle->identity, &gone));
    TRY(gone ? WB_ERR_UNTRUSTED_IDENTITY : WB_OK);
    TRY(load_local(b, &local));
    err = start(b, device, &local, bundle, statement);
out:
    secret_wipe(&local, sizeof local);
    return err;
}

/* ---- asking ---- */

static void on_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply);

static enum wb_err send_part(struct bridge *b, const struct prekey_part *p, uint64_t id)
{
    struct arena a = arena_new(PREKEY_ARENA_MAX);
    struct node *iq = iq_new(&a, "get", "encrypt", NULL);
    struct node *key = node_child_new(&a, iq, "key");
    enum wb_err err;

    for (size_t i = 0; i < p->n; i++) {
        struct node *user = node_child_new(&a, key, "user");

        node_attr_jid(&a, user, "jid", &p->devices[i]);
        node_attr_text(&a, user, "reason", "identity");
    }
    err = iq_send(&b->iq, &a, iq, 0, on_answer, id);
    arena_free(&a);
    return err;
}

static void free_question(struct prekey_question *q)
{
    prekey_part_free_all(&q->parts);
    free(q);
}

static enum wb_err ask(struct bridge *b, const struct jid *devices, size_t n, uint64_t id)
{
    struct prekey_fetch *f = b->prekey_fetch;
    struct prekey_question *q = calloc(1, sizeof *q);
    enum wb_err err = q ? WB_OK : WB_ERR_NOMEM;

    TRY(err);
    q->id = id;
    TRY(prekey_parts_make(&f->kept, &f->stale, clock_mono_ms(b->clock), devices, n, &q->parts,
                          &q->split));
    err = send_part(b, q->parts, id);
    if (err != WB_OK && q->split)
        prekey_parts_keep(&f->kept, &q->parts);
    TRY(err);
    q->asked = true;
    q->nasked = 1;
    q->next = f->questions;
    f->questions = q;
    return WB_OK;
out:
    if (q)
        free_question(q);
    return err;
}

static struct prekey_question *find_question(struct prekey_fetch *f, uint64_t id)
{
    struct prekey_question *q = f->questions;

    while (q && q->id != id)
        q = q->next;
    return q;
}

/* Does the next part follow? Yes, when the error concerns this part only. */
static bool goes_on(enum wb_err err)
{
    return err == WB_OK || err == WB_ERR_REFUSED || err == WB_ERR_PROTOCOL;
}

static void ask_next(struct prekey_fetch *f, struct prekey_question *q)
{
    enum wb_err err = WB_ERR_TIMEOUT; /* when the question has used up its requests */

    if (q->nasked < PREKEY_QUESTION_REQUESTS)
        err = send_part(f->b, q->parts, q->id);
    q->asked = err == WB_OK;
    if (q->asked)
        q->nasked++;
    else
        q->err = err;
}

/* A part or an answer of the question is done: sends the next part, or ends the question. */
static void go_on(struct prekey_fetch *f, struct prekey_question *q, enum wb_err err)
{
    struct prekey_question **at = &f->questions;
    const uint64_t id = q->id;

    if (q->err == WB_OK || (goes_on(q->err) && !goes_on(err)))
        q->err = err;
    if (!q->asked && q->parts && goes_on(q->err))
        ask_next(f, q);
    if (q->asked || q->nanswers > 0)
        return;
    err = q->err;
    if (q->split)
        prekey_parts_keep(&f->kept, &q->parts);
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    free_question(q);
    shared_query_end(&f->query, id, err);
}

/* Collects that the server cannot answer for some of the devices now. */
struct keys_later {
    enum wb_err err;
    bool pauses;
    uint64_t backoff_s;
};

static void read_error(const struct node *user, struct arena *a, struct keys_later *l)
{
    uint64_t backoff_s;
    struct span text;
    uint32_t code;

    if (!node_child(user, "error"))
        return;
    iq_error_of(user, a, &code, &text, &backoff_s);
    if (code == CODE_RATE || (code >= CODE_SERVER && backoff_s > 0))
        l->err = WB_ERR_RATE_LIMITED;
    else if (code >= CODE_SERVER && l->err == WB_OK)
        l->err = WB_ERR_TIMEOUT;
    l->pauses |= code == CODE_RATE || backoff_s > 0;
    if (backoff_s > l->backoff_s)
        l->backoff_s = backoff_s;
}

/* Takes the devices that were asked for from the server's list; an error in one <user> concerns
 * that device only. */
static enum wb_err parse_answer(struct bridge *b, uint64_t id, const struct prekey_part *part,
                                const struct iq_reply *reply, struct prekey_answer **ret_answer)
{
    const struct node *list = node_child(reply->node, "list");
    const struct jid *asked = part->devices;
    const size_t nasked = part->n;
    struct prekey_answer *a;
    struct keys_later later = {.err = WB_OK};

    if (!list)
        return WB_ERR_PROTOCOL;
    a = calloc(1, sizeof *a + nasked * sizeof a->users[0]);
    if (!a)
        return WB_ERR_NOMEM;
    a->id = id;
    for (const struct node *n = list->content == NODE_CHILDREN ? list->first : NULL;
         n && a->n < nasked; n = n->next) {
        struct prekey_user *u = &a->users[a->n];

        if (!node_is(n, "user") || !node_attr_get_jid(n, "jid", &u->device) ||
            !bsearch(&u->device, asked, nasked, sizeof *asked, shared_query_cmp)) {
            log_debug(b->log, "signal", "keys that were not asked for are passed over");
            continue;
        }
        u->gone = node_attr_is(node_child(n, "error"), "code", "406");
        read_error(n, reply->arena, &later);
        u->err = prekey_bundle_parse(n, &u->bundle);
        if (u->err == WB_OK)
            prekey_keep_statement(&u->statement, prekey_statement(n));
        a->n++;
    }
    if (later.pauses)
        iq_refused_within(&b->iq, IQ_KIND_PREKEYS, reply, later.backoff_s);
    a->later = later.err;
    *ret_answer = a;
    return WB_OK;
}

/* The server does not know the device: the list that named it is out of date. */
static enum wb_err take_gone(struct bridge *b, const struct jid *device)
{
    struct prekey_fetch *f = b->prekey_fetch;
    const int64_t now = clock_mono_ms(b->clock);
    char text[JID_TEXT_MAX], shown[LOG_PHONE_BYTES];
    struct jid address;
    enum wb_err err = WB_OK;

    if (prekey_stale_has(&f->stale, device, now, NULL))
        return WB_OK; /* the list was dropped within the hour already, and the new one still names
                       * the device */
    log_info(b->log, "signal", "%s device %u is not there any more: the list is asked for again",
             log_phone(shown, jid_text(device, text)), (unsigned)device->device);
    TRY(identity_session_address(b, device, &address));
    TRY(device_sync_drop(b, device, 1));
    prekey_stale_note(&f->stale, device, &address, now);
out:
    return err;
}

static enum wb_err take_user(struct bridge *b, const struct prekey_user *u,
                             const struct signal_local *local)
{
    char text[JID_TEXT_MAX], shown[LOG_PHONE_BYTES];
    const struct span statement = SPAN(u->statement.bytes, u->statement.n);
    enum wb_err err = u->err == WB_OK ? start(b, &u->device, local, &u->bundle, statement) : u->err;

    if (u->gone)
        return take_gone(b, &u->device);
    if (err == WB_OK)
        prekey_stale_forget(&b->prekey_fetch->stale, &u->device);
    if (err != WB_OK)
        log_warn(b->log, "signal", "no session with %s device %u: %s",
                 log_phone(shown, jid_text(&u->device, text)), (unsigned)u->device.device,
                 wb_err_text(err));
    return wb_err_is_ours(err) ? err : WB_OK;
}

static enum wb_err take_some(struct bridge *b, struct prekey_answer *a)
{
    size_t end = a->n - a->at > USERS_AT_ONCE ? a->at + USERS_AT_ONCE : a->n;
    struct signal_local local;
    enum wb_err err = load_local(b, &local);

    while (a->at < end && err == WB_OK)
        err = take_user(b, &a->users[a->at++], &local);
    secret_wipe(&local, sizeof local);
    if (err != WB_OK && wb_err_is_ours(err))
        batch_fail(b, err);
    return err;
}

static void on_timer(void *ctx);

/* All of an answer's sessions are started, or the rest of it is given up. */
static void answer_over(struct prekey_fetch *f, struct prekey_answer *a, enum wb_err err)
{
    struct prekey_question *q = find_question(f, a->id);

    free(a);
    if (!q)
        return;
    q->nanswers--;
    go_on(f, q, err);
}

/* Starts some sessions of the oldest answer, which is out of the list meanwhile: a failure may end
 * the connection, which frees all answers in the list. */
static void work(struct prekey_fetch *f)
{
    struct prekey_answer *a = f->answers;
    enum wb_err err;

    f->answers = a->next;
    err = take_some(f->b, a);
    if (err == WB_OK && a->at < a->n) {
        a->next = f->answers;
        f->answers = a;
    } else {
        answer_over(f, a, err == WB_OK ? a->later : err);
    }
    if (f->answers)
        timer_start(f->b->timers, &f->timer, 0, on_timer, f);
}

static void on_timer(void *ctx)
{
    work(ctx);
}

/* 406 says that one of the devices is gone, but not which: the part is halved, down to one device
 * (P-X2-12). A code of 500 and above means that the server can answer later: no device is left out
 * because of it. */
static enum wb_err take_refusal(struct bridge *b, struct prekey_question *q, uint32_t code)
{
    struct jid device;
    enum wb_err err;

    if (code >= CODE_SERVER)
        return WB_ERR_TIMEOUT;
    if (code == CODE_GONE && q->parts->n > 1) {
        q->split = true;
        return prekey_part_split(&q->parts);
    }
    device = q->parts->devices[0];
    prekey_part_drop(&q->parts);
    if (code != CODE_GONE)
        return WB_ERR_REFUSED;
    err = take_gone(b, &device);
    if (err != WB_OK && wb_err_is_ours(err))
        batch_fail(b, err);
    return err;
}

static void on_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct prekey_fetch *f = b->prekey_fetch;
    struct prekey_question *q = f ? find_question(f, key) : NULL;
    struct prekey_answer *a = NULL, **end;
    enum wb_err err = reply->err;

    if (!q)
        return;
    q->asked = false;
    if (err == WB_OK) {
        err = parse_answer(b, key, q->parts, reply, &a);
        prekey_part_drop(&q->parts);
    } else if (err == WB_ERR_REFUSED) {
        err = take_refusal(b, q, reply->code);
    }
    if (err != WB_OK)
        log_debug(b->log, "signal", "the prekey query failed: %s (%u)", wb_err_text(err),
                  reply->code);
    if (!a) {
        go_on(f, q, err);
        return;
    }
    q->nanswers++;
    for (end = &f->answers; *end; end = &(*end)->next)
        ;
    *end = a;
    if (f->answers == a)
        work(f);
}

/* Drops all answers: before the next connection another account may be linked, which must not get
 * these sessions. */
static void on_offline(void *ctx, const struct bridge_event *e)
{
    struct bridge *b = ctx;
    struct prekey_fetch *f = b->prekey_fetch;

    (void)e;
    if (!f)
        return;
    timer_stop(b->timers, &f->timer);
    while (f->answers) {
        struct prekey_answer *a = f->answers;

        f->answers = a->next;
        answer_over(f, a, WB_ERR_NET);
    }
}

static void done(struct bridge *b, void *payload, enum wb_err err)
{
    struct prekey_wait *w = payload;
    struct prekey_fetch_result r = {.err = err};
    bool *has = calloc(w->n ? w->n : 1, sizeof *has);
    enum wb_err e = has ? WB_OK : WB_ERR_NOMEM;

    /* A LID that became known meanwhile has moved sessions to another address. */
    for (size_t i = 0; i < w->n && e == WB_OK; i++)
        e = identity_session_address(b, &w->devices[i], &w->devices[i]);
    if (e == WB_OK)
        e = store_sessions_prefetch(b->store, w->devices, w->n, has);
    for (size_t i = 0; i < w->n; i++) {
        int64_t at;

        if (e == WB_OK && has[i])
            continue;
        r.missing++;
        r.gone += prekey_stale_has(&b->prekey_fetch->stale, &w->devices[i], clock_mono_ms(b->clock),
                                   &at) &&
                  at >= w->since_ms;
    }
    if (r.err == WB_OK)
        r.err = e;
    free(has);
    w->fn(b, w->key, &r);
    free(w);
}

static const struct shared_query_ops ops = {
    .chunk_max = PREKEY_FETCH_USERS_MAX, .ask = ask, .done = done, .drop = free};

/* Devices without a session, but not those that the server did not know lately: they are not asked
 * about with every message. With renew all are taken, since the device itself asked for the new
 * session and so exists.
 *
 * The question names the devices as they were listed (P-SD-08, P-US-08); the sessions that answer
 * it are looked up, and later kept, under their canonical addresses. */
static enum wb_err find_unknown(struct bridge *b, const struct prekey_wait *w,
                                const struct jid *listed, bool renew, struct jid *unknown,
                                size_t *ret_n)
{
    const int64_t now = clock_mono_ms(b->clock);
    bool *has = calloc(w->n ? w->n : 1, sizeof *has);
    size_t n = 0;
    enum wb_err err = has ? WB_OK : WB_ERR_NOMEM;

    if (err == WB_OK && !renew)
        err = store_sessions_prefetch(b->store, w->devices, w->n, has);
    for (size_t i = 0; i < w->n && err == WB_OK; i++)
        if (!has[i] && (renew || !prekey_stale_has(&b->prekey_fetch->stale, &listed[i], now, NULL)))
            unknown[n++] = listed[i];
    free(has);
    *ret_n = n;
    return err;
}

enum wb_err prekey_fetch(struct bridge *b, const struct jid *devices, size_t n, bool renew,
                         prekey_fetch_fn *fn, uint64_t key)
{
    struct prekey_wait *w = NULL;
    struct jid *unknown = NULL;
    size_t nunknown = 0;
    enum wb_err err = WB_ERR_NOMEM;

    if (n > PREKEY_FETCH_DEVICES_MAX)
        return WB_ERR_TOO_LARGE;
    w = calloc(1, sizeof *w + n * sizeof w->devices[0]);
    unknown = calloc(n ? n : 1, sizeof *unknown);
    if (!w || !unknown)
        goto out;
    w->fn = fn;
    w->key = key;
    w->since_ms = clock_mono_ms(b->clock);
    w->n = n;
    for (size_t i = 0; i < n; i++)
        TRY(identity_session_address(b, &devices[i], &w->devices[i]));
    TRY(find_unknown(b, w, devices, renew, unknown, &nunknown));
    TRY(shared_query_add(&b->prekey_fetch->query, unknown, nunknown, w));
    w = NULL;
out:
    free(unknown);
    free(w);
    return err;
}

void prekey_fetch_back(struct bridge *b, const struct jid *user)
{
    if (b->prekey_fetch)
        prekey_stale_forget_user(&b->prekey_fetch->stale, user);
}

enum wb_err prekey_fetch_new(struct bridge *b, struct prekey_fetch **ret_f)
{
    struct prekey_fetch *f = calloc(1, sizeof *f);
    enum wb_err err;

    if (!f)
        return WB_ERR_NOMEM;
    f->b = b;
    shared_query_init(&f->query, b, &ops);
    err = events_on(&b->events, BRIDGE_EV_OFFLINE, on_offline, b);
    if (err == WB_OK)
        *ret_f = f;
    else
        prekey_fetch_free(f);
    return err;
}

void prekey_fetch_free(struct prekey_fetch *f)
{
    if (!f)
        return;
    timer_stop(f->b->timers, &f->timer);
    while (f->answers) {
        struct prekey_answer *a = f->answers;

        f->answers = a->next;
        free(a);
    }
    while (f->questions) {
        struct prekey_question *q = f->questions;

        f->questions = q->next;
        free_question(q);
    }
    prekey_part_free_all(&f->kept);
    shared_query_free(&f->query);
    free(f);
}
