#include "bridge/history/history_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"
#include "bridge/conn/conn.h"
#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/history/limits.h"
#include "bridge/media/history_download.h"
#include "bridge/media/limits.h"
#include "bridge/people/private_address.h"
#include "bridge/receive/in_message.h"
#include "bridge/sessions/out_peer.h"
#include "crypto/media_crypt.h"
#include "proto/history_wire.h"
#include "proto/inflate.h"
#include "proto/limits.h"
#include "store/core/batch.h"
#include "store/messages/messages.h"

enum {
    PAGE_MESSAGES = 50,         /* page size of WhatsApp's own clients (P-HI-13) */
    PAGES_MAX = 200,            /* of one gap: 10,000 messages */
    AGE_MAX_S = 14 * 24 * 3600, /* a gap that could not be filled for so long stays */
    AGAIN_S = 3600,             /* no answer for so long: asked again, at the next login */
    AGAIN_ONLINE_S = 12 * 3600, /* asked again without a login: the phone may be off for days */
    /* Questions that are on their way at a time: of hundreds in a row a phone drops most. */
    ASKED_MAX = 10,
    ANSWER_S = 600,   /* an answer that did not come by then holds up no other question */
    SETTLE_MS = 1000, /* messages that come in a burst are looked at once */
    RESEND_S = 60,   /* a lost message is first asked for by itself (bridge/receive/retry_owed.h) */
    CHATS_MAX = 256, /* chats looked at in one go; the next message of others comes later */
    SEEN_SLOTS = 512,
};

struct history_request {
    struct bridge *b;
    struct timer timer;
    bool some;      /* is there any gap? */
    bool resumed;   /* all open rows are to be looked at */
    bool login;     /* the look is the first one after a login */
    bool held_up;   /* a question waits for the answers to others */
    size_t asked;   /* questions without an answer yet */
    int64_t due_ms; /* monotonic: all open rows are to be looked at then; 0: no need */
    struct jid chats[CHATS_MAX];
    size_t nchats;
    uint64_t seen[SEEN_SLOTS]; /* hashes of chats that need not be looked at again */
};

static void on_timer(void *ctx);

static void schedule(struct history_request *h, int64_t after_ms)
{
    if (!h->timer.armed || timer_left_ms(h->b->timers, &h->timer) > after_ms)
        timer_start(h->b->timers, &h->timer, after_ms, on_timer, h);
}

static void look_in(struct history_request *h, int64_t seconds)
{
    const int64_t due = clock_mono_ms(h->b->clock) + seconds * 1000;

    if (!h->due_ms || due < h->due_ms)
        h->due_ms = due;
}

/* An answer has come: the next question that waited has its turn. */
static void go_on(struct history_request *h)
{
    if (!h || !h->held_up)
        return;
    h->due_ms = clock_mono_ms(h->b->clock) + SETTLE_MS;
    schedule(h, SETTLE_MS);
}

static void look_again(struct history_request *h)
{
    struct store_history_gaps sum;

    memset(h->seen, 0, sizeof h->seen);
    h->some =
        !h->b->account || store_history_gaps_sum(h->b->store, &sum) != WB_OK || sum.open || sum.all;
}

/* ---- asking ---- */

static enum wb_err close_gap(struct bridge *b, struct store_history_gap *g, const char *how)
{
    g->closed = true;
    g->request_id[0] = 0;
    log_info(b->log, "history",
             "a gap of one chat (%s) is closed, %s: %llu messages came in %u parts", g->reason, how,
             (unsigned long long)g->filled, (unsigned)g->pages);
    return store_history_gap_put(b->store, g);
}

/* The message before which this page ends: the oldest of the page before, or the first message
 * behind the gap. For some messages a phone gives no answer, though it has older ones: after a
 * question without an answer the next newer message is named. */
static enum wb_err anchor_of(struct bridge *b, const struct store_history_gap *g,
                             struct store_history_anchor *ret)
{
    struct store_history_anchor next;
    struct arena a = arena_new(MESSAGE_PLAINTEXT_MAX * 2);
    struct store_message_row row;
    enum wb_err err = WB_ERR_NOT_FOUND;

