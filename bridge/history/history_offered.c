#include "bridge/history/history_offered.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "bridge/conn/conn.h"
#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/history/history_facts.h"
#include "bridge/history/limits.h"
#include "bridge/media/history_download.h"
#include "bridge/receive/out_receipt.h"
#include "crypto/media_crypt.h"
#include "proto/history_wire.h"
#include "store/core/batch.h"
#include "store/messages/history_files.h"
#include "store/messages/limits.h"

enum {
    SETTLE_MS = 100,         /* several parts come in a burst, behind the phone's keys */
    SLICE_PAUSE_MS = 5,      /* between slices: others have their turn */
    AGAIN_S = 2,             /* after the first failure, twice as long after each further one */
    AGAIN_MAX_S = 6 * 3600,  /* at most */
    KEEP_S = 14 * 24 * 3600, /* WhatsApp keeps such files no longer */
    BAD_TRIES = 2,           /* tries of a part that cannot be read or that no host has */
};

struct history_offered {
    struct bridge *b;
    struct timer timer;
    bool reading; /* `now` is on its way */
    bool storing; /* its facts are here */
    struct store_history_file now;
    struct store_history_part part;
    bool has_file; /* the part is a file, not in the message itself */
    uint8_t media_key[MEDIA_KEY_BYTES];
    struct jid of; /* its account: another one may be linked before the file is here */
    struct buf facts;
    struct history_facts_at at;
};

static void on_timer(void *ctx);

static void schedule(struct history_offered *h, int64_t after_ms)
{
    if (!h->timer.armed || timer_left_ms(h->b->timers, &h->timer) > after_ms)
        timer_start(h->b->timers, &h->timer, after_ms, on_timer, h);
}

static void leave(struct history_offered *h)
{
    h->reading = h->storing = h->has_file = false;
    secret_wipe(h->media_key, sizeof h->media_key);
    buf_free(&h->facts);
    h->facts = buf_new(HISTORY_FACTS_BYTES_MAX);
    h->at = (struct history_facts_at){0};
}

/* ---- when it does not work ---- */

/* Is the file itself at fault, so that fetching it again would not help? All other failures (a
 * server that wants fewer questions, a host in trouble, a full queue of ours) pass. */
static bool is_bad(enum wb_err why)
{
    static const enum wb_err bad[] = {WB_ERR_GONE,      WB_ERR_TRUNCATED,  WB_ERR_TRAILING,
                                      WB_ERR_MALFORMED, WB_ERR_TOO_LARGE,  WB_ERR_TOO_DEEP,
                                      WB_ERR_BAD_MAC,   WB_ERR_BAD_PADDING};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (why == bad[i])
            return true;
    return false;
}

/* May the phone be asked for this part? Only once: otherwise a phone that repeats a bad file would
 * be asked without end. */
static enum wb_err may_ask(struct history_offered *h, enum wb_err why, bool *ret)
{
    int64_t at = 0;
    size_t lost = 0;
    enum wb_err err;

    *ret = false;
    if (why != WB_ERR_GONE || !h->has_file)
        return WB_OK;
    TRY(store_history_lost_count(h->b->store, &lost));
    if (lost >= HISTORY_LOST_MAX)
        return WB_OK;
    err = store_history_lost_at(h->b->store, &h->part, &at);
    *ret = err == WB_ERR_NOT_FOUND;
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
out:
    return err;
}

static enum wb_err note_lost(struct history_offered *h)
{
    struct bridge *b = h->b;
    size_t lost = 0;
    enum wb_err err;

    TRY(store_history_lost_count(b->store, &lost));
    if (lost < HISTORY_LOST_MAX)
        err = store_history_lost_put(b->store, &h->part, bridge_server_now_s(b));
out:
    return err;
}

/* Gives a part up. If no host has the file, the phone is asked to upload it again, which it then
 * offers in another message (P-HI-12). */
static enum wb_err give_up(struct history_offered *h, enum wb_err why)
{
    struct bridge *b = h->b;
    struct arena a = arena_new(16 << 10);
    struct node *receipt = NULL;
    bool ask = false;
    enum wb_err err;

    TRY(may_ask(h, why, &ask));
    TRY(store_history_file_done(b->store, h->now.seq));
    TRY(note_lost(h));
    if (!ask) {
        log_warn(b->log, "history", "a part of our phone's history is given up after %u tries: %s",
                 (unsigned)h->now.tries, wb_err_text(why));
        goto out;
    }
    log_info(b->log, "history",
             "no host has a part of our phone's history: the phone is asked to "
             "lay it there again");
    TRY(out_receipt_missing(b, &a, span_cstr(h->now.message_id), h->media_key, &receipt));
    err = outgoing_after_commit(b, receipt);
out:
    arena_free(&a);
    return err;
}

