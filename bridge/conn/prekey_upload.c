#include "bridge/conn/prekey_upload.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/secret.h"
#include "bridge/conn/conn_private.h"
#include "bridge/conn/own_keys.h"
#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "store/session/prekeys.h"

enum { KEY_TYPE_DJB = 5, PREKEY_STANZA_ARENA_MAX = 1 << 20 };

/* Which answer of the server we wait for. */
enum prekey_step { PREKEY_IDLE, PREKEY_WAIT_COUNT, PREKEY_WAIT_UPLOAD };

struct prekey_upload {
    struct bridge *b;
    enum prekey_step step;
    bool login;          /* a login waits for CONN_EV_PREKEYS */
    int64_t uploaded_ms; /* monotonic time of the last good upload; 0: never */
    uint64_t uploads;    /* uploads that have left */
    struct timer retry;
    int64_t retry_a, retry_b; /* two Fibonacci numbers, seconds */
};

static void ask_count(struct prekey_upload *p);

enum wb_err prekey_upload_new(struct bridge *b, struct prekey_upload **ret_p)
{
    struct prekey_upload *p = calloc(1, sizeof *p);

    if (!p)
        return WB_ERR_NOMEM;
    p->b = b;
    *ret_p = p;
    return WB_OK;
}

void prekey_upload_free(struct prekey_upload *p)
{
    if (!p)
        return;
    timer_stop(p->b->timers, &p->retry);
    free(p);
}

static void on_retry(void *ctx)
{
    struct prekey_upload *p = ctx;

    if (p->step == PREKEY_IDLE && conn_logged_in(p->b->conn))
        ask_count(p);
}

/* How long the server wants no request of the kinds that an upload needs, ms. */
static int64_t pause_left_ms(const struct prekey_upload *p)
{
    const int64_t count = iq_pause_left_ms(&p->b->iq, IQ_KIND_PREKEYS);
    const int64_t keys = iq_pause_left_ms(&p->b->iq, IQ_KIND_PREKEY_UPLOAD);

    return count > keys ? count : keys;
}

static void retry_later(struct prekey_upload *p)
{
    int64_t s = p->retry_a + p->retry_b;
    const int64_t pause_ms = pause_left_ms(p);

    if (s == 0)
        s = 1;
    p->retry_a = p->retry_b;
    p->retry_b = s < PREKEY_RETRY_MAX_S ? s : PREKEY_RETRY_MAX_S;
    timer_start(p->b->timers, &p->retry,
                p->retry_b * 1000 > pause_ms ? p->retry_b * 1000 : pause_ms, on_retry, p);
}

static void over(struct prekey_upload *p, bool ok)
{
    bool login = p->login;

    p->step = PREKEY_IDLE;
    p->login = false;
    if (ok)
        p->retry_a = p->retry_b = 0;
    else if (conn_logged_in(p->b->conn))
        retry_later(p);
    if (login)
        conn_event(p->b->conn, CONN_EV_PREKEYS, NULL);
}

