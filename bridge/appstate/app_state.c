#include "bridge/appstate/app_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "bridge/appstate/app_state_apply.h"
#include "bridge/appstate/limits.h"
#include "bridge/conn/conn.h"
#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/core/own_name.h"
#include "bridge/media/history_download.h"
#include "bridge/media/limits.h"
#include "bridge/sessions/out_peer.h"
#include "crypto/media_crypt.h"
#include "proto/peer_wire.h"
#include "store/core/batch.h"
#include "store/core/meta.h"
#include "store/session/tokens.h"

enum {
    COLLECTIONS = 2,
    PAGES_MAX = 200, /* answers of one fetch; each brings at least one newer version */
};
static const char *const names[COLLECTIONS] = {"critical_block", "regular_high"};

struct app_state_collection {
    bool asking;
    bool again;         /* the collection has changed while we were asking */
    bool begun_anew;    /* a patch did not fit: a snapshot was asked for on this connection */
    bool waits_for_key; /* it stays due and is fetched when the key comes; not a failure */
    unsigned pages;
    struct buf patch; /* waits for its file */
};

struct app_state {
    struct bridge *b;
    struct app_state_collection collections[COLLECTIONS];
    uint8_t key_asked[APPSTATE_KEY_ID_MAX]; /* the missing key that was asked for last */
    size_t key_asked_n;
    int64_t key_asked_ms; /* monotonic */
    struct timer again;
    unsigned failures; /* in a row */
};

static void fetch(struct app_state *s, size_t i);

/* ---- what is to be fetched, over restarts ---- */

/* Notes about the collections that outlive a restart: COLLECTIONS bits for each kind of note. */
enum note {
    NOTE_DUE,   /* it is to be fetched */
    NOTE_READ,  /* we have read it ourselves; a version that another program or an older bridge has
                 * stored did not tell us the name and the salt */
    NOTE_LARGE, /* it is too large to read: tried again only when the phone shares keys */
};

static bool noted(struct bridge *b, size_t i, enum note note)
{
    int64_t bits;

    return store_meta_get_int(b->store, STORE_META_APP_STATE, &bits) == WB_OK &&
           bits >> (note * COLLECTIONS + i) & 1;
}

static enum wb_err set_note(struct bridge *b, size_t i, enum note note, bool on)
{
    const int64_t bit = (int64_t)1 << (note * COLLECTIONS + i);
    int64_t bits = 0;

    if (noted(b, i, note) == on)
        return WB_OK;
    if (store_meta_get_int(b->store, STORE_META_APP_STATE, &bits) != WB_OK)
        bits = 0;
    return store_meta_put_int(b->store, STORE_META_APP_STATE, on ? bits | bit : bits & ~bit);
}

/* ---- settings that have a meaning for us ---- */

static bool is_wanted(struct span index)
{
    return span_eq_cstr(index, "[\"setting_pushName\"]") ||
           span_eq_cstr(index, "[\"nct_salt_sync\"]");
}

static enum wb_err take_action(void *ctx, bool removed, const struct appstate_action *action)
{
    struct bridge *b = ctx;
    struct span part = SPAN_NULL;

    if (span_eq_cstr(action->index, "[\"setting_pushName\"]")) {
        if (!removed && appstate_value_part(action->value, APPSTATE_PUSH_NAME, &part) == WB_OK)
            return own_name_learned(b, part, OWN_NAME_PHONE);
    } else if (span_eq_cstr(action->index, "[\"nct_salt_sync\"]")) {
        if (removed || appstate_value_part(action->value, APPSTATE_NCT_SALT, &part) == WB_OK)
            return store_nct_salt_put(b->store, part);
    }
    return WB_OK;
}

/* ---- the end of a fetch ---- */

/* Is it a failure of our store, and not of the connection or the media host? */
static bool store_failed(enum wb_err err)
{
    return err != WB_ERR_NET && err != WB_ERR_TIMEOUT && wb_err_is_ours(err);
}

static void on_again(void *ctx)
{
    struct app_state *s = ctx;

    for (size_t i = 0; i < COLLECTIONS; i++)
        if (noted(s->b, i, NOTE_DUE))
            fetch(s, i);
}

