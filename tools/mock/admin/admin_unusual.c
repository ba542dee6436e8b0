/* admin_unusual.c - stanzas that the real server sends and few clients expect: messages without
 * anything encrypted in them (P-X2-09), <status> (P-X2-21), news of our own devices that come from
 * the server itself. */
#include "base/text.h"
#include "tools/mock/admin/admin.h"
#include "tools/mock/core/pb.h"
#include "tools/mock/core/records.h"
#include "tools/mock/devices/deliver.h"
#include "tools/mock/devices/devices.h"
#include "tools/mock/people/actor.h"

enum { UNUSUAL_MAX = 1 << 20 };

/* The phone shows a message under this id: it got what the clients did not. */
static void known_to_phone(struct mock *m, struct mock_account *to, const struct mock_account *from,
                           const char *id, const char *text)
{
    struct buf message = buf_new(UNUSUAL_MAX), hex = buf_new(2 * UNUSUAL_MAX + 1);
    char jid[JID_TEXT_MAX];
    json_t *o = json_object();

    pb_put_text(&message, 1, text);
    buf_hex(&hex, buf_span(&message));
    (void)json_object_set_new(o, "id", json_string(id));
    (void)json_object_set_new(o, "chat", json_string(jid_text(&from->lid, jid)));
    (void)json_object_set_new(o, "from", json_string(jid));
    (void)json_object_set_new(o, "device", json_integer(0));
    (void)json_object_set_new(o, "text", json_string(text));
    (void)json_object_set_new(o, "t", json_integer((json_int_t)mock_now_s(m)));
    (void)json_object_set_new(o, "message", json_string(buf_cstr(&hex)));
    records_add(to, "messages", o);
    buf_free(&message);
    buf_free(&hex);
}

int admin_contact_bare(struct mock *m, const struct http_request *q, const json_t *body,
                       json_t **ret_out)
{
    struct mock_account *from = admin_account(m, q, body, "from", ret_out);
    struct mock_account *to = from != NULL ? admin_account(m, q, body, "to", ret_out) : NULL;
    const char *id = admin_text(body, "id"), *unavailable = admin_text(body, "unavailable");

    if (!to)
        return 404;
    if (id[0] == '\0')
        id = mock_id(m);
    known_to_phone(m, to, from, id, admin_text(body, "text"));
    for (size_t i = 0; i < to->ndevices; i++) {
        if (world_is_played(to->devices[i]))
            continue;
        struct node *n = mock_node(m, "message");
        node_attr_jid(&m->a, n, "from", &from->lid);
        node_attr_jid(&m->a, n, "sender_pn", &from->pn);
        node_attr_text(&m->a, n, "id", id);
        node_attr_text(&m->a, n, "type", "text");
        node_attr_u64(&m->a, n, "t", mock_now_s(m));
        node_attr_text(&m->a, n, "notify", from->name);
        if (unavailable[0] != '\0')
            node_attr_text(&m->a, node_child_new(&m->a, n, "unavailable"), "type", unavailable);
        else
            node_attr_text(&m->a, node_child_new(&m->a, n, "biz"), "actual_actors", "2");
        deliver(m, to->devices[i], n);
    }
    *ret_out = json_pack("{s:b,s:s}", "ok", 1, "id", id);
    return 200;
}

/* The part of a stanza that is sealed for this device. */
static const struct node *enc_for(const struct node *stanza, const struct device *d)
{
    const struct node *parts = node_child(stanza, "participants");

    for (const struct node *to = node_child(parts, "to"); to != NULL; to = node_next(to, "to")) {
        struct jid j, lid = device_jid(d, true);

        if (node_attr_get_jid(to, "jid", &j) && jid_eq(&j, &lid))
            return node_child(to, "enc");
    }
    return NULL;
}

int admin_contact_status(struct mock *m, const struct http_request *q, const json_t *body,
                         json_t **ret_out)
{
    struct mock_account *from = admin_account(m, q, body, "from", ret_out);
    struct mock_account *to = from != NULL ? admin_account(m, q, body, "to", ret_out) : NULL;
    struct buf content = buf_new(UNUSUAL_MAX);
    struct jid chat;
    struct node *sealed;

    if (!to || !world_is_played(from->devices[0]))
        return to == NULL ? 404 : admin_bad(ret_out, 404, "from: not played by the mock");
    pb_put_text(&content, 1, admin_text(body, "text"));
    sealed = actor_compose(m, from->devices[0], &to->lid, NULL, "text", buf_span(&content));
    buf_free(&content);
    if (!sealed || jid_parse_cstr("status@broadcast", &chat) != WB_OK)
        return admin_bad(ret_out, 422, "cannot be sealed");
    for (size_t i = 0; i < to->ndevices; i++) {
        const struct node *enc = enc_for(sealed, to->devices[i]);
        struct node *n = mock_node(m, "status"), *copy = ARENA_NEW(&m->a, struct node);

        if (world_is_played(to->devices[i]) || !enc || !copy)
            continue;
        *copy = *enc;
        copy->next = NULL;
        node_attr_jid(&m->a, n, "from", &chat);
        node_attr_jid(&m->a, n, "participant", &from->lid);
        node_copy_attr(&m->a, n, sealed, "id");
        node_attr_text(&m->a, n, "type", "text");
        node_attr_u64(&m->a, n, "t", mock_now_s(m));
        node_add(n, copy);
        deliver(m, to->devices[i], n);
    }
    *ret_out = json_pack("{s:b,s:s}", "ok", 1, "id", mock_attr(m, sealed, "id"));
    return 200;
}

int admin_phone_manner(struct mock *m, const struct http_request *q, const json_t *body,
                       json_t **ret_out)
{
    struct mock_account *a = admin_account(m, q, body, "phone", ret_out);

    if (!a)
        return 404;
    a->resends = admin_bool(body, "resends", a->resends);
    a->told_by_server = admin_bool(body, "told_by_server", a->told_by_server);
    return admin_ok(ret_out);
}
