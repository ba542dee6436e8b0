/* in_message_state.c - what receiving remembers between stanzas, and the news of stored messages:
 * nobody hears of a message before its batch is committed. */
#include <stdlib.h>
#include <string.h>

#include "bridge/core/context.h"
#include "bridge/receive/in_message.h"
#include "bridge/receive/in_message_private.h"
#include "bridge/receive/in_message_revoke.h"
#include "proto/limits.h"
#include "store/core/meta.h"
#include "store/session/lid_map.h"

enum {
    NEWS_FIRST_CAP = 64,
    /* A valid text always fits. U+FFFD is longer than the wrong byte that it replaces; a text that
     * becomes too long by that is cut (content_readable). */
    TEXT_MAX = MESSAGE_PLAINTEXT_MAX,
};

/* ---- news after the commit ---- */

enum wb_err in_message_state_news_add(struct bridge *b, const struct in_message *m,
                                      int64_t received_ms)
{
    struct in_message_state *st = b->in_message;
    struct in_message_news *n;
    struct jid pn;

    if (st->nnews == st->news_cap) {
        size_t cap = st->news_cap ? st->news_cap * 2 : NEWS_FIRST_CAP;
        struct in_message_news *more = realloc(st->news, cap * sizeof *more);

        if (!more)
            return WB_ERR_NOMEM;
        st->news = more;
        st->news_cap = cap;
    }
    n = &st->news[st->nnews++];
    n->chat = m->chat;
    if (m->chat.server == JID_LID && store_pn_of_lid(b->store, &m->chat, &pn) == WB_OK)
        n->chat = jid_bare(pn);
    n->sender = m->sender_alt.server == JID_PN ? m->sender_alt : m->sender;
    n->from_me = m->from_me;
    n->said = st->said;
    st->said = (struct message_said){0};
    memcpy(n->id, m->id.p, m->id.n);
    n->id[m->id.n] = '\0';
    st->newest_arrival_ms = received_ms;
    return WB_OK;
}

static void forget_news(struct in_message_state *st)
{
    for (size_t i = 0; i < st->nnews; i++)
        message_said_forget(&st->news[i].said);
    st->nnews = 0;
    message_said_forget(&st->said);
}

/* Writes down how many messages of others have been stored in all, once per batch and as part of
 * it. A count that began anew at each start would look to a monitor like lost messages. */
static void on_batch_ends(void *ctx, const struct bridge_event *ev)
{
    const struct in_message_state *st = ctx;

    (void)ev;
    if (st->nnews > 0 && store_meta_put_int(st->b->store, STORE_META_MESSAGES,
                                            (int64_t)(st->b->messages_stored + st->nnews)) != WB_OK)
        log_debug(st->b->log, "message", "the number of messages was not written down");
}

static void on_batch_done(void *ctx, const struct bridge_event *ev)
{
    struct in_message_state *st = ctx;
    size_t n = st->nnews;

    (void)ev;
    if (n == 0)
        return;
    st->nnews = 0;
    st->b->messages_stored += n;
    st->b->last_message_ms = st->newest_arrival_ms;
    log_hold(st->b->log);
    for (size_t i = 0; i < n; i++) {
        struct in_message_news *news = &st->news[i];

        message_log_stored(st->b, &news->chat, &news->sender, news->from_me, news->id, &news->said);
        message_said_forget(&news->said);
    }
    log_release(st->b->log);
    for (size_t i = 0; i < n; i++) {
        const struct bridge_event e = {
            .kind = BRIDGE_EV_MESSAGE, .chat = &st->news[i].chat, .id = st->news[i].id};

        events_emit(&st->b->events, &e);
    }
}

static void on_batch_failed(void *ctx, const struct bridge_event *ev)
{
    struct in_message_state *st = ctx;

    (void)ev;
    forget_news(st);
    memset(st->push_names, 0, sizeof st->push_names);
    st->secret_waits = WAITS_UNKNOWN;
    retry_owed_forget(&st->owed);
}

static void on_offline_done(void *ctx, const struct bridge_event *ev)
{
    struct in_message_state *st = ctx;

    (void)ev;
    retry_owed_resume(&st->owed);
    in_message_revokes_resume(st->b);
}

static void on_offline(void *ctx, const struct bridge_event *ev)
{
    struct in_message_state *st = ctx;

    (void)ev;
    retry_owed_offline(&st->owed);
}

static void on_phone_ready(void *ctx, const struct bridge_event *ev)
{
    struct in_message_state *st = ctx;

    (void)ev;
    retry_owed_phone_ready(&st->owed);
}

enum wb_err in_message_new(struct bridge *b, struct in_message_state **ret_s)
{
    struct in_message_state *st = calloc(1, sizeof *st);
    int64_t stored;
    enum wb_err err;

    if (!st)
        return WB_ERR_NOMEM;
    st->b = b;
    st->plain = buf_new(MESSAGE_PLAINTEXT_MAX);
    st->text = buf_new(TEXT_MAX);
    st->mentions = buf_new(TEXT_MAX);
    st->names = buf_new(STORE_NAME_MAX * 4);
    if (store_meta_get_int(b->store, STORE_META_MESSAGES, &stored) == WB_OK && stored > 0)
        b->messages_stored = (uint64_t)stored;
    retry_owed_init(&st->owed, b);
    TRY(events_on(&b->events, BRIDGE_EV_BATCH_ENDS, on_batch_ends, st));
    TRY(events_on(&b->events, BRIDGE_EV_BATCH_DONE, on_batch_done, st));
    TRY(events_on(&b->events, BRIDGE_EV_BATCH_FAILED, on_batch_failed, st));
    TRY(events_on(&b->events, BRIDGE_EV_OFFLINE_DONE, on_offline_done, st));
    TRY(events_on(&b->events, BRIDGE_EV_OFFLINE, on_offline, st));
    TRY(events_on(&b->events, BRIDGE_EV_PHONE_READY, on_phone_ready, st));
    *ret_s = st;
    st = NULL;
out:
    in_message_free(st);
    return err;
}

void in_message_state_names_changed(struct bridge *b)
{
    if (b->in_message)
        memset(b->in_message->push_names, 0, sizeof b->in_message->push_names);
}

enum wb_err in_message_acked(struct bridge *b, struct span id)
{
    return b->in_message ? retry_owed_acked(&b->in_message->owed, id) : WB_OK;
}

void in_message_free(struct in_message_state *st)
{
    if (!st)
        return;
    retry_owed_stop(&st->owed);
    buf_free(&st->plain);
    buf_free(&st->text);
    buf_free(&st->mentions);
    buf_free(&st->names);
    forget_news(st);
    free(st->news);
    free(st);
}