/* Tries again in a minute, two, four ... an hour, but not before the end of a pause that the server
 * wants. */
static void again_later(struct app_state *s)
{
    const int64_t pause = iq_pause_left_ms(&s->b->iq, "w:sync:app:state set");
    int64_t wait = APP_STATE_AGAIN_MS;

    for (unsigned i = 0; i < s->failures && wait < APP_STATE_AGAIN_MAX_MS; i++)
        wait *= 2;
    s->failures++;
    timer_start(s->b->timers, &s->again, wait > pause ? wait : pause, on_again, s);
}

/* Does not read a large collection: no setting is worth megabytes at each change of a star. */
static enum wb_err too_large(struct app_state *s, size_t i)
{
    enum wb_err err;

    log_info(s->b->log, "appstate", "%s holds more than %d settings and is not read: %s", names[i],
             APP_STATE_RECORDS_MAX,
             i == 0 ? "our own name" : "the salt for tokens comes with the history");
    TRY(set_note(s->b, i, NOTE_LARGE, true));
    err = set_note(s->b, i, NOTE_DUE, false);
out:
    return err;
}

static enum wb_err is_read(struct app_state *s, size_t i)
{
    enum wb_err err;

    TRY(set_note(s->b, i, NOTE_READ, true));
    err = set_note(s->b, i, NOTE_DUE, false);
    s->failures = 0;
out:
    return err;
}

/* Ends a fetch. A failed one is tried again after a while, at the next login or change, or when a
 * key comes. */
static void finish(struct app_state *s, size_t i, enum wb_err err)
{
    struct app_state_collection *c = &s->collections[i];
    struct bridge *b = s->b;

    c->asking = false;
    c->pages = 0;
    buf_free(&c->patch);
    if (err == WB_OK && !c->again)
        err = is_read(s, i);
    else if (err == WB_ERR_TOO_LARGE)
        err = too_large(s, i);
    if (store_failed(err)) {
        batch_fail(b, err);
        return;
    }
    if (c->waits_for_key) {
        log_debug(b->log, "appstate", "%s waits for a key", names[i]);
    } else if (err != WB_OK) {
        log_warn(b->log, "appstate", "%s was not read: %s", names[i], wb_err_text(err));
        again_later(s);
    }
    c->waits_for_key = false;
    if (c->again) {
        c->again = false;
        fetch(s, i);
    }
}

static enum wb_err ask_key(struct app_state *s, struct span id)
{
    struct bridge *b = s->b;
    const int64_t now = clock_mono_ms(b->clock);
    struct arena a = arena_new(64 << 10);
    struct buf message = buf_new(4096);
    struct node *n = NULL;
    enum wb_err err = WB_OK;

    if (span_eq(id, SPAN(s->key_asked, s->key_asked_n)) &&
        now - s->key_asked_ms < APP_STATE_KEY_AGAIN_MS)
        goto out;
    TRY(app_state_key_request_encode(&id, 1, &message));
    err = out_peer_seal(b, &a, buf_span(&message), "high", &n);
    if (err == WB_ERR_NO_SESSION) {
        err = out_peer_want_session(b);
        goto out;
    }
    TRY(err);
    TRY(outgoing_after_commit(b, n));
    memcpy(s->key_asked, id.p, id.n);
    s->key_asked_n = id.n;
    s->key_asked_ms = now;
    log_info(b->log, "appstate",
             "our phone is asked for a key of its settings: they are read when it is here");
out:
    buf_free(&message);
    arena_free(&a);
    return err;
}

/* Nothing of the patch was taken, because our state or the server's is wrong: once per connection
 * the whole collection is fetched anew (P-AS-17). */
static void not_taken(struct app_state *s, size_t i, enum wb_err err, struct span missing_key)
{
    struct app_state_collection *c = &s->collections[i];

    if (err == WB_ERR_NOT_FOUND && missing_key.n) {
        enum wb_err asked = ask_key(s, missing_key);

        c->waits_for_key = asked == WB_OK;
        finish(s, i, asked == WB_OK ? err : asked);
        return;
    }
    if (wb_err_class(err) != WB_CLASS_PEER || c->begun_anew || err == WB_ERR_TOO_LARGE) {
        finish(s, i, err);
        return;
    }
    log_warn(s->b->log, "appstate", "%s does not fit (%s): it is fetched anew", names[i],
             wb_err_text(err));
    c->begun_anew = true;
    err = store_appstate_reset(s->b->store, names[i]);
    if (err != WB_OK) {
        finish(s, i, err);
        return;
    }
    c->asking = false;
    fetch(s, i);
}

