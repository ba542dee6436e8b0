#include "tools/mock/people/phone_state.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "crypto/appstate_crypt.h"
#include "crypto/prim_hash.h"
#include "tools/mock/core/pb.h"
#include "tools/mock/people/actor.h"
#include "tools/mock/service/appstate.h"
#include "tools/mock/service/media.h"

enum {
    PROTOCOL_MESSAGE = 12,
    TYPE_KEY_SHARE = 6,
    TYPE_KEY_REQUEST = 7,
    KEY_ID_BYTES = 6,
    STATE_MAX = 4 << 20
};

struct record {
    size_t n;
    uint8_t bytes[]; /* SyncdRecord */
};

struct view {
    uint8_t hash[APPSTATE_LT_HASH_BYTES];
    struct map records; /* hex of the index MAC -> struct record */
    bool lost;          /* a companion's patch did not fit: the phone can check nothing more */
};

static void free_view(void *value)
{
    struct view *v = value;

    map_free(&v->records, free);
    free(v);
}

static struct view *view_of(struct mock_account *a, const char *name)
{
    struct view *v = map_get(&a->phone_state, name);

    map_own(&a->phone_state, free_view);
    if (!v) {
        v = calloc(1, sizeof *v);
        if (!v || !map_put(&a->phone_state, name, v)) {
            free(v);
            return NULL;
        }
    }
    return v;
}

/* ---- keys ---- */

/* Makes an app state key. id: epoch and device, as phones number them; data: from the phone's
 * identity, so that every companion gets the same. */
static void key_of(const struct mock_account *a, unsigned epoch, uint8_t id[static KEY_ID_BYTES],
                   uint8_t data[static APPSTATE_SECRET_BYTES])
{
    static const uint8_t first[KEY_ID_BYTES] = {0, 0, 0, 0, 0x2c, 1};

    memcpy(id, first, KEY_ID_BYTES);
    id[4] = (uint8_t)(0x2c + epoch);
    const uint8_t info[] = {'a', 'p', 'p', ' ', 's', 't', 'a', 't', 'e', (uint8_t)epoch};
    hkdf_sha256(SPAN_ARRAY(a->identity.priv), SPAN_NULL, SPAN_ARRAY(info), data,
                APPSTATE_SECRET_BYTES);
}

static bool find_key(const struct mock_account *a, struct span id, struct appstate_keys *ret)
{
    for (unsigned epoch = 0; epoch <= a->state_epoch; epoch++) {
        uint8_t known[KEY_ID_BYTES], data[APPSTATE_SECRET_BYTES];

        key_of(a, epoch, known, data);
        if (span_eq(id, SPAN_ARRAY(known))) {
            appstate_keys_expand(data, ret);
            return true;
        }
    }
    return false;
}

void phone_state_new_key(struct mock_account *a)
{
    a->state_epoch++;
}

/* Sends AppStateSyncKeyShare{1 {1 {1 id}, 2 {1 data, 2 {1 raw id, 2 index, 3 devices}, 3 time}}} */
static void share(struct mock *m, struct device *to, unsigned epoch)
{
    const struct mock_account *a = to->account;
    struct buf id = buf_new(64), data = buf_new(256), print = buf_new(64), key = buf_new(512);
    struct buf list = buf_new(512), protocol = buf_new(1024), msg = buf_new(1024);
    uint8_t key_id[KEY_ID_BYTES], key_data[APPSTATE_SECRET_BYTES];

    key_of(a, epoch, key_id, key_data);
    pb_put_bytes(&id, 1, SPAN_ARRAY(key_id));
    pb_put_u64(&print, 1, a->adv_raw_id);
    pb_put_u64(&print, 2, 1);
    pb_put_bytes(&print, 3, SPAN_LIT("\x00"));
    pb_put_bytes(&data, 1, SPAN_ARRAY(key_data));
    pb_put_bytes(&data, 2, buf_span(&print));
    pb_put_u64(&data, 3, mock_now_s(m) * 1000 + epoch);
    pb_put_bytes(&key, 1, buf_span(&id));
    pb_put_bytes(&key, 2, buf_span(&data));
    pb_put_bytes(&list, 1, buf_span(&key));
    pb_put_u64(&protocol, 2, TYPE_KEY_SHARE);
    pb_put_bytes(&protocol, 7, buf_span(&list));
    pb_put_bytes(&msg, PROTOCOL_MESSAGE, buf_span(&protocol));
    actor_send_peer(m, a->devices[0], to, buf_span(&msg));
    buf_free(&id);
    buf_free(&data);
    buf_free(&print);
    buf_free(&key);
    buf_free(&list);
    buf_free(&protocol);
    buf_free(&msg);
}