    if (g->anchor_id[0])
        err = store_message_get(b->store, &g->chat, span_cstr(g->anchor_id), NULL, &a, &row);
    if (err == WB_OK) {
        memcpy(ret->id, g->anchor_id, sizeof ret->id);
        ret->from_me = row.from_me;
        ret->timestamp = row.timestamp;
    } else if (err == WB_ERR_NOT_FOUND) {
        err = store_history_anchor(b->store, &g->chat, g->until + 1, ret);
    }
    if (err == WB_OK && g->request_id[0]) {
        err = store_history_anchor(b->store, &g->chat, ret->timestamp + 1, &next);
        if (err == WB_OK)
            *ret = next;
        else if (err == WB_ERR_NOT_FOUND)
            err = WB_OK;
    }
    arena_free(&a);
    return err;
}

/* Seals and sends the question, in the open batch. NO_SESSION: as of out_peer_seal(). */
static enum wb_err ask(struct bridge *b, struct store_history_gap *g,
                       const struct store_history_anchor *from)
{
    struct arena a = arena_new(64 << 10);
    struct buf message = buf_new(4096);
    char chat_text[JID_TEXT_MAX];
    struct jid chat;
    struct node *n = NULL;
    enum wb_err err;

    chat = g->chat;
    if (jid_is_person(&chat)) /* the phone keeps people as the account writes to them */
        TRY(private_address_of(b, &g->chat, &chat));
    const struct peer_history_request r = {.chat_jid = span_cstr(jid_text(&chat, chat_text)),
                                           .oldest_id = span_cstr(from->id),
                                           .oldest_from_me = from->from_me,
                                           .count = PAGE_MESSAGES,
                                           .oldest_timestamp = from->timestamp};
    TRY(peer_history_request_encode(&r, &message));
    TRY(out_peer_seal(b, &a, buf_span(&message), NULL, &n));
    struct span id = node_attr_str(n, "id", &a);
    TRY(id.n < sizeof g->request_id ? WB_OK : WB_ERR_BUG);
    memset(g->request_id, 0, sizeof g->request_id);
    memcpy(g->request_id, id.p, id.n);
    memcpy(g->anchor_id, from->id, sizeof g->anchor_id);
    g->asked_at = bridge_server_now_s(b);
    g->pages++;
    TRY(store_history_gap_put(b->store, g));
    err = outgoing_after_commit(b, n);
out:
    buf_free(&message);
    arena_free(&a);
    return err;
}

static bool is_answered(struct history_request *h, const struct store_history_gap *g, int64_t now)
{
    const int64_t again = h->login ? AGAIN_S : AGAIN_ONLINE_S;

    if (!g->request_id[0] || now - g->asked_at >= again)
        return true;
    look_in(h, AGAIN_ONLINE_S - (now - g->asked_at));
    return false;
}

/* Too many questions are under way: the gap's row says that it waits. */
static enum wb_err hold_up(struct history_request *h, const struct store_history_gap *g)
{
    h->held_up = true;
    look_in(h, ANSWER_S);
    return store_history_gap_put(h->b->store, g);
}

/* Takes the next step for one gap, in the open batch. */
static enum wb_err take_step(struct history_request *h, struct store_history_gap *g)
{
    struct bridge *b = h->b;
    struct store_history_anchor from;
    int64_t now = bridge_server_now_s(b);
    bool waiting = true;
    enum wb_err err;

    if (!is_answered(h, g, now))
        return WB_OK;
    if (now - g->until > AGE_MAX_S || g->pages >= PAGES_MAX)
        return close_gap(b, g, "given up");
    if (strcmp(g->reason, STORE_GAP_OLD_COUNTER) == 0 && g->pages == 0) {
        if (now - g->until < RESEND_S) {
            look_in(h, RESEND_S);
            return WB_OK;
        }
        TRY(store_history_waiting(b->store, g, &waiting));
        if (!waiting)
            return close_gap(b, g, "it came by itself");
    }
    err = anchor_of(b, g, &from);
    if (err == WB_ERR_NOT_FOUND)
        return WB_OK; /* it waits for a message behind the gap */
    TRY(err);
    if (h->asked >= ASKED_MAX)
        return hold_up(h, g);
    err = ask(b, g, &from);
    if (err == WB_OK) {
        h->asked++;
        look_in(h, AGAIN_ONLINE_S);
    }
    if (err == WB_ERR_NO_SESSION) {
        log_debug(b->log, "history", "no session with our own phone yet");
        TRY(store_history_gap_put(b->store, g)); /* stays open: tried again with a session */
        err = out_peer_want_session(b);
    }
out:
    return err;
}

