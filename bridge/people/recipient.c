#include "bridge/people/recipient.h"

#include "bridge/core/context.h"
#include "bridge/people/identity.h"
#include "store/outbox/sealed.h"
#include "store/session/groups.h"
#include "store/session/lid_map.h"

enum wb_err recipient_rank(struct bridge *b, const struct jid *group, const struct jid *person,
                           const struct jid *alt, enum store_group_rank *ret_rank)
{
    struct jid forms[4] = {jid_bare(jid_unhosted(*person)), {0}, {0}, {0}};
    struct store_group_member m;
    enum wb_err err;

    if (alt)
        forms[1] = jid_bare(jid_unhosted(*alt));
    TRY(identity_other_form(b, &forms[0], &forms[2]));
    TRY(identity_other_form(b, &forms[1], &forms[3]));
    err = WB_ERR_NOT_FOUND;
    for (size_t i = 0; i < 4 && err == WB_ERR_NOT_FOUND; i++)
        if (!jid_is_none(&forms[i]))
            err = store_group_member_get(b->store, group, &forms[i], &m);
    if (err == WB_OK)
        *ret_rank = m.rank;
out:
    return err;
}

enum wb_err recipient_member(struct bridge *b, const struct jid *group, const struct jid *person,
                             bool *ret_member)
{
    enum store_group_rank rank;
    enum wb_err err = recipient_rank(b, group, person, NULL, &rank);

    *ret_member = err == WB_OK;
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

/* One form for everybody, as long as nothing is noted of the message. */
static enum wb_err same_person(struct bridge *b, const struct jid *chat, const struct jid *person,
                               bool *ret_same)
{
    struct jid one = *chat, other = *person;
    enum wb_err err;

    TRY(store_canonical(b->store, chat, &one));
    TRY(store_canonical(b->store, person, &other));
    *ret_same = jid_same_user(&one, &other);
out:
    return err;
}

enum wb_err recipient_look(struct bridge *b, const struct jid *chat, struct span id,
                           const struct jid *device, struct recipient *ret)
{
    const struct jid plain = jid_unhosted(*device);
    struct recipient r = {.person = false};
    struct store_sealed_match m;
    enum wb_err err;

    err = store_sealed_find(b->store, id, &plain, &m);
    if (err == WB_OK) {
        r.person = m.person;
        r.device = m.device;
        r.as = m.as;
    } else if (err == WB_ERR_NOT_FOUND) {
        r.person = bridge_is_self(b, &plain);
        if (!r.person && chat->server == JID_GROUP)
            TRY(recipient_member(b, chat, &plain, &r.person));
        else if (!r.person && jid_is_person(chat))
            TRY(same_person(b, chat, &plain, &r.person));
        if (r.person)
            TRY(store_canonical(b->store, &plain, &r.as));
        r.as = jid_bare(r.as);
        err = WB_OK;
    }
    TRY(err);
    *ret = r;
out:
    return err;
}