void phone_state_share(struct mock *m, struct device *to)
{
    share(m, to, 0);
}

static void share_key(struct mock *m, struct device *to, struct span key_id)
{
    for (unsigned epoch = 0; epoch <= to->account->state_epoch; epoch++) {
        uint8_t id[KEY_ID_BYTES], data[APPSTATE_SECRET_BYTES];

        key_of(to->account, epoch, id, data);
        if (span_eq(key_id, SPAN_ARRAY(id))) {
            share(m, to, epoch);
            return;
        }
    }
}

/* The request: AppStateSyncKeyRequest{1 {1 id}...} in field 8 of a protocol message of type 7. */
bool phone_state_asked(struct mock *m, struct device *by, struct span plain)
{
    struct span protocol = pb_bytes(plain, PROTOCOL_MESSAGE);
    struct span rest = pb_bytes(protocol, 8);
    struct pb_field f;

    if (pb_u64(protocol, 2, 0) != TYPE_KEY_REQUEST)
        return false;
    while (pb_next(&rest, &f)) {
        if (f.number == 1 && f.wire == 2)
            share_key(m, by, pb_bytes(f.bytes, 1));
    }
    return true;
}

/* ---- reading patches ---- */

struct parsed {
    struct span index_mac, value, key_id;
    bool remove;
};

static bool parse_record(struct span record, struct parsed *r)
{
    r->index_mac = pb_bytes(pb_bytes(record, 1), 1);
    r->value = pb_bytes(pb_bytes(record, 2), 1);
    r->key_id = pb_bytes(pb_bytes(record, 3), 1);
    return r->index_mac.n == APPSTATE_MAC_LEN && r->value.n > APPSTATE_MAC_LEN;
}

static struct span mac_of(struct span value)
{
    return span_skip(value, value.n - APPSTATE_MAC_LEN);
}

/* Checks a mutation: its key opens it, and its index fits. NULL, or what is wrong. */
static const char *check_record(const struct mock_account *a, const struct parsed *r)
{
    struct appstate_keys keys;
    struct buf plain = buf_new(STATE_MAX);
    uint8_t mac[APPSTATE_MAC_LEN];
    const char *bad = NULL;

    if (!find_key(a, r->key_id, &keys)) {
        bad = "a key that the phone has not made";
    } else if (appstate_value_open(&keys, r->remove ? APPSTATE_REMOVE : APPSTATE_SET, r->key_id,
                                   r->value, &plain) != WB_OK) {
        bad = "a value that does not open";
    } else {
        appstate_index_mac(&keys, pb_bytes(buf_span(&plain), 1), mac);
        if (!span_eq(r->index_mac, SPAN_ARRAY(mac)))
            bad = "an index MAC that is not its index's";
    }
    buf_free(&plain);
    return bad;
}

typedef char index_key[2 * APPSTATE_MAC_LEN + 1];