static enum wb_err step_chat(struct history_request *h, const struct jid *chat)
{
    struct store_history_gap g;
    enum wb_err err = store_history_gap_get(h->b->store, chat, &g);

    if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    return err == WB_OK ? take_step(h, &g) : err;
}

static enum wb_err step_open(struct history_request *h)
{
    char cursor[JID_TEXT_MAX] = "";
    struct store_history_gap g;
    enum wb_err err;

    while ((err = store_history_gap_next(h->b->store, cursor, &g)) == WB_OK)
        TRY(take_step(h, &g));
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
out:
    return err;
}

/* Ends the gap of a restore so long ago that no answer will come any more. */
static enum wb_err end_old(struct history_request *h)
{
    struct store_history_gaps sum;
    enum wb_err err;

    TRY(store_history_gaps_sum(h->b->store, &sum));
    if (!sum.all)
        return WB_OK;
    if (bridge_server_now_s(h->b) - sum.until > AGE_MAX_S)
        return store_history_gap_all_end(h->b->store);
    if (h->resumed)
        log_warn(
            h->b->log, "history",
            "the databases were restored: messages of %lld s before the restore may be missing; "
            "our phone is asked for them chat by chat (%llu came so far)",
            (long long)(sum.until - sum.since), (unsigned long long)sum.filled);
out:
    return err;
}

static enum wb_err run(struct history_request *h)
{
    const struct config *config = h->b->config;
    enum wb_err err;

    TRY(end_old(h));
    TRY(store_history_asked(h->b->store, bridge_server_now_s(h->b) - ANSWER_S, &h->asked));
    if (h->resumed) {
        TRY(step_open(h));
        for (size_t i = 0; i < config->ngroups; i++)
            TRY(step_chat(h, &config->groups[i].jid));
    }
    for (size_t i = 0; i < h->nchats; i++)
        TRY(step_chat(h, &h->chats[i]));
    if (store_batch_open(h->b->store))
        err = batch_commit(h->b);
out:
    return err;
}

static void on_timer(void *ctx)
{
    struct history_request *h = ctx;

    /* When offline, nothing is done: the next login starts its own round. */
    if (!h->b->account || !conn_online(h->b->conn))
        return;
    if (h->due_ms && clock_mono_ms(h->b->clock) >= h->due_ms)
        h->resumed = true;
    if (h->resumed) {
        h->due_ms = 0;
        h->held_up = false;
    }
    enum wb_err err = run(h);
    h->nchats = 0;
    h->resumed = h->login = false;
    if (err != WB_OK) {
        batch_fail(h->b, err);
        return;
    }
    look_again(h);
    if (h->due_ms)
        schedule(h, h->due_ms - clock_mono_ms(h->b->clock));
}

/* ---- answers ---- */

struct phone_page {
    size_t n;       /* messages of the right chat in the page */
    int64_t oldest; /* time of the oldest of them */
    char oldest_id[STORE_MESSAGE_ID_MAX + 1];
};

static enum wb_err take_message(struct bridge *b, struct arena *a, struct span web,
                                struct store_history_gap *g, struct phone_page *p)
{
    struct in_message_web w;
    bool same, maybe = false;
    enum wb_err err = in_message_read_web(b, a, web, g->until, &w);

    if (err == WB_OK)
        err = in_message_resent_same(b, &w.m.chat, &g->chat, &same, &maybe);
    if (err == WB_OK && !maybe) {
        b->trust.unasked_answers++;
        err = WB_ERR_PROTOCOL;
    }
    if (err == WB_OK)
        err = in_message_take_web(b, &w);
    if (err != WB_OK && wb_err_class(err) == WB_CLASS_PEER) {
        log_debug(b->log, "history", "a message of the history is of no use: %s", wb_err_text(err));
        return WB_OK;
    }
    TRY(err);
    p->n++;
    g->filled += w.m.stored;
    /* Pages are sorted newest first: of several messages of one second the last is the oldest. */
    if (p->n == 1 || w.m.t <= p->oldest) {
        p->oldest = w.m.t;
        memset(p->oldest_id, 0, sizeof p->oldest_id);
        memcpy(p->oldest_id, w.m.id.p,
               w.m.id.n); /* at most STORE_MESSAGE_ID_MAX: its id is valid */
    }
out:
    return err;
}

