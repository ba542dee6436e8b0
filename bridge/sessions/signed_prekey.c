#include "bridge/sessions/signed_prekey.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/secret.h"
#include "bridge/conn/conn.h"
#include "bridge/conn/own_keys.h"
#include "bridge/conn/prekey_upload.h"
#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "store/session/account.h"
#include "store/session/signed_prekeys.h"

enum {
    DAY_S = 24 * 3600,
    ROTATE_AFTER_S = 30 * DAY_S,
    /* The server keeps messages for people who are offline for about 30 days; and a sender may have
     * fetched our keys some time before it wrote. */
    KEEP_REPLACED_S = 45 * DAY_S,
    CHECK_MS = 6 * 3600 * 1000,
    AGAIN_MS = 3600 * 1000, /* after a refusal or no answer */
    PAUSE_MAX_S = DAY_S,    /* at most, even if the server's refusal names more */
    MORE_MS = 1000,         /* until the next rows are removed */
    /* No clock, not even the server's, makes us rotate more often while we run. */
    MADE_PAUSE_MS = 7 * DAY_S * 1000,
    SKEY_ID_BYTES = 3,
    SKEY_ARENA_MAX = 64 << 10,
};

struct signed_prekey {
    struct bridge *b;
    struct timer timer;
    bool waiting;     /* the answer to a rotation or a digest is awaited */
    uint32_t sent_id; /* the key that the server was told of */
    uint64_t uploads; /* prekey_upload_count() when that key was sent */
    int64_t made_ms;  /* monotonic time when this run made one; 0: never */
    bool refused;     /* the key that was sent to the server last */
    int64_t pause_ms; /* after a refusal no key is sent before this monotonic time */
};

static void check(struct signed_prekey *p);

static void on_timer(void *ctx)
{
    check(ctx);
}

static void look_again(struct signed_prekey *p, int64_t ms)
{
    timer_start(p->b->timers, &p->timer, ms, on_timer, p);
}

/* After a refusal no key is sent again before the pause is over, whether the timer, a login or a
 * digest asks for it. 0: a key may be sent. */
static int64_t pause_left_ms(const struct signed_prekey *p)
{
    const int64_t left = p->pause_ms - clock_mono_ms(p->b->clock);

    return p->refused && left > 0 ? left : 0;
}

/* ---- telling the server ---- */

static void on_rotated(struct bridge *b, uint64_t key, const struct iq_reply *reply);

static enum wb_err send(struct signed_prekey *p, const struct store_signed_prekey *k)
{
    struct bridge *b = p->b;
    struct arena a = arena_new(SKEY_ARENA_MAX);
    struct node *iq = iq_new(&a, "set", "encrypt", NULL);
    enum wb_err err;

    own_skey_node(&a, node_child_new(&a, iq, "rotate"), k->id, k->pair.pub, k->sig);
    err = iq_send(&b->iq, &a, iq, 0, on_rotated, k->id);
    if (err == WB_OK) {
        p->waiting = true;
        p->sent_id = k->id;
        p->uploads = prekey_upload_count(b->prekeys);
        log_info(b->log, "prekeys", "signed prekey %u is uploaded", (unsigned)k->id);
    }
    arena_free(&a);
    return err;
}

/* The server has the pending key: it becomes the current one. */
static enum wb_err put_into_use(struct signed_prekey *p, uint32_t id)
{
    struct bridge *b = p->b;
    enum wb_err err;

    FAULT_POINT("rotate.answered");
    err = store_signed_prekey_use(b->store, id, bridge_server_now_s(b));
    if (err != WB_OK) {
        batch_fail(b, err);
        return err;
    }
    TRY(batch_commit(b));
    FAULT_POINT("rotate.used");
    conn_signed_prekey_changed(b->conn);
    log_info(b->log, "prekeys", "signed prekey %u is in use", (unsigned)id);
out:
    return err;
}

/* Sends the key with this id, current or pending, to the server once more. */
static enum wb_err tell(struct signed_prekey *p, uint32_t id)
{
    struct store_signed_prekey k = {.id = 0};
    enum wb_err err = store_signed_prekey_pending(p->b->store, &k);

    if (err == WB_ERR_NOT_FOUND || (err == WB_OK && k.id != id))
        err = store_signed_prekey_current(p->b->store, bridge_server_now_s(p->b), &k);
    if (err == WB_OK)
        err = send(p, &k);
    secret_wipe(&k, sizeof k);
    return err;
}

