/* profile.c - what people show of themselves: picture and 'about' text. */
#include <stdlib.h>

#include "tools/mock/devices/deliver.h"
#include "tools/mock/devices/privacy.h"
#include "tools/mock/service/media.h"
#include "tools/mock/service/service.h"

/* Tells all clients that are connected: the mock has no lists of who may see what. `child` is what
 * the notification says; its `from` names the account. */
static void tell_all(struct mock *m, const struct mock_account *a, const char *type,
                     struct node *child)
{
    for (size_t i = 0; i < m->world.naccounts; i++) {
        struct mock_account *to = m->world.accounts[i];

        for (size_t k = 0; k < to->ndevices; k++) {
            if (world_is_played(to->devices[k]))
                continue;
            struct node *n = deliver_notification(m, &a->pn, type);
            struct node *copy = ARENA_NEW(&m->a, struct node);
            if (!copy)
                return;
            *copy = *child;
            copy->next = NULL;
            node_add(n, copy);
            deliver(m, to->devices[k], n);
        }
    }
}

/* ---- pictures ---- */

static void tell_picture(struct mock *m, const struct mock_account *a)
{
    struct node *child = mock_node(m, a->picture_id != 0 ? "set" : "delete");

    node_attr_jid(&m->a, child, "jid", &a->pn);
    node_attr_jid(&m->a, child, "author", &a->pn);
    if (a->picture_id != 0)
        node_attr_u64(&m->a, child, "id", a->picture_id);
    tell_all(m, a, "picture", child);
}

/* <picture type=preview|image query=url>, perhaps with the id that the client has (the answer is
 * then empty if nothing is new), perhaps with the <tctoken> that a restricted account asks for. */
int iq_picture_get(struct client *c, const struct node *iq, struct node *result)
{
    struct mock *m = c->m;
    const struct node *ask = node_child(iq, "picture");
    struct jid target;
    char path[96];

    if (!node_attr_get_jid(iq, "target", &target))
        target = c->device->account->pn;
    const struct mock_account *a = world_account(&m->world, &target);
    uint64_t known = 0;
    if (!ask)
        return 400;
    if (!a || a->picture_id == 0 || !privacy_shows(a, c->device->account, ask))
        return 404;
    struct node *p = node_child_new(&m->a, result, "picture");
    if (node_attr_get_u64(ask, "id", &known) && known == a->picture_id)
        return 0;
    (void)snprintf(path, sizeof path, "/mms/picture/%s", a->picture_hash);
    node_attr_u64(&m->a, p, "id", a->picture_id);
    node_copy_attr(&m->a, p, ask, "type");
    struct buf url = buf_new(256);
    buf_printf(&url, "%s%s", m->base_url, path);
    node_attr_text(&m->a, p, "url", buf_cstr(&url));
    node_attr_text(&m->a, p, "direct_path", path);
    buf_free(&url);
    return 0;
}

/* Sets the client's own picture; a group's picture (target) is accepted and forgotten. A request
 * without <picture> removes the picture. */
int iq_picture_set(struct client *c, const struct node *iq, struct node *result)
{
    struct mock *m = c->m;
    struct mock_account *own = c->device->account;
    const struct node *p = node_child(iq, "picture");
    struct span jpeg = node_content_bytes(p);
    struct jid target;
    bool of_group = node_attr_get_jid(iq, "target", &target) && target.server == JID_GROUP;

    if (p && (jpeg.n < 3 || memcmp(jpeg.p, "\xff\xd8\xff", 3) != 0))
        return 406;
    uint64_t id = p != NULL ? mock_now_s(m) + ++m->next_picture : 0;
    if (p)
        node_attr_u64(&m->a, node_child_new(&m->a, result, "picture"), "id", id);
    if (of_group)
        return 0;
    if (p && !media_keep(m, jpeg, own->picture_hash))
        return 500;
    own->picture_id = id;
    client_send(c, result);
    tell_picture(m, own);
    return IQ_SENT;
}

/* ---- 'about' ---- */

/* Answers with the audience of status messages: all contacts. */
int iq_status_get(struct client *c, const struct node *iq, struct node *result)
{
    if (node_child(iq, "privacy") == NULL)
        return 501;
    struct node *p = node_child_new(&c->m->a, result, "privacy");
    struct node *list = node_child_new(&c->m->a, p, "list");
    node_attr_text(&c->m->a, list, "type", "contacts");
    node_attr_text(&c->m->a, list, "default", "true");
    return 0;
}

int iq_status_set(struct client *c, const struct node *iq, struct node *result)
{
    struct mock *m = c->m;
    struct mock_account *own = c->device->account;
    const struct node *status = node_child(iq, "status");
    struct span text = node_content_bytes(status);

    if (!status)
        return iq->first != NULL ? 0 : 400;
    (void)snprintf(own->about, sizeof own->about, "%.*s", (int)text.n,
                   text.p != NULL ? (const char *)text.p : "");
    client_send(c, result);
    struct node *set = mock_node(m, "set");
    node_set_bytes(&m->a, set, span_cstr(own->about));
    tell_all(m, own, "status", set);
    return IQ_SENT;
}
