#include "bridge/send/out_queue.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/core/message_log.h"
#include "bridge/people/time_lock.h"
#include "bridge/send/out_caller.h"
#include "bridge/send/out_deadline.h"
#include "bridge/send/out_work.h"
#include "store/session/lid_map.h"

/* ---- items and lanes ---- */

static void free_item(struct out_item *it)
{
    timer_stop(it->b->timers, &it->timer);
    out_caller_free(it);
    out_work_free(it->work);
    message_said_forget(&it->said);
    it->b->out_message->nopen--;
    free(it);
}

/* Both forms of a person (number, LID) are one chat: a lane is also found if it was made before the
 * two forms were known to be one person. */
static struct out_lane *find_lane(struct bridge *b, const struct jid *canonical)
{
    struct jid pn;
    bool has_pn =
        canonical->server == JID_LID && store_pn_of_lid(b->store, canonical, &pn) == WB_OK;

    for (struct out_lane *l = b->out_message->lanes; l; l = l->next)
        if (jid_eq(&l->chat, canonical) || (has_pn && jid_eq(&l->chat, &pn)))
            return l;
    return NULL;
}

static struct out_lane *lane_of(struct bridge *b, const struct jid *chat)
{
    struct out_message_state *s = b->out_message;
    struct jid canonical = *chat;
    struct out_lane *l;

    if (jid_is_person(chat) && store_canonical(b->store, chat, &canonical) != WB_OK)
        canonical = *chat;
    l = find_lane(b, &canonical);
    if (l)
        return l;
    l = calloc(1, sizeof *l);
    if (l) {
        l->chat = canonical;
        l->next = s->lanes;
        s->lanes = l;
    }
    return l;
}

static void free_lane(struct out_message_state *s, struct out_lane *lane)
{
    struct out_lane **at = &s->lanes;

    while (*at != lane)
        at = &(*at)->next;
    *at = lane->next;
    free(lane);
}

/* Takes an unsealed item out of its lane; an empty lane is freed. */
static void leave_lane(struct out_item *it)
{
    struct out_lane *l = it->lane;
    struct out_item *before = NULL, *at = l->first;

    if (it->step == OUT_ASKING)
        it->b->out_message->npreparing--;
    it->asked = 0;
    while (at != it) {
        before = at;
        at = at->next;
    }
    *(before ? &before->next : &l->first) = it->next;
    if (l->last == it)
        l->last = before;
    it->next = NULL;
    it->lane = NULL;
    if (!l->first)
        free_lane(it->b->out_message, l);
}

static void leave_sealed(struct out_item *it)
{
    struct out_message_state *s = it->b->out_message;
    struct out_item *before = NULL, *at = s->sealed;

    while (at != it) {
        before = at;
        at = at->next;
    }
    *(before ? &before->next : &s->sealed) = it->next;
    if (s->last_sealed == it)
        s->last_sealed = before;
    if (s->unsent == it)
        s->unsent = it->next;
    it->next = NULL;
    s->ncarriers -= it->carries;
}

static void join_sealed(struct out_item *it)
{
    struct out_message_state *s = it->b->out_message;

    s->ncarriers += it->carries;
    *(s->last_sealed ? &s->last_sealed->next : &s->sealed) = it;
    s->last_sealed = it;
}

static struct out_item *new_item(struct bridge *b, const struct store_outbox_row *row)
{
    struct out_item *it = calloc(1, sizeof *it);

    if (!it)
        return NULL;
    it->b = b;
    snprintf(it->id, sizeof it->id, "%s", row->message_id);
    it->seq = row->seq;
    it->chat = row->chat;
    it->sealed_at = row->sealed_at;
    out_deadline_set(it, row);
    b->out_message->nopen++;
    return it;
}

enum wb_err out_queue_add(struct bridge *b, const struct store_outbox_row *row, bool durable,
                          struct out_item **ret_item)
{
    struct out_lane *lane = lane_of(b, &row->chat);
    struct out_item *it = lane ? new_item(b, row) : NULL;

    if (!it) {
        if (lane && !lane->first)
            free_lane(b->out_message, lane);
        return WB_ERR_NOMEM;
    }
    it->durable = durable;
    it->lane = lane;
    *(lane->last ? &lane->last->next : &lane->first) = it;
    lane->last = it;
    *ret_item = it;
    out_queue_kick(b);
    return WB_OK;
}

struct out_item *out_queue_find(struct bridge *b, struct span id)
{
    struct out_message_state *s = b->out_message;

    for (struct out_item *it = s->sealed; it; it = it->next)
        if (span_eq_cstr(id, it->id))
            return it;
    for (struct out_lane *l = s->lanes; l; l = l->next)
        for (struct out_item *it = l->first; it; it = it->next)
            if (span_eq_cstr(id, it->id))
                return it;
    return NULL;
}

