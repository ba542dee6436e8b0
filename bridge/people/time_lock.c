#include "bridge/people/time_lock.h"

#include <stdlib.h>

#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/people/limits.h"
#include "bridge/people/mex.h"
#include "store/core/meta.h"

struct time_lock {
    struct bridge *b;
    bool (*online)(struct bridge *b);
    bool loaded;        /* until_s was read from the file */
    bool named;         /* until_s is WhatsApp's word, not our guess */
    int64_t until_s;    /* server time, unix seconds; 0: none */
    int64_t guessed_ms; /* monotonic: when we last guessed an end that nobody had named */
    unsigned guesses;   /* guessed ends in a row */
    uint64_t asked;     /* the question that is under way; 0: none */
    enum time_lock_why {
        TIME_LOCK_LASTS,   /* does it still last? */
        TIME_LOCK_REFUSAL, /* a message was refused */
    } why;                 /* it was asked */
    uint64_t last_key, changes;
    struct timer end;
};

static void on_end(void *ctx);

/* Timers use the monotonic clock, while the end is a time of the server's clock. */
static void plan_end(struct time_lock *l)
{
    struct bridge *b = l->b;
    const int64_t left = l->until_s - bridge_server_now_s(b);

    if (l->until_s == 0)
        timer_stop(b->timers, &l->end);
    else
        timer_start(b->timers, &l->end,
                    left <= 0                 ? 0
                    : left > TIME_LOCK_LOOK_S ? TIME_LOCK_LOOK_S * 1000
                                              : left * 1000,
                    on_end, l);
}

/* If the file cannot be read now, the next call tries again. */
static void load(struct time_lock *l)
{
    struct bridge *b = l->b;
    int64_t until = 0, named = 0;
    enum wb_err err;

    if (l->loaded)
        return;
    err = store_meta_get_int(b->store, STORE_META_TIME_LOCK, &until);
    if (err == WB_OK)
        err = store_meta_get_int(b->store, STORE_META_TIME_LOCK_NAMED, &named);
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return;
    l->loaded = true;
    l->changes++;
    l->until_s = until;
    l->named = named != 0;
    plan_end(l); /* the end may have passed already */
}

/* The guessed end has come, but WhatsApp has not confirmed it yet. */
static bool is_open(const struct time_lock *l, int64_t now)
{
    return l->until_s && l->until_s <= now && !l->named;
}

int64_t time_lock_until_s(struct time_lock *l)
{
    const int64_t now = bridge_server_now_s(l->b);

    load(l);
    if (is_open(l, now))
        return now + TIME_LOCK_LOOK_S; /* WhatsApp is asked again by then */
    return l->until_s > now ? l->until_s : 0;
}

bool time_lock_guessed(struct time_lock *l)
{
    return time_lock_until_s(l) && !l->named;
}

uint64_t time_lock_changes(const struct time_lock *l)
{
    return l->changes;
}

/* until_s 0: the lock is over. Writes the file first; listeners act when the loop comes to them. */
static enum wb_err set(struct time_lock *l, int64_t until_s, bool named)
{
    struct bridge *b = l->b;
    char text[CLOCK_TEXT_MAX];
    enum wb_err err;

    if (until_s) {
        TRY(store_meta_put_int(b->store, STORE_META_TIME_LOCK, until_s));
        TRY(store_meta_put_int(b->store, STORE_META_TIME_LOCK_NAMED, named));
    } else {
        TRY(store_meta_put(b->store, STORE_META_TIME_LOCK, SPAN_NULL));
        TRY(store_meta_put(b->store, STORE_META_TIME_LOCK_NAMED, SPAN_NULL));
    }
    if (until_s && until_s != l->until_s)
        log_warn(b->log, "send",
                 "WhatsApp has restricted this number: nobody is written to for the first time "
                 "before %s%s",
                 clock_text(until_s, text),
                 named ? "" : " (our guess: it has not said when that ends)");
    else if (!until_s && l->until_s)
        log_info(b->log, "send", "first messages to new people go out again");
    l->loaded = true;
    l->changes++;
    l->until_s = until_s;
    l->named = named;
    plan_end(l);
    events_emit_kind(&b->events, BRIDGE_EV_TIME_LOCK);
out:
    return err;
}

/* The wait of WhatsApp Web when no end is named, doubled for each guess that was too short. */
static int64_t next_guess_s(struct time_lock *l)
{
    const int64_t mono = clock_mono_ms(l->b->clock);
    int64_t guess = TIME_LOCK_GUESS_S;

    if (l->guesses && mono - l->guessed_ms > TIME_LOCK_GUESSES_MS)
        l->guesses = 0;
    for (unsigned i = 0; i < l->guesses && guess < TIME_LOCK_GUESS_MAX_S; i++)
        guess *= 2;
    l->guesses++;
    l->guessed_ms = mono;
    return guess < TIME_LOCK_GUESS_MAX_S ? guess : TIME_LOCK_GUESS_MAX_S;
}

enum wb_err time_lock_told(struct time_lock *l, const struct mex_time_lock *told)
{
    const int64_t now = bridge_server_now_s(l->b);
    const int64_t until = told->ends_s;

