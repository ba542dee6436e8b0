#include "bridge/send/in_receipt.h"

#include <string.h>

#include "bridge/core/context.h"
#include "bridge/core/msgid.h"
#include "bridge/people/recipient.h"
#include "bridge/send/out_ack.h"
#include "bridge/send/out_retry.h"
#include "store/outbox/outbox.h"
#include "store/session/lid_map.h"

/* Only a receipt of delivery carries that error (feature-incapable); other errors mean nothing to
 * other clients either. */
static enum in_receipt_kind delivered_or_not(const struct node *n)
{
    const struct node *error = node_child(n, "error");

    return error && node_attr_is(error, "reason", "lid") &&
                   node_attr_is(error, "type", "feature-incapable")
               ? IN_RECEIPT_INCAPABLE
               : IN_RECEIPT_DELIVERED;
}

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
        return delivered_or_not(n);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (node_attr_is(n, "type", kinds[i].type))
            return kinds[i].kind == IN_RECEIPT_DELIVERED ? delivered_or_not(n) : kinds[i].kind;
    return IN_RECEIPT_OTHER;
}

static int64_t time_of(const struct node *n)
{
    uint64_t t = 0;

    return node_attr_get_u64(n, "t", &t) && t <= INT64_MAX ? (int64_t)t : 0;
}

static size_t count_items(const struct node *n, const struct node *list)
{
    size_t count = 1;

    if (list)
        count += node_child_count(list);
    for (const struct node *p = node_child(n, "participants"); p; p = node_next(p, "participants"))
        count += node_child_count(p);
    return count;
}

/* The receipt that is being read. */
struct receipt_reading {
    struct arena *arena;
    struct in_receipt_item *items;
    size_t n;
};

static void add_item(struct receipt_reading *r, struct span id, const struct jid *person, int64_t t)
{
    if (msgid_valid(id))
        r->items[r->n++] = (struct in_receipt_item){id, jid_bare(jid_unhosted(*person)), t};
}

/* The stanza's id is that of the first message; the keys name all messages, the <user>s say
 * who has them (P-RC-48: grouped receipt). */
static void read_grouped(struct receipt_reading *r, const struct node *parts, int64_t t)
{
    for (; parts; parts = node_next(parts, "participants")) {
        struct span id = node_attr_str(parts, "key", r->arena);

        for (const struct node *u = node_child(parts, "user"); u; u = node_next(u, "user")) {
            struct jid who;
            int64_t at = time_of(u);

            if (node_attr_get_jid(u, "jid", &who))
                add_item(r, id, &who, at ? at : t);
        }
    }
}

static void read_single(struct receipt_reading *r, const struct node *n, const struct node *list,
                        const struct jid *who)
{
    int64_t t = time_of(n);

    add_item(r, node_attr_str(n, "id", r->arena), who, t);
    for (const struct node *item = list ? node_child(list, "item") : NULL; item;
         item = node_next(item, "item"))
        add_item(r, node_attr_str(item, "id", r->arena), who, t);
}

enum wb_err in_receipt_parse(const struct node *n, struct arena *a, struct in_receipt *ret_r)
{
    struct in_receipt r = {.kind = kind_of(n)};
    const struct node *list = node_child(n, "list"), *parts = node_child(n, "participants");
    size_t max = count_items(n, list);
    struct receipt_reading reading = {.arena = a};
    struct jid who;

    if (!node_attr_get_jid(n, "from", &r.from))
        return WB_ERR_MALFORMED;
    if (max > IN_RECEIPT_ITEMS_MAX)
        return WB_ERR_TOO_LARGE;
    reading.items = arena_alloc(a, max * sizeof *reading.items);
    if (!reading.items)
        return WB_ERR_NOMEM;
    if (node_attr_get_jid(n, "participant", &who))
        read_single(&reading, n, list, &who);
    else if (parts)
        read_grouped(&reading, parts, time_of(n));
    else
        read_single(&reading, n, list, &r.from);
    if (reading.n == 0 && !parts)
        return WB_ERR_MALFORMED;
    r.items = reading.items;
    r.nitems = reading.n;
    *ret_r = r;
    return WB_OK;
}