struct out_item *out_queue_asked(struct bridge *b, uint64_t key)
{
    /* Only the first of a lane asks. */
    for (struct out_lane *l = b->out_message->lanes; l; l = l->next)
        if (l->first->step == OUT_ASKING && l->first->asked == key)
            return l->first;
    return NULL;
}

/* ---- from the outbox ---- */

static enum wb_err load_state(struct bridge *b, enum store_outbox_state state)
{
    struct arena a = arena_new(SEND_ARENA_MAX);
    int64_t after = 0;
    enum wb_err err;

    for (;;) {
        struct store_outbox_row row;
        struct out_item *it;

        arena_reset(&a);
        err = store_outbox_next(b->store, state, after, &a, &row);
        if (err != WB_OK)
            break;
        after = row.seq;
        if (out_queue_find(b, span_cstr(row.message_id)))
            continue;
        if (state == OUTBOX_QUEUED) {
            TRY(out_queue_add(b, &row, true, &it));
            out_deadline_earlier_run(it);
        } else {
            it = new_item(b, &row);
            if (!it) {
                err = WB_ERR_NOMEM;
                break;
            }
            it->step = OUT_SEALED;
            out_deadline_earlier_seal(it);
            it->durable = true;                         /* its bytes go out in any case, caller or
                                                         * not */
            it->carries = it->chat.server == JID_GROUP; /* after a restart it is not known whether
                                                         * it carries keys */
            join_sealed(it);
        }
    }
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
out:
    arena_free(&a);
    return err;
}

enum wb_err out_queue_load(struct bridge *b)
{
    struct out_message_state *s = b->out_message;
    enum wb_err err;

    if (s->loaded)
        return WB_OK;
    TRY(load_state(b, OUTBOX_SEALED));
    TRY(load_state(b, OUTBOX_QUEUED));
    s->unsent = s->sealed;
    s->loaded = true;
    if (s->nopen)
        log_info(b->log, "send", "%zu messages are on their way from before", s->nopen);
out:
    return err;
}

/* ---- ends of the preparation ---- */

void out_queue_kick(struct bridge *b)
{
    timer_start(b->timers, &b->out_message->kick, 0, b->out_message->pump, b);
}

static void on_pause_over(void *ctx)
{
    struct out_item *it = ctx;

    out_queue_kick(it->b);
}

static void stop_asking(struct out_item *it)
{
    if (it->step == OUT_ASKING)
        it->b->out_message->npreparing--;
    it->step = OUT_QUEUED;
    it->asked = 0;
    out_work_free(it->work);
    it->work = NULL;
}

void out_queue_again(struct out_item *it)
{
    stop_asking(it);
    out_queue_kick(it->b);
}

void out_queue_later(struct out_item *it, enum wb_err trouble)
{
    const bool badly = trouble == WB_ERR_REFUSED || trouble == WB_ERR_PROTOCOL;
    const int64_t most = badly ? SEND_REFUSED_MAX_MS : SEND_RETRY_MAX_MS;
    int64_t pause = SEND_RETRY_FIRST_MS;

    stop_asking(it);
    it->trouble = trouble;
    for (unsigned i = 0; i < it->tries && pause < most; i++)
        pause *= 2;
    it->tries++;
    timer_start(it->b->timers, &it->timer, pause < most ? pause : most, on_pause_over, it);
    log_info(it->b->log, "send", "%s waits: %s", it->id, wb_err_text(trouble));
    out_queue_kick(it->b); /* the other chats need not wait for this one's pause */
}

void out_queue_after_pause(struct out_item *it, int64_t ms)
{
    struct bridge *b = it->b;
    int64_t ahead = ms > 0 ? 0 : 1; /* the pause may have ended in between: even then never at
                                     * once */

    stop_asking(it);
    for (const struct out_lane *l = b->out_message->lanes; l; l = l->next)
        ahead +=
            l->first != it && l->first->timer.armed && l->first->trouble == WB_ERR_RATE_LIMITED;
    it->trouble = WB_ERR_RATE_LIMITED;
    timer_start(b->timers, &it->timer, ms + ahead * SEND_AFTER_PAUSE_MS, on_pause_over, it);
    log_info(b->log, "send", "%s waits: %s", it->id, wb_err_text(it->trouble));
    out_queue_kick(b);
}

void out_queue_fail(struct out_item *it, enum cmd_result result, uint32_t server_code,
                    const char *fmt, ...)
{
    struct bridge *b = it->b;
    struct out_outcome o = {.result = result, .server_code = server_code};
    enum wb_err err;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(o.text, sizeof o.text, fmt, ap);
    va_end(ap);
    stop_asking(it);
    err = out_outcome_store(b, it->id, &o);
    if (err == WB_OK)
        err = batch_commit(b);
    else
        batch_fail(b, err);
    if (err != WB_OK && it->durable) {
        /* The row still says that it is to be sent, and a restart would do so. */
        out_queue_later(it, err);
        return;
    }
    message_log_not_sent(b, &it->chat, it->id, cmd_result_code(result), o.text);
    leave_lane(it);
    out_caller_answer(it, &o);
    free_item(it);
    out_queue_kick(b);
}