    if (jid_is_none(&l->b->own_pn))
        return WB_OK;
    load(l);
    if (!told->active || (until > 0 && until <= now)) {
        l->guesses = 0;
        return l->until_s ? set(l, 0, true) : WB_OK;
    }
    if (until <= 0) /* no end is named: WhatsApp is asked again at the guessed end */
        return l->until_s > now && !l->named ? WB_OK : set(l, now + next_guess_s(l), false);
    l->guesses = 0;
    return set(l, until > now + TIME_LOCK_MAX_S ? now + TIME_LOCK_MAX_S : until, true);
}

/* ---- asking ---- */

/* The question or its answer got lost: it is asked again after the next login, or after a while. */
static bool is_unanswered(enum wb_err err)
{
    return err == WB_ERR_NET || err == WB_ERR_TIMEOUT || err == WB_ERR_CANCELLED ||
           err == WB_ERR_STATE || err == WB_ERR_RATE_LIMITED;
}

static enum wb_err answered(struct time_lock *l, const struct iq_reply *reply)
{
    struct bridge *b = l->b;
    struct mex_time_lock lock;
    enum wb_err err = reply->err;

    if (err == WB_OK)
        err = mex_time_lock_parse(node_content_bytes(node_child(reply->node, "result")),
                                  MEX_LOCK_ASKED, &lock);
    if (err != WB_OK) {
        log_debug(b->log, "send", "the state of the account is not known: %s", wb_err_text(err));
        /* WhatsApp refuses to tell: then the guessed end counts. If it was too early, the next
         * refusal says so. */
        return !is_unanswered(err) && is_open(l, bridge_server_now_s(b)) ? set(l, 0, false) : WB_OK;
    }
    /* WhatsApp says that there is no lock, but has just refused a message because of one: the guess
     * stays. */
    if (!lock.active && l->why == TIME_LOCK_REFUSAL)
        return WB_OK;
    return time_lock_told(l, &lock);
}

static void on_answer(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    struct time_lock *l = b->time_lock;
    enum wb_err err;

    if (l->asked != key)
        return;
    l->asked = 0;
    err = answered(l, reply);
    if (err != WB_OK)
        batch_fail(b, err);
}

/* If WhatsApp cannot be asked now, it is asked at the next login, or after a while (on_end()). */
static void ask(struct time_lock *l, enum time_lock_why why)
{
    struct arena a = arena_new(16 * 1024);
    struct node *iq, *query;
    enum wb_err err = WB_OK;

    if (!l->asked || why == TIME_LOCK_REFUSAL)
        l->why = why;
    if (l->asked) {
        arena_free(&a);
        return;
    }
    iq = iq_new(&a, "get", "w:mex", NULL);
    query = node_child_new(&a, iq, "query");
    node_attr_text(&a, query, "query_id", MEX_LOCK_QUERY);
    node_set_bytes(&a, query, SPAN_LIT("{\"variables\":{}}"));
    err = iq_send(&l->b->iq, &a, iq, 0, on_answer, ++l->last_key);
    if (err == WB_OK)
        l->asked = l->last_key;
    arena_free(&a);
}

enum wb_err time_lock_refused(struct time_lock *l)
{
    const int64_t now = bridge_server_now_s(l->b);
    int64_t guess;
    enum wb_err err = WB_OK;

    load(l);
    guess = next_guess_s(l);
    if (l->until_s < now + guess)
        TRY(set(l, now + guess, false));
    ask(l, TIME_LOCK_REFUSAL);
out:
    return err;
}

void time_lock_online(struct time_lock *l)
{
    if (time_lock_until_s(l))
        ask(l, TIME_LOCK_LASTS);
}

/* An end that WhatsApp has named needs no question. After a guessed end WhatsApp is asked until it
 * answers, however long that takes, and no first message leaves before. */
static void on_end(void *ctx)
{
    struct time_lock *l = ctx;
    struct bridge *b = l->b;
    enum wb_err err;

    if (l->until_s > bridge_server_now_s(b)) {
        plan_end(l);
        return;
    }
    if (!l->named) {
        if (l->online(b))
            ask(l, TIME_LOCK_LASTS);
        timer_start(b->timers, &l->end, TIME_LOCK_LOOK_S * 1000, on_end, l);
        return;
    }
    err = set(l, 0, true);
    if (err == WB_OK)
        err = batch_commit(b);
    else
        batch_fail(b, err);
    if (err != WB_OK) /* tried again, like everything that cannot be stored */
        timer_start(b->timers, &l->end, TIME_LOCK_LOOK_S * 1000, on_end, l);
}

void time_lock_forget(struct time_lock *l)
{
    timer_stop(l->b->timers, &l->end);
    *l = (struct time_lock){
        .b = l->b, .online = l->online, .last_key = l->last_key, .changes = l->changes};
}

enum wb_err time_lock_new(struct bridge *b, bool (*online)(struct bridge *b),
                          struct time_lock **ret_l)
{
    struct time_lock *l = calloc(1, sizeof *l);

    if (!l)
        return WB_ERR_NOMEM;
    l->b = b;
    l->online = online;
    *ret_l = l;
    return WB_OK;
}

void time_lock_free(struct time_lock *l)
{
    if (!l)
        return;
    timer_stop(l->b->timers, &l->end);
    free(l);
}
