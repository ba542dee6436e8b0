/* Notifications about people: a changed number (P-NT-15), the token by which they trust us
 * (P-NT-13). */
#include "bridge/people/in_people_notification.h"

#include "bridge/core/context.h"
#include "bridge/core/peer_time.h"
#include "bridge/people/device_sync.h"
#include "bridge/people/identity.h"
#include "store/session/lid_map.h"
#include "store/session/tokens.h"

/* All these notifications come from a person. */
static enum wb_err parse_from(const struct stanza *s, void **ret_parsed)
{
    struct jid *from = ARENA_NEW(s->arena, struct jid);

    if (!from)
        return WB_ERR_NOMEM;
    if (!node_attr_get_jid(s->node, "from", from))
        return WB_ERR_MALFORMED;
    *from = jid_bare(jid_unhosted(*from));
    *ret_parsed = from;
    return WB_OK;
}

/* ---- privacy tokens ---- */

/* A token is kept under the person's LID if known (P-NT-13). */
static enum wb_err token_owner(struct bridge *b, const struct node *n, const struct jid *from,
                               struct jid *ret_owner)
{
    struct jid lid;
    enum wb_err err;

    if (node_attr_get_jid(n, "sender_lid", &lid) && lid.server == JID_LID) {
        *ret_owner = jid_bare(lid);
        return identity_learn(b, from, ret_owner);
    }
    err = store_lid_of_pn(b->store, from, &lid);
    *ret_owner = err == WB_OK ? lid : *from;
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

static enum wb_err token_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    const struct jid *from = parsed;
    const struct node *tokens = node_child(s->node, "tokens");
    const int64_t now = bridge_server_now_s(b);
    struct jid owner;
    enum wb_err err;

    if (!tokens || !jid_is_person(from) || !from->user[0])
        return WB_ERR_MALFORMED;
    TRY(token_owner(b, s->node, from, &owner));
    for (const struct node *t = node_child(tokens, "token"); t; t = node_next(t, "token")) {
        struct span bytes = node_content_bytes(t);
        uint64_t at;

        if (!node_attr_is(t, "type", "trusted_contact") || !node_attr_get_u64(t, "t", &at) ||
            bytes.n == 0 || bytes.n > STORE_TOKEN_MAX) {
            log_debug(b->log, "tokens", "a token of another kind is passed over");
            continue;
        }
        /* The token with the newest time counts. A time in the future is taken as now, an
         * impossible one as 0, the oldest. */
        TRY(store_token_put(b->store, &owner, bytes,
                            peer_time_s(b, at, at > (uint64_t)now ? now : 0)));
    }
out:
    return err;
}

const struct stanza_handler in_notification_token_handler = {"privacy_token", STANZA_ACK_ALWAYS,
                                                             parse_from, token_apply};

/* ---- a number that changed ---- */

static enum wb_err learn_attrs(struct bridge *b, const struct node *n, const char *pn_attr,
                               const char *lid_attr)
{
    struct jid pn, lid;

    if (!node_attr_get_jid(n, pn_attr, &pn) || !node_attr_get_jid(n, lid_attr, &lid))
        return WB_OK;
    return identity_learn(b, &pn, &lid);
}

static enum wb_err contacts_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    enum wb_err err = WB_OK;

    (void)parsed;
    for (const struct node *n = node_child(s->node, "modify"); n; n = node_next(n, "modify")) {
        struct jid jid;

        /* The old pair is learned first: if both numbers have one LID, the new number keeps it. */
        TRY(learn_attrs(b, n, "old", "old_lid"));
        if (node_attr_get_jid(n, "old", &jid) && jid_is_person(&jid))
            TRY(device_sync_drop(b, &jid, 1));
        TRY(learn_attrs(b, n, "new", "new_lid"));
        if (node_attr_get_jid(n, "new", &jid) && jid_is_person(&jid))
            TRY(device_sync_drop(b, &jid, 1));
        log_info(b->log, "people", "a contact changed their number");
    }
out:
    return err;
}

const struct stanza_handler in_notification_contacts_handler = {"contacts", STANZA_ACK_ALWAYS,
                                                                parse_from, contacts_apply};