enum { NACK_PARSE = 487 /* P-RC-29 */ };

/* Only the recipient can have the message: a receipt that names another chat says nothing about
 * it. */
static enum wb_err is_of_chat(struct bridge *b, const struct jid *chat, const struct jid *from,
                              bool *ret_is)
{
    struct jid ours = *chat, theirs = jid_bare(jid_unhosted(*from));
    enum wb_err err = WB_OK;

    if (jid_is_person(chat) && jid_is_person(&theirs)) {
        TRY(store_canonical(b->store, chat, &ours));
        TRY(store_canonical(b->store, &theirs, &theirs));
    }
    *ret_is = jid_eq(&ours, &theirs);
out:
    return err;
}

/* A message's state goes forward only; messages that are not ours, or too old, are passed over. Our
 * own other devices confirm what they got of us, but are not the recipient. A receipt of somebody
 * for whom the message was not sealed is not counted, and does not replace the server's ack. */
static enum wb_err note_item(struct bridge *b, const struct in_receipt *r,
                             const struct in_receipt_item *item, const struct in_receipt_port *port)
{
    enum store_outbox_state state = r->kind == IN_RECEIPT_READ ? OUTBOX_READ : OUTBOX_DELIVERED;
    char id[STORE_MESSAGE_ID_MAX + 1] = {0};
    struct recipient who;
    struct jid chat;
    bool of_chat = false;
    enum wb_err err;

    if (!jid_is_person(&item->person) || bridge_is_self(b, &item->person))
        return WB_OK;
    memcpy(id, item->id.p, item->id.n);
    err = store_outbox_chat(b->store, id, &chat);
    if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    TRY(err);
    TRY(is_of_chat(b, &chat, &r->from, &of_chat));
    if (!of_chat)
        return WB_OK;
    TRY(recipient_look(b, &chat, item->id, &item->person, &who));
    if (!who.person) {
        log_info(b->log, "receipt", "a receipt for %s of somebody who was not sent it", id);
        b->refused.receipts++;
        return WB_OK;
    }
    TRY(port->delivered(b, item->id, item->t));
    if (r->kind == IN_RECEIPT_INCAPABLE) {
        log_warn(b->log, "receipt", "%s was not delivered: the recipient's WhatsApp cannot take it",
                 id);
        return WB_OK;
    }
    err = store_outbox_receipt(b->store, id, &who.as, state);
out:
    return err;
}

static enum wb_err note_state(struct bridge *b, const struct in_receipt *r,
                              const struct in_receipt_port *port)
{
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < r->nitems && err == WB_OK; i++)
        err = note_item(b, r, &r->items[i], port);
    return err;
}

enum wb_err in_receipt_apply(struct bridge *b, const struct stanza *s,
                             const struct in_receipt_port *port)
{
    struct in_receipt r;
    enum wb_err err = in_receipt_parse(s->node, s->arena, &r);

    if (err != WB_OK && wb_err_class(err) == WB_CLASS_PEER) {
        log_warn(b->log, "receipt", "a receipt that cannot be read: %s", wb_err_text(err));
        return outgoing_ack(b, s, NACK_PARSE);
    }
    TRY(err);
    if (r.kind == IN_RECEIPT_RETRY) {
        err = port->retry(b, s);
        return err == WB_OK || wb_err_is_ours(err) ? err : outgoing_ack(b, s, 0);
    }
    if (r.kind == IN_RECEIPT_DELIVERED || r.kind == IN_RECEIPT_INCAPABLE ||
        r.kind == IN_RECEIPT_READ)
        TRY(note_state(b, &r, port));
    TRY(outgoing_ack(b, s, 0));
out:
    return err;
}

static enum wb_err receipt_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    static const struct in_receipt_port port = {out_retry_request, out_ack_delivered};

    (void)parsed;
    return in_receipt_apply(b, s, &port);
}

const struct stanza_handler in_receipt_handler = {"receipt", STANZA_ACK_HANDLER, NULL,
                                                  receipt_apply};
