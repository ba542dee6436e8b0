/* Under the same id, in the form that the chat has now. */
#include "bridge/send/out_reopen.h"

#include "bridge/core/context.h"
#include "bridge/people/private_address.h"
#include "store/session/devices.h"
#include "store/session/retry.h"

enum {
    NOT_TAKEN = 400,
    STALE_ADDRESSING = 421, /* the group calls its members by their other identity (P-X2-02) */
};

/* The item's bytes may have been sent more than once on this connection, when their ack was late:
 * the server's answers to the other copies say nothing about the new form. */
static enum wb_err reopen(struct out_item *it, uint32_t code, int64_t how, bool *ret_again)
{
    enum wb_err err = store_outbox_reopen(it->b->store, it->id, how);

    *ret_again = err == WB_OK;
    if (err == WB_OK) {
        it->step = OUT_REOPENING;
        it->old_copies = it->tries > 1 ? it->tries - 1 : 0;
        it->old_code = code;
    }
    return err == WB_ERR_STATE ? WB_OK : err;
}

/* Asks for the group, unless that happened after this message was sealed: of many refused messages
 * one asks. */
static enum wb_err ask_for_group(struct out_item *it)
{
    struct store_group g;
    enum wb_err err = store_group_get_info(it->b->store, &it->chat, &g);

    if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    if (err == WB_OK && g.updated_at <= it->sealed_at)
        err = group_info_stale(it->b, &it->chat);
    return err;
}

/* The group calls its members by their other identity now, and nobody told us. Whether or not this
 * message is made anew, the next one asks for the group. Nobody got this stanza, or the keys in it.
 * Keys that other stanzas have brought stay valid: when the answer shows another addressing,
 * everybody is given the key again, once (group_info.c). */
static enum wb_err reopen_group(struct out_item *it, uint32_t code, bool *ret_again)
{
    struct bridge *b = it->b;
    enum wb_err err;

    if (code != STALE_ADDRESSING)
        return WB_OK;
    TRY(ask_for_group(it));
    TRY(store_skdm_refused(b->store, &it->chat, it->id));
    TRY(reopen(it, code, OUTBOX_REOPENED, ret_again));
    if (*ret_again)
        log_info(b->log, "send",
                 "%s: the group %s has changed its addressing; it is sent again in "
                 "the form that the group has now",
                 it->id, it->chat.user);
out:
    return err;
}

/* The address for which the item was sealed, read from the refused bytes: the account's state may
 * have changed since, and after a restart nothing else remembers the address. */
static enum wb_err sealed_for(struct out_item *it, struct jid *ret_to)
{
    struct arena a = arena_new(SEND_ARENA_MAX);
    struct store_outbox_row row;
    struct node *n = NULL;
    enum wb_err err;

    TRY(store_outbox_by_id(it->b->store, it->id, &a, &row));
    TRY(node_unpack(row.sealed, &a, &n));
    if (!node_attr_get_jid(n, "to", ret_to))
        err = WB_ERR_NOT_FOUND;
out:
    arena_free(&a);
    return err;
}

/* *ret_how, unless 0: the message was refused for its address, and may go by the person's other
 * address (private_address_refused()). The notes for which devices it was sealed (under the refused
 * address) and the known devices are dropped, to be made anew. */
static enum wb_err refused_address(struct out_item *it, uint32_t code, int64_t *ret_how)
{
    struct bridge *b = it->b;
    struct jid to = {0};
    enum wb_err err;

    *ret_how = 0;
    if (code != NOT_TAKEN)
        return WB_OK;
    err = sealed_for(it, &to);
    if (err == WB_ERR_NOT_FOUND || (err != WB_OK && wb_err_class(err) == WB_CLASS_PEER))
        return WB_OK; /* there is no other address to try */
    TRY(err);
    TRY(private_address_refused(b, &to, ret_how));
    if (*ret_how)
        err = store_retry_sent_drop(b->store, &it->chat, span_cstr(it->id));
out:
    return err;
}

/* Reopens an item once: a message that both addresses refuse is not refused for its address. Only
 * the item's row says whether it was reopened, so no rollback and no restart can reopen it
 * again. */
static enum wb_err reopen_private(struct out_item *it, uint32_t code, bool *ret_again)
{
    struct bridge *b = it->b;
    int64_t how = 0;
    enum wb_err err;

    TRY(store_outbox_reopened(b->store, it->id, &how));
    if (how)
        return private_address_no_help(b, how);
    TRY(refused_address(it, code, &how));
    if (!how)
        return WB_OK;
    TRY(reopen(it, code, how, ret_again));
    if (*ret_again)
        log_info(b->log, "send", "%s: it is sent again by the person's other address", it->id);
    else
        err = private_address_no_help(b, how);
out:
    return err;
}

enum wb_err out_reopen(struct out_item *it, uint32_t code, bool *ret_again)
{
    *ret_again = false;
    if (it->chat.server == JID_GROUP)
        return reopen_group(it, code, ret_again);
    return jid_is_person(&it->chat) ? reopen_private(it, code, ret_again) : WB_OK;
}