static void add_id(struct arena *a, struct node *parent, uint32_t id)
{
    const uint8_t bytes[] = {(uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};

    node_set_bytes(a, node_child_new(a, parent, "id"), SPAN_ARRAY(bytes));
}

static void add_bytes(struct arena *a, struct node *parent, const char *tag, struct span bytes)
{
    node_set_bytes(a, node_child_new(a, parent, tag), bytes);
}

/* Children in the order of P-LG-06. */
static struct node *upload_node(struct arena *a, const struct device_keys *k,
                                const struct store_prekey *keys, size_t n)
{
    struct node *iq = iq_new(a, "set", "encrypt", NULL);
    const uint32_t r = k->registration_id;
    const uint8_t registration[] = {(uint8_t)(r >> 24), (uint8_t)(r >> 16), (uint8_t)(r >> 8),
                                    (uint8_t)r};
    const uint8_t type[] = {KEY_TYPE_DJB};
    struct node *list;

    add_bytes(a, iq, "registration", SPAN_ARRAY(registration));
    add_bytes(a, iq, "type", SPAN_ARRAY(type));
    add_bytes(a, iq, "identity", SPAN_ARRAY(k->identity.pub));
    list = node_child_new(a, iq, "list");
    for (size_t i = 0; i < n; i++) {
        struct node *key = node_child_new(a, list, "key");

        add_id(a, key, keys[i].id);
        add_bytes(a, key, "value", SPAN_ARRAY(keys[i].pair.pub));
    }
    own_skey_node(a, iq, k->signed_prekey_id, k->signed_prekey.pub, k->signed_prekey_sig);
    return iq;
}

static void on_uploaded(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct prekey_upload *p = b->prekeys;

    (void)key;
    if (p->step != PREKEY_WAIT_UPLOAD)
        return;
    if (reply->err == WB_OK) {
        p->uploaded_ms = clock_mono_ms(b->clock);
        FAULT_POINT("prekeys.uploaded");
        log_debug(b->log, "prekeys", "uploaded");
    } else {
        log_warn(b->log, "prekeys", "the upload failed: %s (%u)", wb_err_text(reply->err),
                 reply->code);
    }
    over(p, reply->err == WB_OK);
}

/* Marked as offered, made durable, then sent (rule 7: an id that may have been offered is never
 * used again). */
static enum wb_err upload(struct prekey_upload *p, size_t n)
{
    struct bridge *b = p->b;
    struct store_prekey *keys = calloc(n, sizeof *keys);
    struct arena a = arena_new(PREKEY_STANZA_ARENA_MAX);
    enum wb_err err = keys ? WB_OK : WB_ERR_NOMEM;

    TRY(err);
    /* A key can be offered only once, so no key is marked before the upload may leave. */
    if (iq_pause_left_ms(&b->iq, IQ_KIND_PREKEY_UPLOAD) > 0)
        err = WB_ERR_RATE_LIMITED;
    TRY(err);
    err = store_prekeys_offer(b->store, b->rng, n, keys);
    if (err == WB_ERR_STATE) { /* sessions can be set up without one-time keys, too */
        log_error(b->log, "prekeys", "all ids are used up: no more one-time keys are offered");
        goto out;
    }
    if (err != WB_OK) {
        batch_fail(b, err);
        goto out;
    }
    FAULT_POINT("prekeys.offered");
    TRY(batch_commit(b));
    FAULT_POINT("prekeys.stored");
    p->step = PREKEY_WAIT_UPLOAD;
    TRY(iq_send(&b->iq, &a, upload_node(&a, &b->account->keys, keys, n), 0, on_uploaded, 0));
    p->uploads++;
    log_info(b->log, "prekeys", "uploading %zu one-time keys", n);
out:
    secret_free_sized(keys, n * sizeof *keys);
    arena_free(&a);
    return err;
}

/* How many keys to upload; 0: none. */
static size_t wanted(const struct prekey_upload *p, uint64_t server, size_t offered)
{
    int64_t now = clock_mono_ms(p->b->clock);

    if (server == 0 && offered == 0)
        return PREKEY_FIRST_BATCH;
    if (p->uploaded_ms > 0 && now - p->uploaded_ms < PREKEY_RECENT_MS && server >= PREKEY_BATCH)
        return 0;
    return server < PREKEY_MIN || offered < PREKEY_MIN ? PREKEY_BATCH : 0;
}

static void on_count(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct prekey_upload *p = b->prekeys;
    const struct node *count = reply->node ? node_child(reply->node, "count") : NULL;
    uint64_t server;
    size_t offered, n;

    (void)key;
    if (p->step != PREKEY_WAIT_COUNT)
        return;
    if (reply->err != WB_OK || !count || !node_attr_get_u64(count, "value", &server) ||
        store_prekeys_count(b->store, NULL, &offered) != WB_OK) {
        log_warn(b->log, "prekeys", "the count could not be read: %s (%u)", wb_err_text(reply->err),
                 reply->code);
        over(p, false);
        return;
    }
    n = wanted(p, server, offered);
    log_debug(b->log, "prekeys", "%llu on the server, %zu here", (unsigned long long)server,
              offered);
    if (n == 0)
        over(p, true);
    else if (upload(p, n) != WB_OK)
        over(p, false);
}

static void ask_count(struct prekey_upload *p)
{
    struct arena a = arena_new(16 * 1024);
    struct node *n = iq_new(&a, "get", "encrypt", NULL);

    timer_stop(p->b->timers, &p->retry);
    p->step = PREKEY_WAIT_COUNT;
    node_child_new(&a, n, "count");
    if (iq_send(&p->b->iq, &a, n, 0, on_count, 0) != WB_OK)
        over(p, false);
    arena_free(&a);
}

void prekey_upload_login(struct prekey_upload *p)
{
    p->login = true;
    if (p->step == PREKEY_IDLE)
        ask_count(p);
}

void prekey_upload_refill(struct prekey_upload *p, uint64_t server_count)
{
    if (server_count >= PREKEY_MIN || p->step != PREKEY_IDLE)
        return;
    /* Asks the server for the count again: the notification may be older than our last upload
     * (P-LG-08). */
    ask_count(p);
}

void prekey_upload_anew(struct prekey_upload *p)
{
    if (p->step == PREKEY_IDLE && upload(p, PREKEY_BATCH) != WB_OK)
        over(p, false);
}

uint64_t prekey_upload_count(const struct prekey_upload *p)
{
    return p->uploads;
}

void prekey_upload_stop(struct prekey_upload *p)
{
    timer_stop(p->b->timers, &p->retry);
    p->step = PREKEY_IDLE;
    p->login = false;
}