/* An hour, or as long as <error backoff=seconds> wants it. */
static void begin_pause(struct signed_prekey *p, const struct iq_reply *reply)
{
    const struct node *error = reply->node ? node_child(reply->node, "error") : NULL;
    int64_t ms = AGAIN_MS;
    uint64_t s;

    if (error && node_attr_get_u64(error, "backoff", &s)) {
        s = s < PAUSE_MAX_S ? s : PAUSE_MAX_S;
        ms = (int64_t)s * 1000 > ms ? (int64_t)s * 1000 : ms;
    }
    p->refused = true;
    p->pause_ms = clock_mono_ms(p->b->clock) + ms;
    look_again(p, ms < CHECK_MS ? ms : CHECK_MS);
}

static void on_rotated(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct signed_prekey *p = b->signed_prekey;
    const uint32_t id = (uint32_t)key;

    if (!p || !p->waiting || id != p->sent_id)
        return;
    p->waiting = false;
    if (reply->err != WB_OK) {
        log_warn(b->log, "prekeys", "signed prekey %u was not taken: %s (%u)", (unsigned)id,
                 wb_err_text(reply->err), reply->code);
        if (reply->err == WB_ERR_REFUSED || reply->err == WB_ERR_RATE_LIMITED) {
            begin_pause(p, reply);
            signed_prekey_verify(p); /* perhaps an earlier answer was lost */
        } else {
            look_again(p, AGAIN_MS);
        }
        return;
    }
    p->refused = false;
    /* One-time prekeys that were uploaded after this key named the earlier signed prekey, and so
     * made it the server's key again. */
    if (prekey_upload_count(b->prekeys) != p->uploads) {
        if (tell(p, id) != WB_OK)
            look_again(p, AGAIN_MS);
        return;
    }
    if (id != b->account->keys.signed_prekey_id)
        (void)put_into_use(p, id);
}

/* ---- comparing ---- */

static bool says(const struct node *parent, const char *tag, struct span ours)
{
    return span_eq(node_content_bytes(node_child(parent, tag)), ours);
}

