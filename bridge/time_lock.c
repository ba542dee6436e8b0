#include "bridge/time_lock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "bridge/batch.h"
#include "bridge/bridge.h"
#include "bridge/mex.h"
#include "bridge/out_message_queue.h"
#include "store/meta.h"

static struct time_lock *lock_of(struct bridge *b)
{
    return b->out_message ? &b->out_message->time_lock : NULL;
}

static void on_end(void *ctx);

/* Timers count in a clock that does not jump; the end is an instant of the server's. */
static void plan_end(struct bridge *b, struct time_lock *l)
{
    const int64_t left = l->until_s - bridge_server_now_s(b);

    if (l->until_s == 0)
        timer_stop(b->timers, &l->end);
    else
        timer_start(b->timers, &l->end,
                    left <= 0                 ? 0
                    : left > TIME_LOCK_LOOK_S ? TIME_LOCK_LOOK_S * 1000
                                              : left * 1000,
                    on_end, b);
}

/* What cannot be read now is read at the next question. */
static void load(struct bridge *b, struct time_lock *l)
{
    int64_t until = 0;
    enum wb_err err;

    if (l->loaded)
        return;
    err = store_meta_get_int(b->store, STORE_META_TIME_LOCK, &until);
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return;
    l->loaded = l->named = l->news = true;
    l->until_s = until;
    plan_end(b, l); /* which may have passed */
}

int64_t time_lock_until_s(struct bridge *b)
{
    struct time_lock *l = lock_of(b);

    if (!l)
        return 0;
    load(b, l);
    return l->until_s > bridge_server_now_s(b) ? l->until_s : 0;
}

const char *time_lock_text(int64_t until_s, char out[static TIME_LOCK_TEXT_MAX])
{
    time_t t = (time_t)until_s;
    struct tm tm;

    if (!gmtime_r(&t, &tm) || !strftime(out, TIME_LOCK_TEXT_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm))
        snprintf(out, TIME_LOCK_TEXT_MAX, "%" PRId64, until_s);
    return out;
}

/* until_s 0: it is over. The file first: what follows is looked at when the loop comes to it. */
static enum wb_err set(struct bridge *b, struct time_lock *l, int64_t until_s, bool named)
{
    char text[TIME_LOCK_TEXT_MAX];
    enum wb_err err;

    if (until_s)
        TRY(store_meta_put_int(b->store, STORE_META_TIME_LOCK, until_s));
    else
        TRY(store_meta_put(b->store, STORE_META_TIME_LOCK, SPAN_NULL));
    if (until_s && until_s != l->until_s)
        log_warn(b->log, "send",
                 "WhatsApp has restricted this number: nobody is written to for the first time "
                 "before %s%s",
                 time_lock_text(until_s, text), named ? "" : " (a guess: it has not said)");
    else if (!until_s && l->until_s)
        log_info(b->log, "send", "first messages to new people go out again");
    l->loaded = l->news = true;
    l->until_s = until_s;
    l->named = named;
    plan_end(b, l);
    out_queue_kick(b);
out:
    return err;
}

enum wb_err time_lock_told(struct bridge *b, const struct mex_time_lock *told)
{
    struct time_lock *l = lock_of(b);
    const int64_t now = bridge_server_now_s(b);
    int64_t until = told->ends_s;

    if (!l || jid_is_none(&b->own_pn))
        return WB_OK;
    load(b, l);
    l->refusals = 0;
    if (!told->active || (until > 0 && until <= now))
        return l->until_s ? set(b, l, 0, true) : WB_OK;
    if (until > now + TIME_LOCK_MAX_S)
        until = now + TIME_LOCK_MAX_S;
    /* Without an end WhatsApp Web waits so long, too; it is asked again then. */
    return set(b, l, until > 0 ? until : now + TIME_LOCK_GUESS_S, until > 0);
}

/* ---- asking --------------------------------------------------------------------------------- */

static enum wb_err answered(struct bridge *b, struct time_lock *l, const struct iq_reply *reply)
{
    struct mex_time_lock lock;
    enum wb_err err = reply->err;

