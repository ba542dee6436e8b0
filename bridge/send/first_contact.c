#include "bridge/send/first_contact.h"

#include <stdio.h>

#include "bridge/core/context.h"
#include "bridge/people/time_lock.h"
#include "bridge/send/out_caller.h"
#include "bridge/send/out_queue.h"
#include "store/messages/messages.h"
#include "store/session/acquaintances.h"
#include "store/session/lid_map.h"
#include "store/session/tokens.h"

enum {
    REFUSED_AT_ONCE = 8, /* each refusal is a commit, and the loop has other things to do */
};

/* A person who gave us a token knows us, even if no message of theirs is stored here. */
static bool gave_a_token(struct bridge *b, const struct jid *who)
{
    struct buf token = buf_new(STORE_TOKEN_MAX);
    bool gave = store_token_get(b->store, who, bridge_server_now_s(b), &token) == WB_OK && token.n;

    buf_free(&token);
    return gave;
}

/* A chat that cannot be looked up is not held back. */
static bool is_unknown(struct bridge *b, const struct jid *who)
{
    struct store_chat chat = {.last_message_time = 0};
    enum wb_err err;

    if (!jid_is_person(who) || bridge_is_self(b, who))
        return false;
    err = store_chat_get(b->store, who, &chat);
    /* A chat with no message in it has a row of kind "event" only. */
    return (err == WB_ERR_NOT_FOUND || (err == WB_OK && chat.last_message_time == 0)) &&
           !gave_a_token(b, who);
}

/* The number may be another spelling of the number under which we know the person. */
static bool is_stranger(struct bridge *b, const struct jid *who)
{
    struct jid named;

    return is_unknown(b, who) &&
           (lid_lookup_once_named(b, who, &named) != WB_OK || is_unknown(b, &named));
}

/* Our phone had a chat with them before we were linked. The restriction does not know of that chat:
 * WhatsApp goes by messages and tokens, and a refused message prolongs the restriction. */
static bool is_acquaintance(struct bridge *b, const struct jid *who)
{
    struct jid named;
    bool has = false;

    if (store_acquaintance_has(b->store, who, &has) == WB_OK && !has &&
        lid_lookup_once_named(b, who, &named) == WB_OK &&
        store_acquaintance_has(b->store, &named, &has) != WB_OK)
        has = false;
    return has;
}

/* Is a message to this person on its way already? Its chat is stored with the ack only. */
static bool is_under_way(const struct out_item *it)
{
    struct jid who = it->chat, other;

    if (store_canonical(it->b->store, &it->chat, &who) != WB_OK)
        return false;
    for (const struct out_item *s = it->b->out_message->sealed; s; s = s->next)
        if (jid_is_person(&s->chat) && store_canonical(it->b->store, &s->chat, &other) == WB_OK &&
            jid_eq(&who, &other))
            return true;
    return false;
}

/* What waited for us at the server is not read yet: it may say that we are restricted. */
static bool may_be_news(const struct out_item *it)
{
    return !it->b->out_message->ports->caught_up(it->b) && is_stranger(it->b, &it->chat);
}

/* A bucket of FIRST_CONTACT_BURST messages that refills by one per interval, kept as one time
 * (due_ms). */
int64_t first_contact_wait_ms(struct out_item *it)
{
    struct first_contact *f = &it->b->out_message->first_contact;
    const int64_t interval = (int64_t)it->b->config->first_contact_s * 1000;
    const int64_t now = clock_mono_ms(it->b->clock);
    const int64_t ahead = (FIRST_CONTACT_BURST - 1) * interval;
    const int64_t lock_s = first_contact_lock_s(it->b, &it->chat);

    it->held = lock_s > 0 ? OUT_HELD_RESTRICTED : may_be_news(it) ? OUT_HELD_BEHIND : OUT_HELD_NOT;
    it->locked = it->held != OUT_HELD_NOT;
    if (it->locked)
        return (lock_s > 0 && lock_s < TIME_LOCK_LOOK_S ? lock_s : TIME_LOCK_LOOK_S) * 1000;
    if (it->admitted || interval == 0 || !is_stranger(it->b, &it->chat) ||
        is_acquaintance(it->b, &it->chat) || is_under_way(it)) {
        it->admitted = true;
        return 0;
    }
    if (f->due_ms < now)
        f->due_ms = now;
    if (f->due_ms - now > ahead) {
        it->held = OUT_HELD_SPACED;
        return f->due_ms - now - ahead;
    }
    f->due_ms += interval;
    it->admitted = true;
    return 0;
}