static enum wb_err take_conversation(struct bridge *b, struct span in, struct arena *lists,
                                     struct store_history_gap *g, struct phone_page *p)
{
    struct arena a = arena_new(CONTENT_ARENA_MAX);
    struct history_conversation c;
    struct jid chat;
    bool same = false;
    enum wb_err err;

    TRY(history_conversation_decode(in, lists, &c));
    TRY(jid_parse(c.id, &chat));
    TRY(in_message_resent_same(b, &chat, &g->chat, &same, NULL));
    if (!same)
        goto out; /* another kind than was asked for */
    for (size_t i = 0; i < c.n && i < HISTORY_PAGE_MAX; i++) {
        if (span_is_null(c.messages[i]))
            continue;
        arena_reset(&a);
        TRY(take_message(b, &a, c.messages[i], g, p));
    }
out:
    arena_free(&a);
    return err;
}

/* In the open batch: the rows, and the next page's question where there is one. */
static enum wb_err take_history(struct bridge *b, struct span plain, struct store_history_gap *g)
{
    struct arena lists = arena_new(HISTORY_ARENA_MAX);
    struct store_history_anchor from = {.timestamp = 0};
    struct phone_page p = {.n = 0};
    struct history_sync sync;
    enum wb_err err;

    go_on(b->history);
    TRY(history_sync_decode(plain, &lists, &sync));
    for (size_t i = 0; i < sync.n; i++) {
        err = take_conversation(b, sync.conversations[i], &lists, g, &p);
        if (err != WB_OK && wb_err_class(err) != WB_CLASS_PEER)
            goto out;
    }
    g->request_id[0] = 0;
    /* The page has nothing new: there are no older messages, or the phone does not go on. */
    if (p.n == 0 || p.oldest < g->since || strcmp(p.oldest_id, g->anchor_id) == 0) {
        err = close_gap(b, g, p.n ? "filled" : "the phone has no more");
        goto out;
    }
    memcpy(g->anchor_id, p.oldest_id, sizeof g->anchor_id);
    TRY(store_history_gap_put(b->store, g));
    if (g->pages >= PAGES_MAX) {
        err = close_gap(b, g, "given up");
        goto out;
    }
    TRY(anchor_of(b, g, &from));
    err = ask(b, g, &from);
    if (err == WB_ERR_NO_SESSION)
        err = WB_OK;
out:
    arena_free(&lists);
    return err;
}

static enum wb_err take_packed(struct bridge *b, struct span packed, struct store_history_gap *g)
{
    struct buf plain = buf_new(HISTORY_INFLATED_MAX);
    enum wb_err err;

    TRY(inflate_zlib(packed, &plain));
    err = take_history(b, buf_span(&plain), g);
out:
    buf_free(&plain);
    return err;
}

/* A file has come, or could not be fetched: outside of any stanza, so in a batch of its own. */
static void on_file(struct bridge *b, struct span request_id, enum wb_err result,
                    struct buf *content)
{
    struct store_history_gap g;
    enum wb_err err;

    if (!b->account)
        return;
    err = store_history_gap_of_request(b->store, request_id, &g);
    if (err == WB_ERR_NOT_FOUND)
        return; /* closed or asked anew meanwhile */
    TRY(err);
    if (result == WB_OK) {
        TRY(store_mark(b->store));
        result = take_packed(b, buf_span(content), &g);
        if (result == WB_OK)
            TRY(store_mark_keep(b->store));
        else if (wb_err_class(result) != WB_CLASS_PEER)
            TRY(result);
        else
            TRY(store_mark_undo(b->store));
    }
    if (result != WB_OK) {
        log_warn(b->log, "history", "a part of the history could not be fetched: %s",
                 wb_err_text(result));
        TRY(store_history_gap_of_request(b->store, request_id, &g));
        g.request_id[0] = 0; /* asked again at the next login */
        TRY(store_history_gap_put(b->store, &g));
    }
    err = batch_commit(b);
out:
    if (err != WB_OK)
        batch_fail(b, err);
}

