#include "bridge/send/out_pump.h"

#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/send/first_contact.h"
#include "bridge/send/out_expiry.h"
#include "bridge/send/out_prepare.h"
#include "bridge/send/out_wire.h"

static void on_keys_late(void *ctx)
{
    out_queue_kick(ctx);
}

/* How long to wait for the ack of a message that carries keys. A carrier that is not on the wire is
 * on its way there, and has the full time. */
static int64_t keys_due_ms(const struct out_item *carrier)
{
    struct bridge *b = carrier->b;

    if (carrier->late)
        return 0;
    if (carrier->step != OUT_ON_WIRE || !b->out_message->ports->has_left(b, carrier->mark))
        return SEND_KEYS_ACK_MS;
    return carrier->wired_ms + SEND_KEYS_ACK_MS - clock_mono_ms(b->clock);
}

/* A message that gives our sender key to people of this group is on its way. Before its ack nobody
 * knows whether they have the key: the next message would have to give the key once more, to all of
 * them. */
static bool key_on_its_way(const struct out_item *it)
{
    struct out_message_state *s = it->b->out_message;

    for (const struct out_item *at = s->ncarriers ? s->sealed : NULL; at; at = at->next) {
        int64_t due = at->carries && jid_eq(&at->chat, &it->chat) ? keys_due_ms(at) : 0;

        if (due <= 0)
            continue;
        if (!s->keys.armed || timer_left_ms(it->b->timers, &s->keys) > due)
            timer_start(it->b->timers, &s->keys, due, on_keys_late, it->b);
        return true;
    }
    return false;
}

static void on_turn(void *ctx)
{
    struct out_item *it = ctx;

    out_queue_kick(it->b);
}

/* A group may have lost a member while we were away, and that member has our sender key: everything
 * that waited for us is read before a message is sealed for the group. A first message to somebody
 * may have to wait for its turn. */
static bool may_start(struct out_item *it)
{
    int64_t wait;

    if (it->step != OUT_QUEUED || it->timer.armed)
        return false;
    if (it->chat.server == JID_GROUP) {
        it->held = it->b->out_message->ports->caught_up(it->b) ? OUT_HELD_NOT : OUT_HELD_BEHIND;
        if (it->held != OUT_HELD_NOT || key_on_its_way(it))
            return false;
    }
    wait = first_contact_wait_ms(it);
    if (wait > 0)
        timer_start(it->b->timers, &it->timer, wait, on_turn, it);
    return wait == 0;
}

static struct out_item *next_to_start(struct out_message_state *s)
{
    if (s->npreparing >= SEND_PREPARING_MAX)
        return NULL;
    for (struct out_lane *l = s->lanes; l; l = l->next)
        if (may_start(l->first))
            return l->first;
    return NULL;
}

/* Moves the lane to the end: each chat has its turn, even if one of them has thousands of
 * messages. */
static void to_the_end(struct out_message_state *s, struct out_lane *lane)
{
    struct out_lane **at = &s->lanes;

    while (*at && *at != lane)
        at = &(*at)->next;
    if (!*at || !lane)
        return;
    *at = lane->next;
    while (*at)
        at = &(*at)->next;
    lane->next = NULL;
    *at = lane;
}

/* A sealed message cannot be taken back, and on a slow line sealing early gains nothing. So
 * preparing waits for room in the socket (out_wire_room()). It also lets other work run after a
 * while: a message whose recipients are fully known is sealed and committed at once, within this
 * loop. */
void out_pump_run(void *ctx)
{
    struct bridge *b = ctx;
    struct out_message_state *s = b->out_message;
    const int64_t until = clock_mono_ms(b->clock) + BATCH_MS_MAX;
    struct out_item *it;

    out_queue_take_reopened(b);
    if (!out_expiry_look(b) || !first_contact_look(b)) {
        out_queue_kick(b);
        return;
    }
    out_wire_unsent(b);
    /* Each start either asks, ends, or pauses: none comes up twice. */
    while (s->ports->online(b)) {
        s->wants_room = s->unsent || !s->ports->room(b);
        if (s->wants_room || !(it = next_to_start(s)))
            return;
        if (clock_mono_ms(b->clock) >= until) {
            out_queue_kick(b);
            return;
        }
        to_the_end(s, it->lane);
        s->npreparing++;
        it->step = OUT_ASKING;
        out_prepare_start(it);
    }
}