static enum wb_err put_off(struct history_offered *h, enum wb_err why)
{
    struct bridge *b = h->b;
    struct store_history_file *f = &h->now;
    const int64_t now = bridge_server_now_s(b);
    const int64_t pause = (iq_pause_left_ms(&b->iq, IQ_KIND_MEDIA) + 1999) / 1000;
    int64_t wait = AGAIN_S;

    for (uint32_t i = 0; i < f->tries && wait < AGAIN_MAX_S; i++)
        wait *= 2;
    if (wait > AGAIN_MAX_S)
        wait = AGAIN_MAX_S;
    if (why == WB_ERR_RATE_LIMITED && wait < pause)
        wait = pause;
    f->tries++;
    if (now - f->offered_at > KEEP_S ||
        (is_bad(why) && f->tries >= BAD_TRIES && conn_online(b->conn)))
        return give_up(h, why);
    log_info(b->log, "history",
             "a part of our phone's history could not be read (%s); again in %lld s or at the next "
             "login",
             wb_err_text(why), (long long)wait);
    return store_history_file_tried(b->store, f->seq, f->tries, now + wait);
}

/* ---- one part ---- */

static void end_batch(struct history_offered *h, enum wb_err err)
{
    if (err == WB_OK && store_batch_open(h->b->store))
        err = batch_commit(h->b);
    else if (err != WB_OK)
        batch_fail(h->b, err);
    if (err != WB_OK)
        leave(h); /* the store has closed the connection; it begins anew at the next login */
}

static void failed(struct history_offered *h, enum wb_err why)
{
    enum wb_err err = put_off(h, why);

    leave(h);
    end_batch(h, err);
    schedule(h, SLICE_PAUSE_MS);
}

/* Does the part under way belong to the account that is linked now? Another link has another
 * history, and perhaps another database, whose row numbers begin anew. */
static bool is_ours(const struct history_offered *h)
{
    return h->b->account && jid_eq(&h->of, &h->b->own_pn);
}

/* Stores a slice of facts, one transaction each; the last one also ends the part. */
static void store_slice(struct history_offered *h)
{
    struct bridge *b = h->b;
    bool more = true;
    enum wb_err err = history_facts_apply(b, buf_span(&h->facts), &h->at, &more);

    if (err == WB_OK && !more) {
        log_info(b->log, "history",
                 "a part of our phone's history is read: %zu new addresses, %zu privacy tokens, "
                 "%zu names%s",
                 h->at.pairs, h->at.tokens, h->at.names,
                 history_facts_cut(buf_span(&h->facts)) ? "; more than that was left out" : "");
        err = store_history_file_done(b->store, h->now.seq);
        if (err == WB_OK)
            err = store_history_lost_done(b->store, &h->part);
        leave(h);
    }
    FAULT_POINT("history.slice");
    end_batch(h, err);
    schedule(h, SLICE_PAUSE_MS);
}

static void on_file(struct bridge *b, struct span message_id, enum wb_err result,
                    struct buf *content)
{
    struct history_offered *h = b->history_offered;

    if (!h || !h->reading || !span_eq_cstr(message_id, h->now.message_id))
        return;
    if (!is_ours(h)) {
        leave(h);
        schedule(h, SLICE_PAUSE_MS);
        return;
    }
    if (result != WB_OK) {
        failed(h, result);
        return;
    }
    buf_free(&h->facts);
    h->facts = *content;
    *content = buf_new(0);
    h->storing = true;
    schedule(h, 0);
}

static enum wb_err start(struct history_offered *h, struct span payload)
{
    static const struct history_fetch how = {.info = MEDIA_INFO_HISTORY,
                                             .mms_type = "md-msg-hist",
                                             .file_max = HISTORY_OFFERED_FILE_MAX,
                                             .timeout_ms = HISTORY_OFFERED_FETCH_MS,
                                             .out_max = HISTORY_FACTS_BYTES_MAX,
                                             .work = history_facts_read,
                                             .done = on_file};
    struct history_notification n;
    enum wb_err err;

    h->has_file = false;
    TRY(history_notification_decode(payload, NULL, &n));
    h->part = (struct store_history_part){n.sync_type, n.chunk_order};
    h->has_file = !n.inline_payload.n && n.media_key.n == MEDIA_KEY_BYTES;
    if (h->has_file)
        memcpy(h->media_key, n.media_key.p, MEDIA_KEY_BYTES);
    h->reading = true;
    h->of = h->b->own_pn;
    err = history_download_start(h->b, &n, span_cstr(h->now.message_id), &how);
out:
    return err;
}

