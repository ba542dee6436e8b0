#include "bridge/in_receipt.h"

#include <string.h>

#include "bridge/bridge.h"
#include "bridge/handlers.h"
#include "bridge/in_message.h"
#include "bridge/out_message.h"
#include "bridge/out_retry.h"
#include "store/outbox.h"

static enum in_receipt_kind kind_of(const struct node *n)
{
    static const struct {
        const char *type;
        enum in_receipt_kind kind;
    } kinds[] = {
        {"inactive", IN_RECEIPT_DELIVERED},
        {"read", IN_RECEIPT_READ},
        {"played", IN_RECEIPT_READ},
        {"retry", IN_RECEIPT_RETRY},
    };

    if (!node_has_attr(n, "type"))
        return IN_RECEIPT_DELIVERED;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (node_attr_is(n, "type", kinds[i].type))
            return kinds[i].kind;
    return IN_RECEIPT_OTHER;
}

static size_t count_ids(const struct node *n, const struct node *list)
{
    size_t count = 1;

    if (list)
        count += node_child_count(list);
    for (const struct node *p = node_child(n, "participants"); p; p = node_next(p, "participants"))
        count++;
    return count;
}

static void add_id(struct span id, struct span *ids, size_t *n)
{
    if (in_message_id_valid(id))
        ids[(*n)++] = id;
}

enum wb_err in_receipt_parse(const struct node *n, struct arena *a, struct in_receipt *ret_r)
{
    struct in_receipt r = {.kind = kind_of(n)};
    const struct node *list = node_child(n, "list"), *parts = node_child(n, "participants");
    size_t max = count_ids(n, list);
    struct span *ids;

    if (!node_attr_get_jid(n, "from", &r.from))
        return WB_ERR_MALFORMED;
    if (max > IN_RECEIPT_IDS_MAX)
        return WB_ERR_TOO_LARGE;
    ids = arena_alloc(a, max * sizeof *ids);
    if (!ids)
        return WB_ERR_NOMEM;
    if (!node_attr_get_jid(n, "participant", &r.sender))
        r.sender = parts ? (struct jid){0} : r.from;
    /* The id of a grouped receipt is that of its first message; the keys name them all. */
    if (parts && jid_is_none(&r.sender)) {
        for (; parts; parts = node_next(parts, "participants"))
            add_id(node_attr_str(parts, "key", a), ids, &r.nids);
    } else {
        add_id(node_attr_str(n, "id", a), ids, &r.nids);
        for (const struct node *item = list ? node_child(list, "item") : NULL; item;
             item = node_next(item, "item"))
            add_id(node_attr_str(item, "id", a), ids, &r.nids);
    }
    if (r.nids == 0)
        return WB_ERR_MALFORMED;
    r.ids = ids;
    *ret_r = r;
    return WB_OK;
}

enum { NACK_PARSE = 487 /* P-RC-29 */ };

/* A row goes forward only; what is not ours, or too old, is passed over. t: of the receipt, 0 when
 * it does not say. */
static enum wb_err note_state(struct bridge *b, const struct in_receipt *r, int64_t t)
{
    enum store_outbox_state state = r->kind == IN_RECEIPT_READ ? OUTBOX_READ : OUTBOX_DELIVERED;
    enum wb_err err;

    for (size_t i = 0; i < r->nids; i++) {
        char id[STORE_MESSAGE_ID_MAX + 1] = {0};

        memcpy(id, r->ids[i].p, r->ids[i].n);
        TRY(out_message_delivered(b, r->ids[i], t));
        err = store_outbox_receipt(b->store, id, state);
        if (err != WB_OK && err != WB_ERR_NOT_FOUND)
            return err;
    }
    return WB_OK;
out:
    return err;
}

static int64_t time_of(const struct node *n)
{
    uint64_t t = 0;

    return node_attr_get_u64(n, "t", &t) && t <= INT64_MAX ? (int64_t)t : 0;
}

static bool is_ours(enum wb_err err)
{
    return wb_err_class(err) == WB_CLASS_LOCAL || wb_err_class(err) == WB_CLASS_BUG;
}

static enum wb_err receipt_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    struct in_receipt r;
    struct jid sender;
    enum wb_err err = in_receipt_parse(s->node, s->arena, &r);

    (void)parsed;
    if (err != WB_OK && wb_err_class(err) == WB_CLASS_PEER) {
        log_warn(b->log, "receipt", "a receipt that cannot be read: %s", wb_err_text(err));
        return outgoing_ack(b, s, NACK_PARSE);
    }
    TRY(err);
    if (r.kind == IN_RECEIPT_RETRY) {
        err = out_retry_request(b, s);
        return err == WB_OK || is_ours(err) ? err : outgoing_ack(b, s, 0);
    }
    sender = jid_unhosted(r.sender);
    /* Our own other devices confirm what they got of us: that is not the recipient. */
    if ((r.kind == IN_RECEIPT_DELIVERED || r.kind == IN_RECEIPT_READ) &&
        !bridge_is_self(b, &sender))
        TRY(note_state(b, &r, time_of(s->node)));
    TRY(outgoing_ack(b, s, 0));
out:
    return err;
}

const struct stanza_handler in_receipt_handler = {"receipt", STANZA_ACK_HANDLER, NULL,
                                                  receipt_apply};
