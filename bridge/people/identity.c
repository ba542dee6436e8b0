#include "bridge/people/identity.h"

#include "bridge/core/context.h"
#include "store/messages/messages.h"
#include "store/session/lid_map.h"
#include "store/session/signal_store.h"

static struct jid plain_user(const struct jid *j)
{
    return jid_bare(jid_unhosted(*j));
}

enum wb_err identity_learn(struct bridge *b, const struct jid *one, const struct jid *other)
{
    struct jid lid = plain_user(one), pn = plain_user(other);
    bool changed = false;
    enum wb_err err;

    if (lid.server == JID_PN) {
        struct jid swap = lid;

        lid = pn;
        pn = swap;
    }
    if (lid.server != JID_LID || pn.server != JID_PN || !lid.user[0] || !pn.user[0])
        return WB_OK;
    /* A pair that joins our number to a foreign LID, or our LID to a foreign number, would let its
     * sender speak for us. The login names and stores our own LID; until then pairs with our number
     * are ignored. */
    if (jid_is_none(&b->own_lid) && bridge_is_self(b, &pn))
        return WB_OK;
    if (bridge_is_self(b, &lid) != bridge_is_self(b, &pn)) {
        log_warn(b->log, "trust", "a pair that makes somebody else ourselves is passed over");
        b->trust.foreign_keys++;
        return WB_OK;
    }
    TRY(store_lid_put(b->store, &lid, &pn, &changed));
    if (changed) {
        TRY(store_signal_migrate(b->store, &pn, &lid, NULL));
        TRY(store_chat_rekey(b->store, &lid, &pn, NULL));
    }
out:
    return err;
}

enum wb_err identity_other_form(struct bridge *b, const struct jid *who, struct jid *ret_other)
{
    enum wb_err err = store_other_form(b->store, who, ret_other);

    if (err != WB_ERR_NOT_FOUND)
        return err;
    *ret_other = (struct jid){0};
    return WB_OK;
}

enum wb_err identity_session_address(struct bridge *b, const struct jid *device,
                                     struct jid *ret_address)
{
    struct jid plain = jid_unhosted(*device), lid = plain, pn = plain, lid_user, pn_user;
    enum wb_err err = WB_ERR_NOT_FOUND;

    if (plain.server == JID_PN)
        err = store_lid_of_pn(b->store, &plain, &lid);
    else if (plain.server == JID_LID) /* the pair may have been stored before sessions moved to the
                                       * LID */
        err = store_pn_of_lid(b->store, &plain, &pn);
    if (err == WB_ERR_NOT_FOUND) {
        *ret_address = plain;
        return WB_OK;
    }
    TRY(err);
    pn_user = jid_bare(pn);
    lid_user = jid_bare(lid);
    TRY(store_signal_migrate(b->store, &pn_user, &lid_user, NULL));
    *ret_address = lid;
out:
    return err;
}