static bool is_skey(const struct node *skey, uint32_t id, const uint8_t *pub)
{
    const uint8_t bytes[SKEY_ID_BYTES] = {(uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};

    return skey && says(skey, "id", SPAN_ARRAY(bytes)) &&
           says(skey, "value", SPAN(pub, X25519_KEY_BYTES));
}

static enum wb_err compare(struct signed_prekey *p, const struct node *digest)
{
    struct bridge *b = p->b;
    const struct device_keys *ours = &b->account->keys;
    const struct node *skey = node_child(digest, "skey");
    struct store_signed_prekey pending = {.id = 0};
    enum wb_err err;

    if (!says(digest, "identity", SPAN_ARRAY(ours->identity.pub)))
        log_error(b->log, "prekeys", "the server has another identity key of this device");
    err = store_signed_prekey_pending(b->store, &pending);
    if (err == WB_OK && is_skey(skey, pending.id, pending.pair.pub)) {
        p->refused = false;
        err = put_into_use(p, pending.id);
    } else if ((err == WB_OK || err == WB_ERR_NOT_FOUND) &&
               is_skey(skey, ours->signed_prekey_id, ours->signed_prekey.pub)) {
        log_debug(b->log, "prekeys", "the server has our signed prekey");
        if (pending.id == 0)
            p->refused = false;
        err = WB_OK;
    } else if (err == WB_OK || err == WB_ERR_NOT_FOUND) {
        log_warn(b->log, "prekeys", "the server has another signed prekey than ours");
        err = pause_left_ms(p) > 0 ? WB_OK /* check() comes back to it */
                                   : tell(p, pending.id ? pending.id : ours->signed_prekey_id);
    }
    secret_wipe(&pending, sizeof pending);
    return err;
}

static void on_digest(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct signed_prekey *p = b->signed_prekey;
    const struct node *digest = reply->node ? node_child(reply->node, "digest") : NULL;
    enum wb_err err = reply->err;

    (void)key;
    if (!p || !p->waiting || p->sent_id != 0)
        return;
    p->waiting = false;
    if (err == WB_ERR_REFUSED && reply->code == 404) { /* P-LG-10 */
        log_warn(b->log, "prekeys", "the server has no keys of ours");
        prekey_upload_anew(b->prekeys);
        return;
    }
    if (err == WB_OK)
        err = digest ? compare(p, digest) : WB_ERR_PROTOCOL;
    if (err != WB_OK)
        log_warn(b->log, "prekeys", "our keys could not be compared: %s (%u)", wb_err_text(err),
                 reply->code);
}

void signed_prekey_verify(struct signed_prekey *p)
{
    struct arena a = arena_new(SKEY_ARENA_MAX);
    struct node *iq = iq_new(&a, "get", "encrypt", NULL);

    node_child_new(&a, iq, "digest");
    if (p && !p->waiting && p->b->account && iq_send(&p->b->iq, &a, iq, 0, on_digest, 0) == WB_OK) {
        p->waiting = true;
        p->sent_id = 0;
    }
    arena_free(&a);
}

/* ---- when ---- */

static bool may_make(const struct signed_prekey *p)
{
    return p->made_ms == 0 || clock_mono_ms(p->b->clock) - p->made_ms >= MADE_PAUSE_MS;
}

/* Makes the next key and commits it before anybody can have it. */
static enum wb_err make(struct signed_prekey *p, struct store_signed_prekey *ret)
{
    struct bridge *b = p->b;
    enum wb_err err = store_signed_prekey_make(b->store, b->rng, &b->account->keys.identity,
                                               bridge_server_now_s(b), ret);

    if (err == WB_OK)
        p->made_ms = clock_mono_ms(b->clock);
    return err;
}

/* Does what is due in the store. *ret: the key to send to the server (id 0: none). */
static enum wb_err plan(struct signed_prekey *p, struct store_signed_prekey *ret, bool *ret_more)
{
    struct bridge *b = p->b;
    const int64_t now = bridge_server_now_s(b);
    struct store_signed_prekey current = {.id = 0};
    enum wb_err err;

    ret->id = 0;
    TRY(store_signed_prekey_current(b->store, now, &current));
    TRY(store_signed_prekeys_retire(b->store, now - KEEP_REPLACED_S, ret_more));
    err = store_signed_prekey_pending(b->store, ret);
    if (err == WB_ERR_NOT_FOUND)
        err = now - current.since >= ROTATE_AFTER_S && may_make(p) ? make(p, ret) : WB_OK;
out:
    secret_wipe(&current, sizeof current);
    return err;
}

static void check(struct signed_prekey *p)
{
    struct bridge *b = p->b;
    struct store_signed_prekey next = {.id = 0};
    const int64_t pause = pause_left_ms(p);
    bool more = false;
    enum wb_err err = WB_OK;

    timer_stop(b->timers, &p->timer);
    /* By the server's time only: a machine's clock may be years off. */
    if (!conn_online(b->conn) || !b->account || !b->server_time_known)
        return;
    look_again(p, pause > 0 && pause < CHECK_MS ? pause : CHECK_MS);
    if (p->waiting)
        return;
    err = plan(p, &next, &more);
    if (err == WB_ERR_STATE) {
        log_error(b->log, "prekeys", "all ids of signed prekeys are used up");
        err = WB_OK;
    }
    if (err != WB_OK) {
        batch_fail(b, err);
        goto out;
    }
    TRY(batch_commit(b));
    if (more)
        look_again(p, MORE_MS);
    if (next.id && pause == 0) {
        FAULT_POINT("rotate.stored");
        TRY(send(p, &next));
    } else if (p->refused && pause == 0) { /* the current key was refused: does the server still
                                            * lack it? */
        signed_prekey_verify(p);
    }
out:
    if (err != WB_OK)
        log_warn(b->log, "prekeys", "the signed prekey is looked at later: %s", wb_err_text(err));
    secret_wipe(&next, sizeof next);
}

static void on_online(void *ctx, const struct bridge_event *e)
{
    struct bridge *b = ctx;

    (void)e;
    if (b->signed_prekey)
        check(b->signed_prekey);
}

/* Whether the server has the pending key is not known: it is told again. */
static void on_offline(void *ctx, const struct bridge_event *e)
{
    struct bridge *b = ctx;

    (void)e;
    if (!b->signed_prekey)
        return;
    timer_stop(b->timers, &b->signed_prekey->timer);
    b->signed_prekey->waiting = false;
}

enum wb_err signed_prekey_new(struct bridge *b, struct signed_prekey **ret_p)
{
    struct signed_prekey *p = calloc(1, sizeof *p);
    enum wb_err err;

    if (!p)
        return WB_ERR_NOMEM;
    p->b = b;
    TRY(events_on(&b->events, BRIDGE_EV_ONLINE, on_online, b));
    TRY(events_on(&b->events, BRIDGE_EV_OFFLINE, on_offline, b));
    *ret_p = p;
    p = NULL;
out:
    free(p);
    return err;
}

void signed_prekey_free(struct signed_prekey *p)
{
    if (!p)
        return;
    timer_stop(p->b->timers, &p->timer);
    free(p);
}