/* ---- patches and snapshots ---- */

static enum wb_err version_of(struct bridge *b, size_t i, struct app_state_version *ret)
{
    enum wb_err err;

    *ret = (struct app_state_version){.version = 0};
    err = store_appstate_version_get(b->store, names[i], &ret->version, ret->hash);
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

/* Takes a patch, or passes over a known one. *ret_missing: id of a missing key, in the patch. */
static enum wb_err take(struct app_state *s, size_t i, const struct appstate_patch *p,
                        bool snapshot, struct arena *a, struct span *ret_missing)
{
    struct app_state_apply x = {s->b->store, names[i], a, is_wanted, take_action, s->b, SPAN_NULL};
    struct app_state_version v;
    enum wb_err err;

    TRY(version_of(s->b, i, &v));
    if (snapshot)
        err = app_state_apply_snapshot(&x, p, &v);
    else if (p->version > v.version)
        err = app_state_apply_patch(&x, p, &v);
    *ret_missing = x.missing_key;
    if (err == WB_OK)
        log_debug(s->b->log, "appstate", "%s: version %llu", names[i],
                  (unsigned long long)v.version);
out:
    return err;
}

static size_t index_of(struct span name)
{
    size_t i = 0;

    while (i < COLLECTIONS && !span_eq_cstr(name, names[i]))
        i++;
    return i;
}

/* A file has come: outside of any stanza, so in a batch of its own. Then the server is asked for
 * what follows. */
static void take_file(struct bridge *b, size_t i, enum wb_err result, struct span file)
{
    struct app_state *s = b->app_state;
    struct app_state_collection *c = &s->collections[i];
    struct arena a = arena_new(APP_STATE_ARENA_MAX);
    const bool snapshot = c->patch.n == 0;
    struct span missing = SPAN_NULL;
    struct appstate_patch p;
    enum wb_err err;

    TRY(result);
    if (snapshot) {
        TRY(appstate_snapshot_decode(file, &a, &p));
    } else {
        TRY(appstate_patch_decode(buf_span(&c->patch), &a, &p));
        TRY(appstate_mutations_decode(file, &a, &p));
        TRY(p.n ? WB_OK : WB_ERR_MALFORMED); /* never empty (P-AS-07) */
    }
    err = take(s, i, &p, snapshot, &a, &missing);
out:
    if (err == WB_OK) {
        c->asking = false;
        buf_free(&c->patch);
        fetch(s, i);
    } else if (result != WB_OK) {
        finish(s, i, err);
    } else {
        not_taken(s, i, err, missing);
    }
    arena_free(&a);
    if (store_batch_open(b->store)) {
        err = batch_commit(b);
        if (err != WB_OK)
            log_warn(b->log, "appstate", "not stored: %s", wb_err_text(err));
    }
}

static void on_file(struct bridge *b, struct span name, enum wb_err result, struct buf *content)
{
    const size_t i = index_of(name);

    if (b->app_state && i < COLLECTIONS && b->app_state->collections[i].asking)
        take_file(b, i, result, buf_span(content));
}

static enum wb_err get_file(struct app_state *s, size_t i, struct span reference)
{
    static const struct history_fetch how = {
        .file_max = APP_STATE_FILE_MAX,
        .timeout_ms = HISTORY_FETCH_MS,
        .done = on_file,
        .info = MEDIA_INFO_APP_STATE,
        .mms_type = "md-app-state",
    };
    struct appstate_blob blob;
    struct history_notification file = {.sync_type = 0};
    enum wb_err err;

