#include "bridge/receive/out_receipt.h"

#include "base/secret.h"
#include "bridge/conn/own_keys.h"
#include "bridge/core/context.h"
#include "store/session/account.h"
#include "store/session/prekeys.h"

/* `to`: the stanza's `from` as it was written; recipient and participant are copied from it,
 * too. */
static struct node *receipt(struct arena *a, struct span id, const struct jid *to,
                            const struct jid *recipient, const struct jid *participant)
{
    struct node *n = node_new(a, "receipt");

    node_attr_span(a, n, "id", id);
    node_attr_jid(a, n, "to", to);
    if (!jid_is_none(recipient))
        node_attr_jid(a, n, "recipient", recipient);
    if (!jid_is_none(participant))
        node_attr_jid(a, n, "participant", participant);
    return n;
}

struct node *out_receipt_delivery(const struct bridge *b, struct arena *a,
                                  const struct in_message *m)
{
    struct node *n = receipt(a, m->stanza_id, &m->from, &m->recipient, &m->participant);

    if (in_message_is_status(m))
        node_attr_text(a, n, "context", "status");
    if (m->from_me)
        node_attr_text(a, n, "type", span_eq_cstr(m->type, "peer_msg") ? "peer_msg" : "sender");
    else if (!b->presence_available && !in_message_is_status(m))
        node_attr_text(a, n, "type", "inactive");
    return n;
}

struct node *out_receipt_own(const struct bridge *b, struct arena *a, struct span id,
                             const char *type)
{
    struct jid own = jid_bare(b->own_pn);
    struct node *n = node_new(a, "receipt");

    node_attr_span(a, n, "id", id);
    node_attr_text(a, n, "type", type);
    node_attr_jid(a, n, "to", &own);
    return n;
}

enum wb_err out_receipt_missing(struct bridge *b, struct arena *a, struct span id,
                                const uint8_t key[static MEDIA_KEY_BYTES], struct node **ret_n)
{
    struct node *n = out_receipt_own(b, a, id, "server-error");
    struct node *encrypt = node_child_new(a, n, "encrypt");
    struct buf sealed = buf_new(STORE_MESSAGE_ID_MAX + 64);
    uint8_t iv[GCM_IV_BYTES];
    enum wb_err err;

    node_attr_text(a, n, "category", "peer");
    TRY(media_seal_missing(key, id, b->rng, iv, &sealed));
    node_set_bytes(a, node_child_new(a, encrypt, "enc_p"), arena_copy(a, buf_span(&sealed)));
    node_set_bytes(a, node_child_new(a, encrypt, "enc_iv"), arena_copy(a, SPAN_ARRAY(iv)));
    TRY(n && encrypt ? WB_OK : WB_ERR_NOMEM);
    *ret_n = n;
out:
    buf_free(&sealed);
    return err;
}

/* The error code of a retry receipt (P-RC-36); 0 is not written. */
static unsigned retry_code(enum wb_err why)
{
    switch ((int)why) {
    case WB_ERR_NO_SESSION:
    case WB_ERR_BASE_KEY_USED:
    case WB_ERR_NO_SENDER_KEY:
        return 1;
    case WB_ERR_BAD_KEY:
        return 2;
    case WB_ERR_BAD_KEY_ID:
        return 3;
    case WB_ERR_TRUNCATED:
    case WB_ERR_MALFORMED:
    case WB_ERR_VERSION:
        return 4;
    case WB_ERR_BAD_SIGNATURE:
        return 5;
    case WB_ERR_TOO_FAR_AHEAD:
        return 6;
    case WB_ERR_BAD_MAC:
        return 7;
    case WB_ERR_UNTRUSTED_IDENTITY:
        return 8;
    case WB_ERR_NOT_VOUCHED:
        return 12;
    default:
        return 0;
    }
}

static enum wb_err add_keys(struct bridge *b, struct arena *a, struct node *n)
{
    struct store_prekey prekey;
    enum wb_err err;

    TRY(store_prekeys_offer(b->store, b->rng, 1, &prekey));
    node_add(n, own_keys_node(a, b->account, &prekey));
    secret_wipe(&prekey, sizeof prekey);
out:
    return err;
}

enum wb_err out_receipt_retry(struct bridge *b, struct arena *a, const struct store_retry_owed *o,
                              enum wb_err why, bool peer, bool with_keys, struct node **ret_n)
{
    struct node *n = receipt(a, span_cstr(o->id), &o->stanza_from, &o->recipient, &o->participant);
    struct node *retry;
    enum wb_err err = WB_OK;

    node_attr_text(a, n, "type", "retry");
    if (peer)
        node_attr_text(a, n, "category", "peer");
    retry = node_child_new(a, n, "retry");
    node_attr_u64(a, retry, "count", o->count);
    node_attr_text(a, retry, "id", o->id);
    node_attr_u64(a, retry, "t", (uint64_t)o->timestamp);
    node_attr_u64(a, retry, "v", 1);
    if (retry_code(why))
        node_attr_u64(a, retry, "error", retry_code(why));
    node_add(n, own_registration_node(a, b->account));
    if (with_keys) {
        err = add_keys(b, a, n);
        /* All prekey ids are used up: the message can still be asked for, with the keys that the
         * sender has. */
        if (err == WB_ERR_STATE)
            err = WB_OK;
        TRY(err);
    }
    if (!n)
        return WB_ERR_NOMEM;
    *ret_n = n;
out:
    return err;
}