static const char *key_text(struct span index_mac, index_key out)
{
    for (size_t i = 0; i < APPSTATE_MAC_LEN; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", index_mac.p[i]);
    return out;
}

static bool keep_record(struct view *v, const struct parsed *r, struct span bytes)
{
    index_key key;
    key_text(r->index_mac, key);
    struct record *old = map_get(&v->records, key), *now = NULL;
    if (old)
        appstate_hash_remove(v->hash, mac_of(pb_bytes(pb_bytes(SPAN(old->bytes, old->n), 2), 1)).p);
    free(old);
    if (!r->remove) {
        appstate_hash_add(v->hash, mac_of(r->value).p);
        now = malloc(sizeof *now + bytes.n);
        if (now) {
            now->n = bytes.n;
            memcpy(now->bytes, bytes.p, bytes.n);
        }
    }
    return map_put(&v->records, key, now) && (r->remove || now != NULL);
}

static const char *read_patch(struct mock_account *a, struct view *v, const char *name,
                              uint64_t version, struct span patch)
{
    struct buf macs = buf_new(STATE_MAX);
    struct span rest = patch;
    struct appstate_keys keys;
    struct pb_field f;
    uint8_t mac[APPSTATE_MAC_LEN];
    const char *bad = NULL;

    while (!bad && pb_next(&rest, &f)) {
        struct span record = pb_bytes(f.bytes, 2);
        struct parsed r = {.remove = pb_u64(f.bytes, 1, 0) == 1};

        if (f.number != 2 || f.wire != 2)
            continue;
        if (!parse_record(record, &r))
            bad = "a record without index, value or key";
        else
            bad = check_record(a, &r);
        if (!bad && !keep_record(v, &r, record))
            bad = "no memory";
        if (!bad)
            buf_append(&macs, mac_of(r.value));
    }
    struct span snapshot_mac = pb_bytes(patch, 4);
    if (!bad && !find_key(a, pb_bytes(pb_bytes(patch, 6), 1), &keys))
        bad = "a patch with a key that the phone has not made";
    if (!bad) {
        appstate_snapshot_mac(&keys, v->hash, version, span_cstr(name), mac);
        if (!span_eq(snapshot_mac, SPAN_ARRAY(mac)))
            bad = "a snapshot MAC that is not that of all values";
    }
    if (!bad) {
        appstate_patch_mac(&keys, snapshot_mac, buf_span(&macs), version, span_cstr(name), mac);
        if (!span_eq(pb_bytes(patch, 5), SPAN_ARRAY(mac)))
            bad = "a wrong patch MAC";
    }
    buf_free(&macs);
    return bad;
}

void phone_state_read(struct mock *m, struct mock_account *a, const struct device *by,
                      const char *name, uint64_t version, struct span patch)
{
    struct view *v = view_of(a, name);
    const char *bad = v == NULL ? "no memory" : NULL;
    char who[JID_TEXT_MAX];

    if (!bad && !v->lost)
        bad = read_patch(a, v, name, version, patch);
    if (!bad)
        return;
    if (v)
        v->lost = true;
    if (!by)
        return;
    const struct jid writer = device_jid(by, false);
    mock_flag(m, jid_text(&writer, who), "bad-app-state", NULL, "%s: %s", name, bad);
}

/* ---- writing ---- */

/* Writes SyncdSnapshot{1 {1 version}, 2 records, 3 mac, 4 {1 key id}}, sealed as a file. */
static bool put_file(struct mock *m, struct span plain, struct buf *out)
{
    struct media_file f;

    if (!media_seal(m, "WhatsApp App State Keys", "md-app-state", plain, &f))
        return false;
    pb_put_bytes(out, 1, SPAN_ARRAY(f.key));
    pb_put_text(out, 2, f.path);
    pb_put_u64(out, 4, plain.n);
    pb_put_bytes(out, 5, SPAN_ARRAY(f.sha256));
    pb_put_bytes(out, 6, SPAN_ARRAY(f.enc_sha256));
    return true;
}

bool phone_state_snapshot(struct mock *m, struct mock_account *a, const char *name,
                          uint64_t version, struct buf *out)
{
    struct view *v = view_of(a, name);
    struct buf snapshot = buf_new(STATE_MAX), part = buf_new(64);
    uint8_t id[KEY_ID_BYTES], data[APPSTATE_SECRET_BYTES], mac[APPSTATE_MAC_LEN];
    struct appstate_keys keys;
    const struct map_slot *s;
    size_t at = 0, n = 0;
    bool ok = false;

    if (!v || v->lost || version == 0 || !a->state_snapshots)
        goto out;
    key_of(a, a->state_epoch, id, data);
    appstate_keys_expand(data, &keys);
    pb_put_u64(&part, 1, version);
    pb_put_bytes(&snapshot, 1, buf_span(&part));
    while ((s = map_next(&v->records, &at)) != NULL) {
        const struct record *r = s->value;

        pb_put_bytes(&snapshot, 2, SPAN(r->bytes, r->n));
        n++;
    }
    appstate_snapshot_mac(&keys, v->hash, version, span_cstr(name), mac);
    pb_put_bytes(&snapshot, 3, SPAN_ARRAY(mac));
    buf_clear(&part);
    pb_put_bytes(&part, 1, SPAN_ARRAY(id));
    pb_put_bytes(&snapshot, 4, buf_span(&part));
    ok = n > 0 && put_file(m, buf_span(&snapshot), out);
out:
    buf_free(&snapshot);
    buf_free(&part);
    return ok;
}

/* Writes SyncdMutation{1 operation, 2 record{1 {1 index MAC}, 2 {1 value}, 3 {1 key id}}} of a
 * SyncActionData{1 index, 2 value, 4 version}. */
static bool put_mutation(struct mock *m, const struct appstate_keys *keys, struct span key_id,
                         const char *index, struct span value, struct buf *out,
                         struct buf *value_mac)
{
    struct buf action = buf_new(STATE_MAX), blob = buf_new(STATE_MAX), record = buf_new(STATE_MAX);
    struct buf timed = buf_new(STATE_MAX), part = buf_new(STATE_MAX);
    const enum appstate_op op = value.p == NULL ? APPSTATE_REMOVE : APPSTATE_SET;
    uint8_t iv[16], mac[APPSTATE_MAC_LEN];

    rng_fill(&m->rng, iv, sizeof iv);
    pb_put_u64(&timed, 1, mock_now_s(m) * 1000);
    buf_append(&timed, value);
    pb_put_text(&action, 1, index);
    pb_put_bytes(&action, 2, buf_span(&timed));
    pb_put_u64(&action, 4, 1);
    bool ok = appstate_value_seal(keys, op, key_id, iv, buf_span(&action), &blob) == WB_OK;
    appstate_index_mac(keys, span_cstr(index), mac);
    pb_put_bytes(&part, 1, SPAN_ARRAY(mac));
    pb_put_bytes(&record, 1, buf_span(&part));
    buf_clear(&part);
    pb_put_bytes(&part, 1, buf_span(&blob));
    pb_put_bytes(&record, 2, buf_span(&part));
    buf_clear(&part);
    pb_put_bytes(&part, 1, key_id);
    pb_put_bytes(&record, 3, buf_span(&part));
    pb_put_u64(out, 1, op == APPSTATE_REMOVE);
    pb_put_bytes(out, 2, buf_span(&record));
    if (ok)
        buf_append(value_mac, mac_of(buf_span(&blob)));
    buf_free(&action);
    buf_free(&blob);
    buf_free(&record);
    buf_free(&timed);
    buf_free(&part);
    return ok;
}

/* The collection's hash once that index has this value. */
static void next_hash(const struct view *v, const struct appstate_keys *keys, const char *index,
                      struct span value_mac, bool remove,
                      uint8_t hash[static APPSTATE_LT_HASH_BYTES])
{
    uint8_t mac[APPSTATE_MAC_LEN];

    index_key key;
    memcpy(hash, v->hash, APPSTATE_LT_HASH_BYTES);
    appstate_index_mac(keys, span_cstr(index), mac);
    const struct record *old = map_get(&v->records, key_text(SPAN_ARRAY(mac), key));
    if (old)
        appstate_hash_remove(hash, mac_of(pb_bytes(pb_bytes(SPAN(old->bytes, old->n), 2), 1)).p);
    if (!remove)
        appstate_hash_add(hash, value_mac.p);
}

bool phone_state_write(struct mock *m, struct mock_account *a, const char *name, const char *index,
                       struct span value)
{
    struct view *v = view_of(a, name);
    struct buf mutation = buf_new(STATE_MAX), patch = buf_new(STATE_MAX), part = buf_new(64);
    struct buf value_mac = buf_new(APPSTATE_MAC_LEN);
    uint8_t id[KEY_ID_BYTES], data[APPSTATE_SECRET_BYTES], hash[APPSTATE_LT_HASH_BYTES];
    uint8_t snapshot_mac[APPSTATE_MAC_LEN], patch_mac[APPSTATE_MAC_LEN];
    const uint64_t version = appstate_version(a, name) + 1;
    struct appstate_keys keys;
    bool ok = false;

    if (!v || v->lost)
        goto out;
    key_of(a, a->state_epoch, id, data);
    appstate_keys_expand(data, &keys);
    if (!put_mutation(m, &keys, SPAN_ARRAY(id), index, value, &mutation, &value_mac))
        goto out;
    next_hash(v, &keys, index, buf_span(&value_mac), value.p == NULL, hash);
    appstate_snapshot_mac(&keys, hash, version, span_cstr(name), snapshot_mac);
    appstate_patch_mac(&keys, SPAN_ARRAY(snapshot_mac), buf_span(&value_mac), version,
                       span_cstr(name), patch_mac);
    pb_put_bytes(&patch, 2, buf_span(&mutation));
    pb_put_bytes(&patch, 4, SPAN_ARRAY(snapshot_mac));
    pb_put_bytes(&patch, 5, SPAN_ARRAY(patch_mac));
    pb_put_bytes(&part, 1, SPAN_ARRAY(id));
    pb_put_bytes(&patch, 6, buf_span(&part));
    a->state_snapshots = true;
    ok = appstate_add(m, a, NULL, name, buf_span(&patch));
out:
    buf_free(&mutation);
    buf_free(&patch);
    buf_free(&part);
    buf_free(&value_mac);
    return ok;
}