    TRY(appstate_blob_decode(reference, &blob));
    file.direct_path = blob.direct_path;
    file.media_key = blob.media_key;
    file.file_sha256 = blob.file_sha256;
    file.file_enc_sha256 = blob.file_enc_sha256;
    file.file_length = blob.size;
    err = history_download_start(s->b, &file, span_cstr(names[i]), &how);
out:
    return err;
}

/* ---- answers ---- */

enum progress { DONE, MORE, FILE_COMES };

/* The patches of one answer, until one needs its file. */
static enum wb_err take_patches(struct app_state *s, size_t i, const struct node *list,
                                struct arena *a, enum progress *ret, struct span *ret_missing)
{
    struct app_state_collection *c = &s->collections[i];
    struct appstate_patch p;
    enum wb_err err = WB_OK;

    for (const struct node *n = node_child(list, "patch"); n; n = node_next(n, "patch")) {
        TRY(appstate_patch_decode(node_content_bytes(n), a, &p));
        if (p.external.n) {
            c->patch = buf_new(APP_STATE_FILE_MAX);
            buf_append(&c->patch, node_content_bytes(n));
            TRY(buf_err(&c->patch));
            *ret = FILE_COMES;
            return get_file(s, i, p.external);
        }
        TRY(take(s, i, &p, false, a, ret_missing));
    }
out:
    return err;
}

static enum wb_err take_answer(struct app_state *s, size_t i, const struct iq_reply *reply,
                               enum progress *ret, struct span *ret_missing)
{
    const struct node *c = node_child(node_child(reply->node, "sync"), "collection");
    struct app_state_version before, after;
    struct span snapshot;
    enum wb_err err;

    while (c && !node_attr_is(c, "name", names[i]))
        c = node_next(c, "collection");
    if (!c || node_attr_is(c, "type", "error"))
        return WB_ERR_REFUSED;
    snapshot = node_content_bytes(node_child(c, "snapshot"));
    TRY(version_of(s->b, i, &before));
    if (snapshot.n) {
        if (before.version)
            return WB_ERR_PROTOCOL; /* nobody asked for a snapshot */
        *ret = FILE_COMES;
        return get_file(s, i, snapshot);
    }
    TRY(take_patches(s, i, node_child(c, "patches"), reply->arena, ret, ret_missing));
    TRY(version_of(s->b, i, &after));
    if (*ret == DONE && node_attr_is(c, "has_more_patches", "true") &&
        after.version > before.version)
        *ret = MORE;
out:
    return err;
}

static void on_answer(struct bridge *b, uint64_t i, const struct iq_reply *reply)
{
    struct app_state *s = b->app_state;
    struct span missing = SPAN_NULL;
    enum progress progress = DONE;
    enum wb_err err = reply->err;

    if (!s || err == WB_ERR_CANCELLED)
        return;
    if (err != WB_OK) {
        finish(s, i, err);
        return;
    }
    err = take_answer(s, i, reply, &progress, &missing);
    if (err == WB_ERR_REFUSED || err == WB_ERR_STATE) {
        finish(s, i, err); /* the server refuses, or too many downloads are under way */
    } else if (err != WB_OK) {
        not_taken(s, i, err, missing);
    } else if (progress == MORE) {
        s->collections[i].asking = false;
        fetch(s, i);
    } else if (progress == DONE) {
        finish(s, i, WB_OK);
    }
}

/* ---- asking ---- */

/* The request for patches or, at first, a snapshot (P-AS-04). */
static enum wb_err ask(struct app_state *s, size_t i)
{
    struct arena a = arena_new(16 << 10);
    struct app_state_version v;
    struct node *iq, *c;
    enum wb_err err;

    TRY(version_of(s->b, i, &v));
    iq = iq_new(&a, "set", "w:sync:app:state", NULL);
    c = node_child_new(&a, node_child_new(&a, iq, "sync"), "collection");
    node_attr_text(&a, c, "name", names[i]);
    node_attr_text(&a, c, "return_snapshot", v.version ? "false" : "true");
    if (v.version)
        node_attr_u64(&a, c, "version", v.version);
    TRY(iq_send(&s->b->iq, &a, iq, 0, on_answer, i));
out:
    arena_free(&a);
    return err;
}

/* Asks for the first or next page of a collection. */
static void fetch(struct app_state *s, size_t i)
{
    struct app_state_collection *c = &s->collections[i];
    struct store_appstate_key key;
    enum wb_err err;

    if (c->asking) {
        c->again = true;
        return;
    }
    if (!conn_online(s->b->conn))
        return; /* the collection stays due: the login asks for it */
    err = store_appstate_key_latest(s->b->store, &key);
    secret_wipe(&key, sizeof key);
    if (err == WB_ERR_NOT_FOUND)
        return; /* the phone shares them by itself */
    c->asking = true;
    if (err == WB_OK)
        err = ++c->pages > PAGES_MAX ? WB_ERR_TOO_LARGE : ask(s, i);
    if (err != WB_OK)
        finish(s, i, err);
}

enum wb_err app_state_keys_came(struct bridge *b)
{
    struct app_state_version v;
    enum wb_err err = WB_OK;