/* Starts the first part that is due, if none is under way. */
static void look(struct history_offered *h)
{
    const int64_t now = bridge_server_now_s(h->b);
    struct buf payload = buf_new(STORE_BLOB_MAX);
    struct store_history_file f;
    int64_t soonest = 0;
    enum wb_err err = store_history_file_first(h->b->store, now, &f, &payload, &soonest);

    if (err == WB_OK) {
        h->now = f;
        err = start(h, buf_span(&payload));
        if (err != WB_OK)
            failed(h, err);
    } else if (err == WB_ERR_NOT_FOUND && soonest) {
        schedule(h, (soonest - now) * 1000);
    } else if (err != WB_ERR_NOT_FOUND) {
        log_warn(h->b->log, "history", "the list of offered history cannot be read: %s",
                 wb_err_text(err));
    }
    buf_free(&payload);
}

static void on_timer(void *ctx)
{
    struct history_offered *h = ctx;

    if (!h->b->account || !conn_online(h->b->conn))
        return; /* the next login goes on */
    if ((h->reading || h->storing) && !is_ours(h))
        leave(h);
    if (h->storing)
        store_slice(h);
    else if (!h->reading)
        look(h);
}

/* ---- offers ---- */

static bool is_read(int32_t type)
{
    switch (type) {
    case HISTORY_INITIAL_BOOTSTRAP:
    case HISTORY_FULL:
    case HISTORY_RECENT:
    case HISTORY_PUSH_NAME:
    case HISTORY_NON_BLOCKING_DATA:
        return true;
    default: /* statuses; notices without content; kinds that we do not know */
        return false;
    }
}

enum wb_err history_offered(struct bridge *b, struct span message_id,
                            const struct history_notification *n, struct span payload,
                            bool *ret_taken)
{
    size_t waiting = 0;
    enum wb_err err;

    *ret_taken = true;
    if (!is_read(n->sync_type)) {
        log_debug(b->log, "history", "the phone offers history of kind %d: not read",
                  (int)n->sync_type);
        return WB_OK;
    }
    TRY(store_history_files_count(b->store, &waiting));
    if (waiting >= HISTORY_OFFERED_MAX) {
        log_warn(b->log, "history", "the phone offers more than %d parts of its history at a time",
                 HISTORY_OFFERED_MAX);
        *ret_taken = false;
        return WB_OK;
    }
    TRY(store_history_file_put(b->store, message_id, payload, bridge_server_now_s(b)));
    FAULT_POINT("history.offered");
    if (b->history_offered)
        schedule(b->history_offered, SETTLE_MS);
out:
    return err;
}

/* ---- events ---- */

static void on_offline_done(void *ctx, const struct bridge_event *ev)
{
    struct history_offered *h = ctx;
    size_t waiting = 0;

    (void)ev;
    if (!h->b->account || store_history_files_count(h->b->store, &waiting) != WB_OK || !waiting)
        return;
    if (store_history_files_due(h->b->store) != WB_OK)
        log_warn(h->b->log, "history", "parts that failed before wait for their next try");
    schedule(h, SETTLE_MS);
}

/* A commit failed: the facts of this slice are gone, and the connection with them. */
static void on_batch_failed(void *ctx, const struct bridge_event *ev)
{
    struct history_offered *h = ctx;

    (void)ev;
    if (h->storing)
        leave(h);
}

/* The device was unlinked or linked anew: the file under way is passed over when it comes. */
static void on_other_link(void *ctx, const struct bridge_event *ev)
{
    (void)ev;
    leave(ctx);
}

enum wb_err history_offered_new(struct bridge *b, struct history_offered **ret)
{
    struct history_offered *h = calloc(1, sizeof *h);
    enum wb_err err;

    if (!h)
        return WB_ERR_NOMEM;
    h->b = b;
    leave(h);
    TRY(events_on(&b->events, BRIDGE_EV_OFFLINE_DONE, on_offline_done, h));
    TRY(events_on(&b->events, BRIDGE_EV_BATCH_FAILED, on_batch_failed, h));
    TRY(events_on(&b->events, BRIDGE_EV_LOGGED_OUT, on_other_link, h));
    TRY(events_on(&b->events, BRIDGE_EV_PAIRED, on_other_link, h));
    *ret = h;
    h = NULL;
out:
    history_offered_free(h);
    return err;
}

void history_offered_free(struct history_offered *h)
{
    if (!h)
        return;
    timer_stop(h->b->timers, &h->timer);
    secret_wipe(h->media_key, sizeof h->media_key);
    buf_free(&h->facts);
    free(h);
}
