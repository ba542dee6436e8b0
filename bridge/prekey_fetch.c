#include "bridge/prekey_fetch.h"

#include <stdlib.h>

#include "base/secret.h"
#include "bridge/batch.h"
#include "bridge/bridge.h"
#include "bridge/identity.h"
#include "bridge/shared_query.h"
#include "crypto/signal.h"
#include "store/account.h"
#include "store/devices.h"
#include "store/identity_gone.h"
#include "store/signal_store.h"

enum { PREKEY_ARENA_MAX = 4 << 20, PREKEY_ID_BYTES = 3, REGISTRATION_BYTES = 4 };

/* Each costs some 0.4 ms (a signature, four key agreements, a record), a linked device two
 * signatures more: so many between two looks at the sockets, however large the group. */
enum { USERS_AT_ONCE = 32 };

/* The answer to one question, on its way into sessions. */
struct prekey_user {
    struct jid device;
    enum wb_err err; /* of reading its bundle */
    struct signal_bundle bundle;
    struct prekey_kept_statement statement; /* what its account says of it */
};
struct prekey_answer {
    struct prekey_answer *next;
    uint64_t id; /* of the question */
    size_t n, at;
    struct prekey_user users[];
};

struct prekey_fetch {
    struct bridge *b;
    struct shared_query query;
    struct prekey_answer *answers; /* oldest first */
    struct timer timer;
};

struct prekey_wait {
    prekey_fetch_fn *fn;
    uint64_t key;
    size_t n;
    struct jid devices[]; /* canonical addresses */
};

/* ---- keys on the wire (P-SD-09) ------------------------------------------------------------ */

static uint32_t be_number(struct span s)
{
    uint32_t v = 0;

    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | s.p[i];
    return v;
}

static bool get_bytes(const struct node *parent, const char *tag, size_t n, uint8_t *out)
{
    struct span s = node_content_bytes(node_child(parent, tag));

    if (s.n != n || !s.p)
        return false;
    memcpy(out, s.p, n);
    return true;
}

static bool get_key(const struct node *key, uint32_t *ret_id, uint8_t out[static X25519_KEY_BYTES])
{
    struct span id = node_content_bytes(node_child(key, "id"));

    if (id.n != PREKEY_ID_BYTES || !get_bytes(key, "value", X25519_KEY_BYTES, out))
        return false;
    *ret_id = be_number(id);
    return true;
}

enum wb_err prekey_bundle_parse(const struct node *n, struct signal_bundle *ret_bundle)
{
    struct signal_bundle v = {0};
    const struct node *keys = node_child(n, "keys"), *key, *skey;
    struct span registration = node_content_bytes(node_child(n, "registration"));

    if (node_child(n, "error"))
        return WB_ERR_REFUSED;
    if (!keys)
        keys = n;
    key = node_child(keys, "key");
    skey = node_child(keys, "skey");
    if (registration.n != REGISTRATION_BYTES ||
        !get_bytes(keys, "identity", X25519_KEY_BYTES, v.identity) ||
        !get_key(skey, &v.signed_prekey_id, v.signed_prekey) ||
        !get_bytes(skey, "signature", XEDDSA_SIG_BYTES, v.signed_prekey_sig))
        return WB_ERR_MALFORMED;
    v.registration_id = be_number(registration);
    v.has_prekey = key != NULL;
    if (key && !get_key(key, &v.prekey_id, v.prekey))
        return WB_ERR_MALFORMED;
    *ret_bundle = v;
    return WB_OK;
}

struct span prekey_statement(const struct node *n)
{
    const struct node *own = node_child(n, "device-identity");

    return node_content_bytes(own ? own : node_child(node_child(n, "keys"), "device-identity"));
}

void prekey_keep_statement(struct prekey_kept_statement *k, struct span statement)
{
    k->n = statement.n < sizeof k->bytes ? statement.n : sizeof k->bytes;
    if (k->n)
        memcpy(k->bytes, statement.p, k->n);
}

/* ---- sessions ------------------------------------------------------------------------------ */

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

/* The new identity is taken, as in every client; but nobody's in the name of our own phone. */
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
    if (rebuilt || changed) /* whoever is behind the session now has no sender key of ours */
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

/* ---- asking -------------------------------------------------------------------------------- */

static void on_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply);

static enum wb_err ask(struct bridge *b, const struct jid *devices, size_t n, uint64_t id)
{
    struct arena a = arena_new(PREKEY_ARENA_MAX);
    struct node *iq = iq_new(&a, "get", "encrypt", NULL);
    struct node *key = node_child_new(&a, iq, "key");
    enum wb_err err;

    for (size_t i = 0; i < n; i++) {
        struct node *user = node_child_new(&a, key, "user");

        node_attr_jid(&a, user, "jid", &devices[i]);
        node_attr_text(&a, user, "reason", "identity");
    }
    err = iq_send(&b->iq, &a, iq, 0, on_answer, id);
    arena_free(&a);
    return err;
}

