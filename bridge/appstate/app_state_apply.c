#include "bridge/appstate/app_state_apply.h"

#include <string.h>

#include "base/secret.h"
#include "bridge/appstate/limits.h"

/* The key of the last record, which is mostly the key of the next one, too. */
struct key_at_hand {
    struct store_appstate_key key;
    struct appstate_keys keys;
};

static enum wb_err take_key(struct app_state_apply *x, struct span id, struct key_at_hand *at)
{
    enum wb_err err;

    if (at->key.id_n && span_eq(id, SPAN(at->key.id, at->key.id_n)))
        return WB_OK;
    err = id.n && id.n <= APPSTATE_KEY_ID_MAX ? store_appstate_key_get(x->store, id, &at->key)
                                              : WB_ERR_MALFORMED;
    if (err == WB_ERR_NOT_FOUND)
        x->missing_key = id;
    if (err == WB_OK)
        appstate_keys_expand(at->key.data, &at->keys);
    return err;
}

static struct span value_mac(const struct appstate_record *r)
{
    return span_skip(r->value, r->value.n - APPSTATE_MAC_LEN);
}

static enum wb_err check_shape(const struct appstate_patch *p)
{
    if (p->n > APP_STATE_RECORDS_MAX)
        return WB_ERR_TOO_LARGE;
    if (p->snapshot_mac.n != APPSTATE_MAC_LEN || p->version > INT64_MAX)
        return WB_ERR_MALFORMED;
    for (size_t i = 0; i < p->n; i++)
        if (p->records[i].index_mac.n != APPSTATE_MAC_LEN ||
            p->records[i].value.n < APPSTATE_MAC_LEN)
            return WB_ERR_MALFORMED;
    return WB_OK;
}

/* The records of a patch by their index MAC: the last one of each bucket, and the one before each.
 */
enum { BUCKETS = 1024 };
struct by_index {
    int32_t last[BUCKETS];
    int32_t *before;
};

static size_t bucket_of(struct span index_mac)
{
    return index_mac.p[0] | (size_t)(index_mac.p[1] & 3) << 8;
}

static enum wb_err by_index_new(struct app_state_apply *x, size_t n, struct by_index **ret)
{
    struct by_index *at = arena_alloc(x->arena, sizeof *at);

    if (!at)
        return WB_ERR_TOO_LARGE;
    at->before = arena_alloc(x->arena, (n + 1) * sizeof *at->before);
    if (!at->before)
        return WB_ERR_TOO_LARGE;
    for (size_t i = 0; i < BUCKETS; i++)
        at->last[i] = -1;
    *ret = at;
    return WB_OK;
}

/* The value that this index had before record i: from this patch, else from earlier ones (P-AS-14).
 * Then notes record i as the last one of the index. */
static enum wb_err value_before(const struct app_state_apply *x, const struct appstate_patch *p,
                                struct by_index *at, size_t i,
                                uint8_t ret_mac[static APPSTATE_MAC_LEN])
{
    const struct span index_mac = p->records[i].index_mac;
    int32_t *last = &at->last[bucket_of(index_mac)], k = *last;

    at->before[i] = *last;
    *last = (int32_t)i;
    while (k >= 0 && !span_eq(p->records[k].index_mac, index_mac))
        k = at->before[k];
    if (k < 0)
        return store_appstate_mac_get(x->store, x->name, index_mac.p, ret_mac);
    if (p->records[k].remove)
        return WB_ERR_NOT_FOUND;
    memcpy(ret_mac, value_mac(&p->records[k]).p, APPSTATE_MAC_LEN);
    return WB_OK;
}

/* The hash over all values after the patch. */
static enum wb_err next_hash(struct app_state_apply *x, const struct appstate_patch *p,
                             bool snapshot, uint8_t hash[static APPSTATE_LT_HASH_BYTES])
{
    uint8_t before[APPSTATE_MAC_LEN];
    struct by_index *at = NULL;
    enum wb_err err;

    TRY(by_index_new(x, p->n, &at));
    for (size_t i = 0; i < p->n; i++) {
        const struct appstate_record *r = &p->records[i];

        if (!snapshot) {
            err = value_before(x, p, at, i, before);
            if (err == WB_OK)
                appstate_hash_remove(hash, before);
            if (err == WB_ERR_NOT_FOUND)
                err = WB_OK;
            TRY(err);
        }
        if (!r->remove)
            appstate_hash_add(hash, value_mac(r).p);
    }
out:
    return err;
}

