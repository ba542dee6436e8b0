/* usync.c - queries about users: each protocol that a client names is answered (P-US-01..08). */
#include <ctype.h>

#include "tools/mock/devices/address.h"
#include "tools/mock/devices/devices.h"
#include "tools/mock/devices/unheard.h"
#include "tools/mock/service/service.h"

struct asked {
    bool devices, contact, contact_lid, lid, business, status, picture, disappearing, username, bot;
};

static bool read_query(struct client *c, const struct node *query, struct asked *ret_q)
{
    struct asked q = {0};

    if (!query || !query->first)
        return false;
    for (const struct node *k = query->first; k != NULL; k = k->next) {
        if (node_is(k, "devices"))
            q.devices = true;
        else if (node_is(k, "contact")) {
            q.contact = true;
            q.contact_lid = node_attr_is(k, "addressing_mode", "lid");
        } else if (node_is(k, "lid"))
            q.lid = true;
        else if (node_is(k, "business"))
            q.business = true;
        else if (node_is(k, "status"))
            q.status = true;
        else if (node_is(k, "picture"))
            q.picture = true;
        else if (node_is(k, "disappearing_mode"))
            q.disappearing = true;
        else if (node_is(k, "username"))
            q.username = true;
        else if (node_is(k, "bot"))
            q.bot = true;
        else
            mock_flag(c->m, c->label, "unknown-usync", k, "protocol %.*s", (int)k->tag.n,
                      (const char *)k->tag.p);
        if (node_is(k, "devices") && !node_attr_is(k, "version", "2"))
            mock_flag(c->m, c->label, "bad-usync", k, "devices wants version=2");
    }
    *ret_q = q;
    return true;
}

/* The account of "+27...", with or without @c.us behind it. */
static struct mock_account *account_of_contact(struct client *c, struct span text)
{
    char digits[32];
    size_t n = 0;

    for (size_t i = 0; i < text.n && n + 1 < sizeof digits; i++) {
        if (text.p[i] == '@')
            break;
        if (isdigit(text.p[i]))
            digits[n++] = (char)text.p[i];
    }
    digits[n] = '\0';
    return address_account_typed(&c->m->world, digits);
}

static void put_contact(struct client *c, struct node *out, const struct node *user,
                        const struct mock_account *a)
{
    struct mock *m = c->m;
    struct node *k = node_child_new(&m->a, out, "contact");

    node_attr_text(&m->a, k, "type", a != NULL ? "in" : "out");
    struct span asked = node_content_bytes(node_child(user, "contact"));
    if (asked.p)
        node_set_bytes(&m->a, k, asked);
}

static void put_details(struct client *c, struct node *out, const struct asked *q,
                        struct mock_account *a, bool lid)
{
    struct mock *m = c->m;

    if (q->lid && !a->no_lid) {
        struct node *k = node_child_new(&m->a, out, "lid");

        node_attr_jid(&m->a, k, "val", &a->lid);
    }
    if (q->devices)
        devices_node(m, out, a, lid);
    if (q->business)
        (void)node_child_new(&m->a, out, "business");
    if (q->status) {
        struct node *k = node_child_new(&m->a, out, "status");

        node_attr_u64(&m->a, k, "t", a->devices_t);
        node_set_bytes(&m->a, k,
                       a->about[0] != '\0' ? span_cstr(a->about)
                                           : SPAN_LIT("Hey there! I am using WhatsApp."));
    }
    if (q->picture) {
        struct node *k = node_child_new(&m->a, out, "picture");

        node_attr_u64(&m->a, k, "id", a->picture_id != 0 ? a->picture_id : 1700000000);
    }
    if (q->disappearing) {
        struct node *k = node_child_new(&m->a, out, "disappearing_mode");

        node_attr_u64(&m->a, k, "duration", 0);
        node_attr_u64(&m->a, k, "t", 0);
    }
    if (q->username)
        (void)node_child_new(&m->a, out, "username");
}

static void answer_user(struct client *c, const struct node *user, const struct asked *q,
                        struct node *list)
{
    struct mock *m = c->m;
    struct jid j;
    struct mock_account *a;
    bool by_jid = node_attr_get_jid(user, "jid", &j);
    struct span number = node_content_bytes(node_child(user, "contact"));

    if (by_jid) {
        a = world_account(&m->world, &j);
        j = jid_bare(j);
    } else if (number.p) {
        a = account_of_contact(c, number);
    } else {
        mock_flag(m, c->label, "bad-usync", user, "user without jid and without contact");
        return;
    }
    struct node *out = node_child_new(&m->a, list, "user");
    bool lid = by_jid ? world_is_lid(&j) : q->contact_lid && a != NULL && !a->no_lid;
    if (a && !by_jid)
        j = account_jid(a, lid);
    if (a || by_jid)
        node_attr_jid(&m->a, out, "jid", &j);
    if (a && lid && !by_jid)
        node_attr_jid(&m->a, out, "pn_jid", &a->pn);
    if (q->contact)
        put_contact(c, out, user, a);
    if (a)
        put_details(c, out, q, a, lid);
}

int iq_usync(struct client *c, const struct node *iq, struct node *result)
{
    struct mock *m = c->m;
    const struct node *usync = node_child(iq, "usync");
    const struct node *users = node_child(usync, "list");
    struct asked q;

    if (!users || !read_query(c, node_child(usync, "query"), &q) || !node_has_attr(usync, "sid") ||
        !node_has_attr(usync, "mode") || !node_has_attr(usync, "context")) {
        mock_flag(m, c->label, "bad-usync", iq, "sid, mode, context, query and list are needed");
        return 400;
    }
    struct node *out = node_child_new(&m->a, result, "usync");
    node_copy_attr(&m->a, out, usync, "sid");
    node_copy_attr(&m->a, out, usync, "mode");
    node_copy_attr(&m->a, out, usync, "context");
    node_attr_text(&m->a, out, "last", "true");
    node_attr_text(&m->a, out, "index", "0");
    struct node *status = node_child_new(&m->a, out, "result");
    for (const struct node *k = node_child(usync, "query")->first; k != NULL; k = k->next) {
        char *tag = arena_cstr(&m->a, k->tag);

        if (tag)
            (void)node_child_new(&m->a, status, tag);
    }
    struct node *list = node_child_new(&m->a, out, "list");
    if (q.devices)
        unheard_asked(m, c->label, c->device, users);
    for (const struct node *u = node_child(users, "user"); u != NULL; u = node_next(u, "user"))
        answer_user(c, u, &q, list);
    return 0;
}