static bool fatal(enum wb_err err)
{
    return wb_err_class(err) == WB_CLASS_LOCAL || wb_err_class(err) == WB_CLASS_BUG;
}

/* What was asked for, of the server's list; whatever is wrong with one <user> concerns that device
 * only. */
static enum wb_err parse_answer(struct bridge *b, uint64_t id, const struct iq_reply *reply,
                                struct prekey_answer **ret_answer)
{
    const struct node *list = node_child(reply->node, "list");
    size_t nasked = 0;
    const struct jid *asked = shared_query_jids(&b->prekey_fetch->query, id, &nasked);
    struct prekey_answer *a;

    if (!list || !asked)
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
        u->err = prekey_bundle_parse(n, &u->bundle);
        if (u->err == WB_OK)
            prekey_keep_statement(&u->statement, prekey_statement(n));
        a->n++;
    }
    *ret_answer = a;
    return WB_OK;
}

static enum wb_err take_user(struct bridge *b, const struct prekey_user *u,
                             const struct signal_local *local)
{
    char text[JID_TEXT_MAX], shown[LOG_PHONE_BYTES];
    const struct span statement = SPAN(u->statement.bytes, u->statement.n);
    enum wb_err err = u->err == WB_OK ? start(b, &u->device, local, &u->bundle, statement) : u->err;

    if (err != WB_OK)
        log_warn(b->log, "signal", "no session with %s device %u: %s",
                 log_phone(shown, jid_text(&u->device, text)), (unsigned)u->device.device,
                 wb_err_text(err));
    return fatal(err) ? err : WB_OK;
}

static enum wb_err take_some(struct bridge *b, struct prekey_answer *a)
{
    size_t end = a->n - a->at > USERS_AT_ONCE ? a->at + USERS_AT_ONCE : a->n;
    struct signal_local local;
    enum wb_err err = load_local(b, &local);

    while (a->at < end && err == WB_OK)
        err = take_user(b, &a->users[a->at++], &local);
    secret_wipe(&local, sizeof local);
    if (err != WB_OK && fatal(err))
        batch_fail(b, err);
    return err;
}

static void on_timer(void *ctx);

/* Some of the oldest answer, which is out of the list meanwhile: a failure may end the connection,
 * and with it all that are in the list. */
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
        shared_query_end(&f->query, a->id, err);
        free(a);
    }
    if (f->answers)
        timer_start(f->b->timers, &f->timer, 0, on_timer, f);
}

static void on_timer(void *ctx)
{
    work(ctx);
}

static void on_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct prekey_fetch *f = b->prekey_fetch;
    struct prekey_answer *a = NULL, **end;
    enum wb_err err = reply->err;

    if (!f)
        return;
    if (err == WB_OK)
        err = parse_answer(b, key, reply, &a);
    if (err != WB_OK) {
        log_debug(b->log, "signal", "the prekey query failed: %s (%u)", wb_err_text(err),
                  reply->code);
        shared_query_end(&f->query, key, err);
        return;
    }
    for (end = &f->answers; *end; end = &(*end)->next)
        ;
    *end = a;
    if (f->answers == a)
        work(f);
}

/* The session may be another one before the next connection: nothing is put into that. */
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
        shared_query_end(&f->query, a->id, WB_ERR_NET);
        free(a);
    }
}

static void done(struct bridge *b, void *payload, enum wb_err err)
{
    struct prekey_wait *w = payload;
    struct prekey_fetch_result r = {.err = err};
    bool *has = calloc(w->n ? w->n : 1, sizeof *has);
    enum wb_err e = has ? WB_OK : WB_ERR_NOMEM;

    /* A LID that became known meanwhile has moved the sessions. */
    for (size_t i = 0; i < w->n && e == WB_OK; i++)
        e = identity_session_address(b, &w->devices[i], &w->devices[i]);
    if (e == WB_OK)
        e = store_sessions_prefetch(b->store, w->devices, w->n, has);
    for (size_t i = 0; i < w->n; i++)
        r.missing += e != WB_OK || !has[i];
    if (r.err == WB_OK)
        r.err = e;
    free(has);
    w->fn(b, w->key, &r);
    free(w);
}

static const struct shared_query_ops ops = {
    .chunk_max = PREKEY_FETCH_USERS_MAX, .ask = ask, .done = done, .drop = free};

/* The question names the devices as they were listed (P-SD-08, P-US-08); the sessions that answer
 * it are looked up, and later kept, under their canonical addresses. */
static enum wb_err find_unknown(struct bridge *b, const struct prekey_wait *w,
                                const struct jid *listed, bool renew, struct jid *unknown,
                                size_t *ret_n)
{
    bool *has = calloc(w->n ? w->n : 1, sizeof *has);
    size_t n = 0;
    enum wb_err err = has ? WB_OK : WB_ERR_NOMEM;

    if (err == WB_OK && !renew)
        err = store_sessions_prefetch(b->store, w->devices, w->n, has);
    for (size_t i = 0; i < w->n && err == WB_OK; i++)
        if (!has[i])
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
    shared_query_free(&f->query);
    free(f);
}
