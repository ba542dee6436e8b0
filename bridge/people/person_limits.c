#include "bridge/people/person_limits.h"

#include "bridge/core/context.h"
#include "bridge/people/limits.h"
#include "bridge/send/out_queue.h"
#include "store/session/lid_map.h"

static struct jid key_of(struct bridge *b, const struct jid *device)
{
    struct jid person = jid_bare(jid_unhosted(*device)), lid;

    return person.server == JID_PN && store_lid_of_pn(b->store, &person, &lid) == WB_OK ? lid
                                                                                        : person;
}

static struct person_limit *find(struct bridge *b, const struct jid *person)
{
    struct out_message_state *s = b->out_message;

    for (size_t i = 0; i < PERSON_LIMIT_SLOTS; i++)
        if (jid_eq(&s->person_limits[i].person, person))
            return &s->person_limits[i];
    return NULL;
}

static bool is_over(const struct person_limit *l, int64_t now_ms)
{
    return now_ms - l->at_ms >= (int64_t)PERSON_REFRESH_S * 1000;
}

/* For somebody else; NULL: all of them still hold. */
static struct person_limit *take_slot(struct bridge *b, int64_t now_ms)
{
    struct out_message_state *s = b->out_message;

    for (size_t i = 0; i < PERSON_LIMIT_SLOTS; i++)
        if (jid_is_none(&s->person_limits[i].person) || is_over(&s->person_limits[i], now_ms))
            return &s->person_limits[i];
    return NULL;
}

bool person_limit_ask(struct bridge *b, const struct jid *person, int64_t sealed_at,
                      bool *ret_compare)
{
    const struct jid key = key_of(b, person);
    const int64_t now_ms = clock_mono_ms(b->clock);
    struct person_limit *l = find(b, &key);

    *ret_compare = false;
    if (l && !is_over(l, now_ms) && !(l->explained && sealed_at > l->at_s)) {
        *ret_compare = sealed_at <= l->at_s;
        return false;
    }
    if (!l && !(l = take_slot(b, now_ms)))
        return false;
    *l = (struct person_limit){key, now_ms, bridge_server_now_s(b), false};
    return true;
}

void person_limit_explained(struct bridge *b, const struct jid *device)
{
    const struct jid key = key_of(b, device);
    struct person_limit *l = find(b, &key);

    if (l)
        l->explained = true;
}