    if (err == WB_OK)
        err = mex_time_lock_parse(node_content_bytes(node_child(reply->node, "result")),
                                  MEX_LOCK_ASKED, &lock);
    if (err != WB_OK) {
        log_debug(b->log, "send", "the state of the account is not known: %s", wb_err_text(err));
        /* Behind an end that we guessed: it is over. If not, the next refusal tells. */
        return l->why == TIME_LOCK_END ? set(b, l, 0, false) : WB_OK;
    }
    /* There is no lock, it says, and has just refused a message for one: not at once again. */
    if (!lock.active && l->why == TIME_LOCK_REFUSAL)
        return WB_OK;
    return time_lock_told(b, &lock);
}

static void on_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct time_lock *l = lock_of(b);
    enum wb_err err;

    if (!l || l->asked != key)
        return;
    l->asked = 0;
    err = answered(b, l, reply);
    if (err != WB_OK)
        batch_fail(b, err);
}

/* False: it cannot be asked now. */
static bool ask(struct bridge *b, struct time_lock *l, enum time_lock_why why)
{
    struct arena a = arena_new(16 * 1024);
    struct node *iq, *query;
    enum wb_err err = WB_OK;

    if (!l->asked || why != TIME_LOCK_LOGIN)
        l->why = why;
    if (l->asked)
        return true;
    iq = iq_new(&a, "get", "w:mex", NULL);
    query = node_child_new(&a, iq, "query");
    node_attr_text(&a, query, "query_id", MEX_LOCK_QUERY);
    node_set_bytes(&a, query, SPAN_LIT("{\"variables\":{}}"));
    err = iq_send(&b->iq, &a, iq, 0, on_answer, ++l->last_key);
    if (err == WB_OK)
        l->asked = l->last_key;
    arena_free(&a);
    return err == WB_OK;
}

enum wb_err time_lock_refused(struct bridge *b)
{
    struct time_lock *l = lock_of(b);
    const int64_t now = bridge_server_now_s(b), mono = clock_mono_ms(b->clock);
    int64_t guess = TIME_LOCK_GUESS_S;
    enum wb_err err = WB_OK;

    if (!l)
        return WB_OK;
    load(b, l);
    if (l->refusals && mono - l->refused_ms > TIME_LOCK_REFUSALS_MS)
        l->refusals = 0;
    for (unsigned i = 0; i < l->refusals && guess < TIME_LOCK_GUESS_MAX_S; i++)
        guess *= 2;
    if (guess > TIME_LOCK_GUESS_MAX_S)
        guess = TIME_LOCK_GUESS_MAX_S;
    l->refusals++;
    l->refused_ms = mono;
    if (l->until_s < now + guess)
        TRY(set(b, l, now + guess, false));
    (void)ask(b, l, TIME_LOCK_REFUSAL);
out:
    return err;
}

void time_lock_online(struct bridge *b)
{
    struct time_lock *l = lock_of(b);

    if (l && time_lock_until_s(b))
        (void)ask(b, l, TIME_LOCK_LOGIN);
}

/* An end that WhatsApp has named is the end. Behind a guess it is asked, and nothing leaves before
 * the answer, or before that is due. */
static void on_end(void *ctx)
{
    struct bridge *b = ctx;
    struct time_lock *l = lock_of(b);
    const int64_t now = bridge_server_now_s(b);
    enum wb_err err = WB_OK;

    if (l->until_s > now) {
        plan_end(b, l);
        return;
    }
    if (!l->named && b->out_message->ports->online(b) && ask(b, l, TIME_LOCK_END))
        err = set(b, l, now + IQ_TIMEOUT_MS / 1000 + 1, false);
    else
        err = set(b, l, 0, l->named);
    if (err == WB_OK)
        err = batch_commit(b);
    else
        batch_fail(b, err);
    if (err != WB_OK) /* tried again, as with everything that cannot be stored */
        timer_start(b->timers, &l->end, TIME_LOCK_LOOK_S * 1000, on_end, b);
}

void time_lock_forget(struct bridge *b)
{
    struct time_lock *l = lock_of(b);

    if (!l)
        return;
    timer_stop(b->timers, &l->end);
    *l = (struct time_lock){.last_key = l->last_key};
}