static enum wb_err check_macs(const struct app_state_apply *x, const struct appstate_patch *p,
                              bool snapshot, const struct appstate_keys *keys,
                              const uint8_t hash[static APPSTATE_LT_HASH_BYTES])
{
    const struct span name = span_cstr(x->name);
    struct buf macs = buf_new(APP_STATE_RECORDS_MAX * APPSTATE_MAC_LEN);
    uint8_t mac[APPSTATE_MAC_LEN];
    enum wb_err err = WB_OK;

    appstate_snapshot_mac(keys, hash, p->version, name, mac);
    TRY(secret_eq(mac, p->snapshot_mac.p, sizeof mac) ? WB_OK : WB_ERR_BAD_MAC);
    if (snapshot)
        goto out;
    for (size_t i = 0; i < p->n; i++)
        buf_append(&macs, value_mac(&p->records[i]));
    TRY(buf_err(&macs));
    appstate_patch_mac(keys, p->snapshot_mac, buf_span(&macs), p->version, name, mac);
    TRY(p->patch_mac.n == sizeof mac && secret_eq(mac, p->patch_mac.p, sizeof mac)
            ? WB_OK
            : WB_ERR_BAD_MAC);
out:
    buf_free(&macs);
    return err;
}

/* A wanted action, kept until the whole patch is verified. */
struct kept_action {
    struct kept_action *next;
    bool removed;
    struct appstate_action action;
};

static enum wb_err keep_action(struct app_state_apply *x, bool removed, struct span plain,
                               struct kept_action ***end)
{
    struct kept_action *k = arena_alloc(x->arena, sizeof *k);
    struct span copy = arena_copy(x->arena, plain);

    if (!k || !copy.p)
        return WB_ERR_TOO_LARGE;
    k->removed = removed;
    **end = k;
    *end = &k->next;
    return appstate_action_decode(copy, &k->action);
}

static enum wb_err open_record(struct app_state_apply *x, const struct appstate_record *r,
                               struct key_at_hand *at, struct buf *plain, struct kept_action ***end)
{
    uint8_t mac[APPSTATE_MAC_LEN];
    struct appstate_action action;
    enum wb_err err;

    buf_clear(plain);
    TRY(take_key(x, r->key_id, at));
    TRY(appstate_value_open(&at->keys, r->remove ? APPSTATE_REMOVE : APPSTATE_SET, r->key_id,
                            r->value, plain));
    TRY(appstate_action_decode(buf_span(plain), &action));
    appstate_index_mac(&at->keys, action.index, mac);
    TRY(secret_eq(mac, r->index_mac.p, sizeof mac) ? WB_OK : WB_ERR_BAD_MAC);
    if (x->wanted(action.index))
        err = keep_action(x, r->remove, buf_span(plain), end);
out:
    return err;
}

static enum wb_err keep(const struct app_state_apply *x, const struct appstate_patch *p,
                        const struct app_state_version *v)
{
    enum wb_err err;

    TRY(store_appstate_version_put(x->store, x->name, v->version, v->hash));
    for (size_t i = 0; i < p->n; i++) {
        const struct appstate_record *r = &p->records[i];

        TRY(r->remove ? store_appstate_mac_delete(x->store, x->name, r->index_mac.p)
                      : store_appstate_mac_put(x->store, x->name, v->version, r->index_mac.p,
                                               value_mac(r).p));
    }
out:
    return err;
}

static enum wb_err apply(struct app_state_apply *x, const struct appstate_patch *p, bool snapshot,
                         struct app_state_version *v)
{
    struct app_state_version next = {.version = p->version};
    struct key_at_hand at = {.key.id_n = 0}, of_patch = {.key.id_n = 0};
    struct kept_action *kept = NULL, **end = &kept;
    struct buf plain = buf_new(APP_STATE_VALUE_MAX);
    enum wb_err err;

    x->missing_key = SPAN_NULL;
    TRY(check_shape(p));
    if (!snapshot)
        memcpy(next.hash, v->hash, sizeof next.hash);
    TRY(next_hash(x, p, snapshot, next.hash));
    TRY(take_key(x, p->key_id, &of_patch));
    TRY(check_macs(x, p, snapshot, &of_patch.keys, next.hash));
    for (size_t i = 0; i < p->n; i++)
        TRY(open_record(x, &p->records[i], &at, &plain, &end));
    /* The whole patch is verified. */
    if (snapshot)
        TRY(store_appstate_reset(x->store, x->name));
    TRY(keep(x, p, &next));
    for (const struct kept_action *k = kept; k; k = k->next)
        TRY(x->tell(x->ctx, k->removed, &k->action));
    *v = next;
out:
    buf_free(&plain);
    secret_wipe(&at, sizeof at);
    secret_wipe(&of_patch, sizeof of_patch);
    return err;
}

enum wb_err app_state_apply_patch(struct app_state_apply *x, const struct appstate_patch *p,
                                  struct app_state_version *v)
{
    if (p->version != v->version + 1)
        return WB_ERR_PROTOCOL;
    return apply(x, p, false, v);
}

enum wb_err app_state_apply_snapshot(struct app_state_apply *x, const struct appstate_patch *p,
                                     struct app_state_version *v)
{
    if (p->version == 0)
        return WB_ERR_MALFORMED;
    return apply(x, p, true, v);
}
