#include "bridge/people/person_limits.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/core/context.h"
#include "bridge/people/limits.h"
#include "store/session/lid_map.h"

/* A person about whose devices a hash has made us ask. */
struct person_limit {
    struct jid person; /* bare, by LID when it is known; JID_NONE: a free slot */
    int64_t at_ms;     /* monotonic */
    int64_t at_s;      /* server time */
    bool explained;    /* a device was found that had lacked the message */
};

struct person_limits {
    struct bridge *b;
    struct person_limit slots[PERSON_LIMIT_SLOTS];
};

static struct jid key_of(struct bridge *b, const struct jid *device)
{
    struct jid person = jid_bare(jid_unhosted(*device)), lid;

    return person.server == JID_PN && store_lid_of_pn(b->store, &person, &lid) == WB_OK ? lid
                                                                                        : person;
}

static struct person_limit *find(struct person_limits *l, const struct jid *person)
{
    for (size_t i = 0; i < PERSON_LIMIT_SLOTS; i++)
        if (jid_eq(&l->slots[i].person, person))
            return &l->slots[i];
    return NULL;
}

static bool is_over(const struct person_limit *p, int64_t now_ms)
{
    return now_ms - p->at_ms >= (int64_t)PERSON_REFRESH_S * 1000;
}

/* A slot for another person; NULL: all slots are still in use. */
static struct person_limit *take_slot(struct person_limits *l, int64_t now_ms)
{
    for (size_t i = 0; i < PERSON_LIMIT_SLOTS; i++)
        if (jid_is_none(&l->slots[i].person) || is_over(&l->slots[i], now_ms))
            return &l->slots[i];
    return NULL;
}

bool person_limit_ask(struct person_limits *l, const struct jid *person, int64_t sealed_at,
                      bool *ret_compare)
{
    const struct jid key = key_of(l->b, person);
    const int64_t now_ms = clock_mono_ms(l->b->clock);
    struct person_limit *p = find(l, &key);

    *ret_compare = false;
    if (p && !is_over(p, now_ms) && !(p->explained && sealed_at > p->at_s)) {
        *ret_compare = sealed_at <= p->at_s;
        return false;
    }
    if (!p && !(p = take_slot(l, now_ms)))
        return false;
    *p = (struct person_limit){key, now_ms, bridge_server_now_s(l->b), false};
    return true;
}

void person_limit_explained(struct person_limits *l, const struct jid *device)
{
    const struct jid key = key_of(l->b, device);
    struct person_limit *p = find(l, &key);

    if (p)
        p->explained = true;
}

void person_limits_forget(struct person_limits *l)
{
    memset(l->slots, 0, sizeof l->slots);
}

enum wb_err person_limits_new(struct bridge *b, struct person_limits **ret_l)
{
    struct person_limits *l = calloc(1, sizeof *l);

    if (!l)
        return WB_ERR_NOMEM;
    l->b = b;
    *ret_l = l;
    return WB_OK;
}

void person_limits_free(struct person_limits *l)
{
    free(l);
}