/* ---- sealed ---- */

void out_queue_sealed(struct out_item *it)
{
    struct bridge *b = it->b;

    leave_lane(it);
    it->sealed_at = bridge_server_now_s(b);
    it->step = OUT_SEALED;
    it->fresh = true;
    it->tries = 0;
    join_sealed(it);
    out_work_free(it->work);
    it->work = NULL;
    out_queue_kick(b);
}

/* ---- refused for its form ---- */

/* Puts the item before the items of its chat that were accepted after it. */
static void put_in_order(struct out_lane *lane, struct out_item *it)
{
    struct out_item *before = NULL, *next = lane->first;

    while (next && next->seq < it->seq) {
        before = next;
        next = next->next;
    }
    /* Only the first of a lane asks; an item that was asking begins anew behind this one. */
    if (!before && next && next->step == OUT_ASKING)
        stop_asking(next);
    it->next = next;
    *(before ? &before->next : &lane->first) = it;
    if (!next)
        lane->last = it;
}

/* Without memory for a lane the row stays queued, and goes out after the next start. */
static void no_memory(struct out_item *it)
{
    struct out_outcome o;

    out_outcome_say(&o, it->durable ? CMD_ACCEPTED : CMD_INTERNAL, "out of memory");
    out_caller_answer(it, &o);
    free_item(it);
}

void out_queue_take_reopened(struct bridge *b)
{
    struct out_message_state *s = b->out_message;
    struct out_item *it = s->sealed, *next;

    for (; it; it = next) {
        struct out_lane *lane;

        next = it->next;
        if (it->step != OUT_REOPENED)
            continue;
        leave_sealed(it);
        it->step = OUT_QUEUED;
        out_deadline_reopened(it);
        it->sealed_at = 0;
        it->tries = 0;
        it->trouble = WB_OK;
        it->phash[0] = it->phash_others[0] = '\0';
        it->carries = it->late = false;
        lane = lane_of(b, &it->chat);
        if (!lane) {
            no_memory(it);
            next = s->sealed; /* a caller that was told may have changed the list */
            continue;
        }
        it->lane = lane;
        put_in_order(lane, it);
    }
}

/* ---- acked or refused ---- */

void out_queue_committed(struct bridge *b)
{
    struct out_message_state *s = b->out_message;
    struct out_item *it = s->sealed;

    while (it) {
        struct bridge_event e = {.kind = BRIDGE_EV_MESSAGE};
        struct jid chat;

        if (it->step == OUT_REOPENING) {
            it->step = OUT_REOPENED;
            out_queue_kick(b);
        }
        if (it->step != OUT_SETTLED) {
            it = it->next;
            continue;
        }
        leave_sealed(it);
        if (it->carries)
            out_queue_kick(b);
        chat = it->chat;
        e.chat = &chat;
        e.id = it->id;
        if (it->said.kind)
            message_log_sent(b, &it->chat, it->id, &it->said);
        if (it->outcome.result == CMD_OK)
            events_emit(&b->events, &e);
        out_caller_answer(it, &it->outcome);
        free_item(it);
        it = s->sealed; /* a caller that was told may have changed the list */
    }
}

void out_queue_uncommitted(struct bridge *b)
{
    for (struct out_item *it = b->out_message->sealed; it; it = it->next) {
        message_said_forget(&it->said);
        /* These are final: the server answers the same bytes in the same way again. */
        if (it->step == OUT_SETTLED || it->step == OUT_REOPENING) {
            it->step = OUT_SEALED;
            it->old_copies = 0;
        }
    }
}

void out_queue_never(const struct out_item *it, struct out_outcome *ret)
{
    if (it->lane)
        out_outcome_say(ret, CMD_NOT_CONNECTED,
                        "this number is not linked any more; the message was not sent");
    else
        out_outcome_say(
            ret, CMD_OUTCOME_UNKNOWN,
            "this number is not linked any more, and WhatsApp had not confirmed the message: "
            "it may or may not have been delivered");
}

void out_queue_clear(struct bridge *b, bool tell)
{
    struct out_message_state *s = b->out_message;
    struct out_outcome o;

    while (s->lanes) {
        struct out_item *it = s->lanes->first;

        stop_asking(it);
        out_queue_never(it, &o);
        leave_lane(it);
        if (tell)
            out_caller_answer(it, &o);
        free_item(it);
    }
    while (s->sealed) {
        struct out_item *it = s->sealed;

        out_queue_never(it, &o);
        leave_sealed(it);
        if (tell)
            out_caller_answer(it, &o);
        free_item(it);
    }
    s->loaded = false;
    time_lock_forget(b->time_lock);
}
