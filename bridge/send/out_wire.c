/* Sealed messages go out as there is room for them: from the outbox, one by one, so that thousands
 * of messages are never held in memory, and never delay an ack of ours. */
#include "bridge/send/out_wire.h"

#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/send/out_caller.h"

/* No ack has come. That means nothing while the message has not even left: on a slow line the same
 * bytes are not sent twice. */
static void on_no_ack(void *ctx)
{
    struct out_item *it = ctx;
    struct bridge *b = it->b;
    const bool again = it->tries < SEND_WIRE_TRIES;

    if (!b->out_message->ports->has_left(b, it->mark)) {
        it->slow = true;
        timer_start(b->timers, &it->timer, SEND_LEAVING_MS, on_no_ack, it);
        return;
    }
    if (it->slow) {
        it->slow = false;
        timer_start(b->timers, &it->timer, SEND_ACK_MS, on_no_ack, it);
        return;
    }
    it->late = true;
    log_warn(b->log, "send", "%s: no ack from WhatsApp within %d s; it is sent again %s", it->id,
             SEND_ACK_MS / 1000, again ? "now" : "after the next reconnect");
    it->step = OUT_SEALED;
    out_caller_unknown(it);
    if (again) {
        b->out_message->unsent = b->out_message->sealed;
        out_wire_unsent(b);
    }
}

/* Sends the packed bytes. False: they were not taken, and are to be sent later. */
static bool wire(struct out_item *it, struct span packed)
{
    struct bridge *b = it->b;
    const struct out_ports *ports = b->out_message->ports;

    if (ports->send_packed(b, packed) != WB_OK)
        return false;
    it->step = OUT_ON_WIRE;
    it->fresh = it->slow = false;
    it->mark = ports->sent_mark(b);
    it->wired_ms = clock_mono_ms(b->clock);
    it->tries++;
    timer_start(b->timers, &it->timer, SEND_ACK_MS, on_no_ack, it);
    return true;
}

static bool may_send(struct bridge *b)
{
    const struct out_ports *ports = b->out_message->ports;

    return ports->online(b) && ports->room(b);
}

void out_wire_sealed(struct out_item *it, struct span packed)
{
    struct bridge *b = it->b;
    struct out_message_state *s = b->out_message;

    /* Sealed messages before it go first: one of them may be of the same chat. */
    if (!s->unsent && may_send(b) && wire(it, packed))
        return;
    if (!s->unsent)
        s->unsent = it;
    out_wire_unsent(b);
}

/* Sends the very bytes of before (design rule 2: a key never makes two ciphertexts) under the same
 * id. False: not taken now. */
static bool send_stored(struct out_item *it)
{
    struct bridge *b = it->b;
    struct arena a = arena_new(SEND_ARENA_MAX);
    struct store_outbox_row row;
    enum wb_err err = store_outbox_by_id(b->store, it->id, &a, &row);
    bool done = true;

    if (err != WB_OK || row.state != OUTBOX_SEALED || !row.sealed.n) {
        log_error(b->log, "send", "%s: its sealed bytes are not in the outbox (%s)", it->id,
                  wb_err_text(err));
        it->tries = SEND_WIRE_TRIES; /* not looked for again on this connection */
        it->late = true;             /* nobody need wait for its ack */
    } else {
        if (!it->fresh)
            log_info(b->log, "send", "%s was not confirmed before, it is sent again", it->id);
        done = wire(it, row.sealed);
    }
    arena_free(&a);
    return done;
}

void out_wire_unsent(struct bridge *b)
{
    struct out_message_state *s = b->out_message;

    while (s->unsent && may_send(b)) {
        struct out_item *it = s->unsent;

        if (it->step == OUT_SEALED && it->tries < SEND_WIRE_TRIES && !first_contact_locked(it) &&
            !send_stored(it))
            return;
        s->unsent = it->next;
    }
}

void out_wire_room(struct bridge *b)
{
    struct out_message_state *s = b->out_message;

    out_wire_unsent(b);
    if (s->wants_room && !s->unsent && may_send(b)) {
        s->wants_room = false;
        out_queue_kick(b);
    }
}

/* The message was sent long ago and never acked: nobody can know its outcome any more, and callers
 * are told so. A message that has certainly never left was not sent. */
static enum wb_err give_up(struct out_item *it)
{
    enum wb_err err;

    if (!it->fresh)
        out_outcome_say(
            &it->outcome, CMD_OUTCOME_UNKNOWN,
            "WhatsApp never confirmed the message; it may or may not have been delivered, and "
            "is not sent again");
    else if (first_contact_locked(it))
        first_contact_say(it->b, &it->outcome);
    else
        out_outcome_say(&it->outcome, CMD_NOT_SENT,
                        "the message could not leave for a day; it was not sent, and will not be");
    TRY(out_outcome_store(it->b, it->id, &it->outcome));
    it->step = OUT_SETTLED;
out:
    return err;
}

void out_wire_online(struct bridge *b)
{
    struct out_message_state *s = b->out_message;
    int64_t now = bridge_server_now_s(b); /* server time: a wall clock that jumps makes no message
                                           * too old */
    bool given_up = false;
    enum wb_err err = WB_OK;

    for (struct out_item *it = s->sealed; it && err == WB_OK; it = it->next) {
        if (it->step != OUT_SEALED)
            continue;
        it->tries = 0;
        if (now - it->sealed_at > SEND_RESEND_S) {
            err = give_up(it);
            given_up = true;
        }
    }
    if (err != WB_OK)
        batch_fail(b, err);
    else if (given_up)
        err = batch_commit(b);
    if (err != WB_OK) /* the connection is closed; the next one tries again */
        return;
    s->unsent = s->sealed;
    out_wire_unsent(b);
    for (struct out_lane *l = s->lanes; l; l = l->next)
        timer_stop(b->timers, &l->first->timer);
    out_queue_kick(b);
}

void out_wire_offline(struct bridge *b)
{
    struct out_message_state *s = b->out_message;

    for (struct out_lane *l = s->lanes; l; l = l->next)
        for (struct out_item *it = l->first; it; it = it->next)
            it->old_copies = 0;
    for (struct out_item *it = s->sealed; it; it = it->next) {
        it->old_copies = 0;
        if (it->step == OUT_ON_WIRE) {
            timer_stop(b->timers, &it->timer);
            it->step = OUT_SEALED;
        }
    }
}
