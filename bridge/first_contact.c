#include "bridge/first_contact.h"

#include "bridge/bridge.h"
#include "bridge/out_message_queue.h"
#include "store/lid_map.h"
#include "store/messages.h"

/* What cannot be looked up is not held back. */
static bool is_stranger(const struct out_item *it)
{
    struct store_chat chat = {.last_message_time = 0};
    enum wb_err err;

    if (!jid_is_person(&it->chat) || bridge_is_self(it->b, &it->chat))
        return false;
    err = store_chat_get(it->b->store, &it->chat, &chat);
    /* A chat with no message in it has a row of kind "event" only. */
    return err == WB_ERR_NOT_FOUND || (err == WB_OK && chat.last_message_time == 0);
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

/* A bucket of FIRST_CONTACT_BURST that fills by one per interval, kept as one time. */
int64_t first_contact_wait_ms(struct out_item *it)
{
    struct first_contact *f = &it->b->out_message->first_contact;
    const int64_t interval = (int64_t)it->b->config->first_contact_s * 1000;
    const int64_t now = clock_mono_ms(it->b->clock);
    const int64_t ahead = (FIRST_CONTACT_BURST - 1) * interval;

    if (it->admitted || interval == 0 || !is_stranger(it) || is_under_way(it)) {
        it->admitted = true;
        return 0;
    }
    if (f->due_ms < now)
        f->due_ms = now;
    if (f->due_ms - now > ahead)
        return f->due_ms - now - ahead;
    f->due_ms += interval;
    it->admitted = true;
    return 0;
}
