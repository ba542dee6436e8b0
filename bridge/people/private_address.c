#include "bridge/people/private_address.h"

#include "bridge/core/context.h"
#include "bridge/people/limits.h"
#include "store/outbox/outbox.h"
#include "store/session/lid_map.h"
#include "store/session/private_address.h"

/* Added to the earlier enum store_private_by in the row of a message whose refusal has turned the
 * account to the other address, so that this is known after a restart. */
enum { TURNED_FROM = OUTBOX_REOPENED + 1 };

enum wb_err private_address(struct bridge *b, const struct jid *lid, const struct jid *pn,
                            struct jid *ret_to)
{
    enum store_private_by by = STORE_PRIVATE_UNKNOWN;
    enum wb_err err = WB_OK;

    if (jid_is_none(pn) || jid_is_none(lid)) {
        *ret_to = jid_is_none(lid) ? *pn : *lid;
        return WB_OK;
    }
    TRY(store_private_by_get(b->store, bridge_server_now_s(b), &by));
    *ret_to = by == STORE_PRIVATE_BY_NUMBER ? *pn : *lid;
out:
    return err;
}

enum wb_err private_address_of(struct bridge *b, const struct jid *person, struct jid *ret_to)
{
    const struct jid one = jid_bare(jid_unhosted(*person));
    struct jid other = {0};
    enum wb_err err = store_other_form(b->store, &one, &other);

    if (err == WB_ERR_NOT_FOUND) {
        *ret_to = one;
        return WB_OK;
    }
    TRY(err);
    err = one.server == JID_LID ? private_address(b, &one, &other, ret_to)
                                : private_address(b, &other, &one, ret_to);
out:
    return err;
}

static enum wb_err turn_to(struct bridge *b, enum store_private_by by, int64_t *ret_how)
{
    enum store_private_by now = STORE_PRIVATE_UNKNOWN;
    enum wb_err err;

    *ret_how = OUTBOX_REOPENED;
    TRY(store_private_by_get(b->store, bridge_server_now_s(b), &now));
    if (now == by)
        return WB_OK;
    *ret_how = TURNED_FROM + (int64_t)now;
    TRY(store_private_by_server(b->store, by, bridge_server_now_s(b)));
    log_warn(b->log, "send",
             "WhatsApp refused a private message for its address: from now on they go by %s",
             by == STORE_PRIVATE_BY_LID ? "LID" : "phone number");
out:
    return err;
}

enum wb_err private_address_refused(struct bridge *b, const struct jid *to, int64_t *ret_how)
{
    struct jid other = {0};
    enum wb_err err = store_other_form(b->store, to, &other);

    *ret_how = 0;
    if (err == WB_ERR_NOT_FOUND || (err != WB_OK && wb_err_class(err) == WB_CLASS_PEER))
        return WB_OK; /* there is no other address to try */
    TRY(err);
    err =
        turn_to(b, to->server == JID_LID ? STORE_PRIVATE_BY_NUMBER : STORE_PRIVATE_BY_LID, ret_how);
out:
    return err;
}

enum wb_err private_address_no_help(struct bridge *b, int64_t how)
{
    if (how < TURNED_FROM || how > TURNED_FROM + STORE_PRIVATE_BY_NUMBER)
        return WB_OK; /* this message has not turned the account */
    return store_private_by_server(b->store, (enum store_private_by)(how - TURNED_FROM),
                                   bridge_server_now_s(b));
}