/* ---- the account is restricted ---- */

int64_t first_contact_lock_s(struct bridge *b, const struct jid *chat)
{
    const int64_t until = time_lock_until_s(b->time_lock);

    return until && is_stranger(b, chat) ? until - bridge_server_now_s(b) : 0;
}

bool first_contact_locked(const struct out_item *it)
{
    return first_contact_lock_s(it->b, &it->chat) > 0;
}

void first_contact_say(struct bridge *b, struct out_outcome *ret_o)
{
    char text[CLOCK_TEXT_MAX];
    struct out_outcome o = {.result = CMD_RESTRICTED,
                            .restricted_s = time_lock_until_s(b->time_lock)};

    snprintf(o.text, sizeof o.text,
             "WhatsApp has restricted this number: until %s%s it may not write to people who do "
             "not know it; the message was not sent",
             clock_text(o.restricted_s, text),
             time_lock_guessed(b->time_lock) ? " (our guess: WhatsApp has not said when that ends)"
                                             : "");
    *ret_o = o;
}

/* A send without a key waits only as long as its caller does, other sends until their deadline. */
static bool waits_in_vain(const struct out_item *it, int64_t lock_ms)
{
    const struct bridge *b = it->b;

    if (it->durable)
        return it->deadline_ms - clock_mono_ms(b->clock) < lock_ms;
    return !it->callers || timer_left_ms(b->timers, &it->callers->timer) < lock_ms;
}

/* The next item that is to be refused; each item is looked at once in a round. */
static struct out_item *find_hopeless(struct out_message_state *s, int64_t lock_ms)
{
    for (struct out_lane *l = s->lanes; l; l = l->next)
        for (struct out_item *it = l->first; it; it = it->next) {
            if (it->lock_round == s->first_contact.lock_round)
                continue;
            it->lock_round = s->first_contact.lock_round;
            if (waits_in_vain(it, lock_ms) && first_contact_locked(it))
                return it;
        }
    return NULL;
}

/* Items that the restriction held back may start now: the pump looks at them again. */
static void wake(struct bridge *b, struct out_message_state *s)
{
    for (struct out_lane *l = s->lanes; l; l = l->next)
        if (l->first->locked) {
            l->first->locked = false;
            timer_stop(b->timers, &l->first->timer);
        }
    s->unsent = s->sealed;
}

bool first_contact_look(struct bridge *b)
{
    struct out_message_state *s = b->out_message;
    struct first_contact *f = &s->first_contact;
    const int64_t lock_ms = (time_lock_until_s(b->time_lock) - bridge_server_now_s(b)) * 1000;
    struct out_item *it;
    struct out_outcome o;

    if (f->news || f->lock_changes != time_lock_changes(b->time_lock)) {
        f->news = false;
        f->lock_changes = time_lock_changes(b->time_lock);
        f->lock_round++;
        wake(b, s);
    }
    if (lock_ms <= 0)
        return true;
    first_contact_say(b, &o);
    for (unsigned n = 0; (it = find_hopeless(s, lock_ms)) != NULL; n++) {
        out_queue_fail(it, CMD_RESTRICTED, 0, "%s", o.text);
        if (n + 1 == REFUSED_AT_ONCE)
            return false;
    }
    return true;
}