enum wb_err history_request_answer(struct bridge *b, const struct history_notification *n)
{
    static const struct history_fetch how = {.info = MEDIA_INFO_HISTORY,
                                             .mms_type = "md-msg-hist",

                                             .file_max = HISTORY_FILE_MAX,
                                             .timeout_ms = HISTORY_FETCH_MS,
                                             .done = on_file};
    struct store_history_gap g;
    enum wb_err err = store_history_gap_of_request(b->store, n->request_id, &g);

    if (err == WB_ERR_NOT_FOUND)
        err = store_history_gap_of_request(b->store, n->original_message_id, &g);
    if (err == WB_ERR_NOT_FOUND) {
        log_debug(b->log, "history", "history that nobody asked for");
        return WB_OK;
    }
    TRY(err);
    if (n->inline_payload.n)
        return take_packed(b, n->inline_payload, &g);
    err = history_download_start(b, n, span_cstr(g.request_id), &how);
    if (err == WB_ERR_STATE) {
        log_warn(b->log, "history", "too many files at once; this one is asked for again");
        g.request_id[0] = 0;
        err = store_history_gap_put(b->store, &g);
    }
out:
    return err;
}

enum wb_err history_request_sum(struct bridge *b, struct store_history_gaps *ret)
{
    return store_history_gaps_sum(b->store, ret);
}

/* ---- events ---- */

static uint64_t hash_chat(const struct jid *chat)
{
    return fnv_text(FNV_START ^ (uint64_t)chat->server, chat->user) | 1;
}

/* A message behind a gap is what asking can begin with. */
static void on_message(void *ctx, const struct bridge_event *ev)
{
    struct history_request *h = ctx;
    uint64_t mark = hash_chat(ev->chat);
    uint64_t *slot = &h->seen[(mark >> 1) % SEEN_SLOTS];

    if (!h->some || *slot == mark || h->nchats == CHATS_MAX)
        return;
    *slot = mark;
    h->chats[h->nchats++] = *ev->chat;
    schedule(h, SETTLE_MS);
}

static void on_offline_done(void *ctx, const struct bridge_event *ev)
{
    struct history_request *h = ctx;

    (void)ev;
    look_again(h);
    if (!h->some)
        return;
    h->resumed = h->login = true;
    schedule(h, SETTLE_MS);
}

static void on_offline(void *ctx, const struct bridge_event *ev)
{
    struct history_request *h = ctx;

    (void)ev;
    timer_stop(h->b->timers, &h->timer);
    h->nchats = 0;
    h->due_ms = 0;
}

/* A gap was noted: it is asked for when the next message behind it has been committed. */
static void on_gap(void *ctx, const struct bridge_event *ev)
{
    struct history_request *h = ctx;

    (void)ev;
    memset(h->seen, 0, sizeof h->seen);
    h->some = true;
}

static void on_phone_ready(void *ctx, const struct bridge_event *ev)
{
    struct history_request *h = ctx;

    (void)ev;
    h->resumed = true;
    schedule(h, SETTLE_MS);
}

static void on_batch_failed(void *ctx, const struct bridge_event *ev)
{
    (void)ev;
    look_again(ctx);
}

enum wb_err history_request_new(struct bridge *b, struct history_request **ret)
{
    struct history_request *h = calloc(1, sizeof *h);
    enum wb_err err;

    if (!h)
        return WB_ERR_NOMEM;
    h->b = b;
    h->some = true; /* assumed until the store has been asked */
    TRY(events_on(&b->events, BRIDGE_EV_MESSAGE, on_message, h));
    TRY(events_on(&b->events, BRIDGE_EV_OFFLINE_DONE, on_offline_done, h));
    TRY(events_on(&b->events, BRIDGE_EV_OFFLINE, on_offline, h));
    TRY(events_on(&b->events, BRIDGE_EV_GAP, on_gap, h));
    TRY(events_on(&b->events, BRIDGE_EV_PHONE_READY, on_phone_ready, h));
    TRY(events_on(&b->events, BRIDGE_EV_BATCH_FAILED, on_batch_failed, h));
    *ret = h;
    h = NULL;
out:
    history_request_free(h);
    return err;
}

void history_request_free(struct history_request *h)
{
    if (!h)
        return;
    timer_stop(h->b->timers, &h->timer);
    free(h);
}