    for (size_t i = 0; b->app_state && i < COLLECTIONS; i++) {
        TRY(version_of(b, i, &v));
        if (v.version && !noted(b, i, NOTE_DUE))
            continue;
        TRY(set_note(b, i, NOTE_LARGE, false));
        TRY(set_note(b, i, NOTE_DUE, true));
        fetch(b->app_state, i);
    }
out:
    return err;
}

/* ---- <notification type=server_sync> ---- */

static enum wb_err server_sync_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    struct app_state_version v;
    enum wb_err err = WB_OK;

    (void)parsed;
    for (const struct node *n = node_child(s->node, "collection"); n;
         n = node_next(n, "collection")) {
        const size_t i = index_of(node_attr_str(n, "name", s->arena));
        uint64_t version;

        if (i == COLLECTIONS || !b->app_state || noted(b, i, NOTE_LARGE))
            continue;
        TRY(version_of(b, i, &v));
        if (node_attr_get_u64(n, "version", &version) && version <= v.version)
            continue;
        TRY(set_note(b, i, NOTE_DUE, true));
        fetch(b->app_state, i);
    }
out:
    return err;
}

const struct stanza_handler in_notification_server_sync_handler = {"server_sync", STANZA_ACK_ALWAYS,
                                                                   NULL, server_sync_apply};

/* ---- logins ---- */

/* An older bridge or whatsmeow has stored this collection: its settings are unknown to us, so it is
 * read from its beginning, once. */
static enum wb_err take_over(struct bridge *b, size_t i)
{
    enum wb_err err;

    if (noted(b, i, NOTE_READ) || noted(b, i, NOTE_DUE) || noted(b, i, NOTE_LARGE))
        return WB_OK;
    TRY(store_appstate_reset(b->store, names[i]));
    err = set_note(b, i, NOTE_DUE, true);
out:
    return err;
}

static void on_online(void *ctx, const struct bridge_event *e)
{
    struct app_state *s = ctx;
    struct store_appstate_key key;
    enum wb_err err = store_appstate_key_latest(s->b->store, &key);

    (void)e;
    secret_wipe(&key, sizeof key);
    if (err == WB_ERR_NOT_FOUND)
        return; /* the phone shares them by itself */
    for (size_t i = 0; err == WB_OK && i < COLLECTIONS; i++)
        err = take_over(s->b, i);
    if (err == WB_OK)
        on_again(s);
    else if (store_failed(err))
        batch_fail(s->b, err);
}

static void on_offline(void *ctx, const struct bridge_event *e)
{
    struct app_state *s = ctx;

    (void)e;
    for (size_t i = 0; i < COLLECTIONS; i++)
        s->collections[i].begun_anew = s->collections[i].again = false;
    timer_stop(s->b->timers, &s->again);
    s->failures = 0;
}

enum wb_err app_state_new(struct bridge *b, struct app_state **ret_s)
{
    struct app_state *s = calloc(1, sizeof *s);
    enum wb_err err;

    if (!s)
        return WB_ERR_NOMEM;
    s->b = b;
    TRY(events_on(&b->events, BRIDGE_EV_ONLINE, on_online, s));
    TRY(events_on(&b->events, BRIDGE_EV_OFFLINE, on_offline, s));
    *ret_s = s;
out:
    if (err != WB_OK)
        free(s);
    return err;
}

void app_state_free(struct app_state *s)
{
    for (size_t i = 0; s && i < COLLECTIONS; i++)
        buf_free(&s->collections[i].patch);
    if (s)
        timer_stop(s->b->timers, &s->again);
    free(s);
}
