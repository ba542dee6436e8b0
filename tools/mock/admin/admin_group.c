/* admin_group.c - groups made and changed from outside. */
#include "tools/mock/admin/admin.h"
#include "tools/mock/devices/addressing.h"
#include "tools/mock/devices/unheard.h"
#include "tools/mock/service/group.h"

static json_t *group_json(const struct group *g)
{
    char text[JID_TEXT_MAX];
    json_t *members = json_array();
    static const char *const ranks[] = {"member", "admin", "superadmin"};

    for (size_t i = 0; i < g->nmembers; i++) {
        const struct mock_account *a = g->members[i].account;
        json_t *one =
            json_pack("{s:s,s:s}", "phone", a->pn.user, "rank", ranks[g->members[i].rank]);

        (void)json_object_set_new(one, "lid", json_string(jid_text(&a->lid, text)));
        (void)json_array_append_new(members, one);
    }
    json_t *o =
        json_pack("{s:s,s:o,s:s,s:o}", "jid", jid_text(&g->jid, text), "subject",
                  admin_shown(g->subject), "mode", g->lid ? "lid" : "pn", "members", members);
    (void)json_object_set_new(o, "announcement", json_boolean(g->announcement));
    (void)json_object_set_new(o, "community", json_boolean(g->community));
    (void)json_object_set_new(o, "parent",
                              g->parent != NULL ? json_string(jid_text(&g->parent->jid, text))
                                                : json_null());
    return o;
}

int admin_group_list(struct mock *m, const struct http_request *q, const json_t *body,
                     json_t **ret_out)
{
    (void)q;
    (void)body;
    json_t *list = json_array();
    for (size_t i = 0; i < m->world.ngroups; i++)
        (void)json_array_append_new(list, group_json(m->world.group_list[i]));
    *ret_out = json_pack("{s:o}", "groups", list);
    return 200;
}

int admin_group_add(struct mock *m, const struct http_request *q, const json_t *body,
                    json_t **ret_out)
{
    const json_t *list = json_object_get(body, "members");
    struct mock_account *members[2048];
    struct mock_account *creator = NULL;
    size_t n = 0;

    if (admin_text(body, "creator")[0] != '\0') {
        creator = admin_account(m, q, body, "creator", ret_out);
        if (!creator)
            return 404;
    }
    for (size_t i = 0; i < json_array_size(list) && n < 2048; i++) {
        json_t *one = json_pack("{s:O}", "member", json_array_get(list, i));

        members[n] = admin_account(m, q, one, "member", ret_out);
        json_decref(one);
        if (!members[n])
            return 404;
        n++;
    }
    if (admin_bool(body, "all_contacts", false)) {
        for (size_t i = 0; i < m->world.naccounts && n < 2048; i++) {
            if (m->world.accounts[i]->contact && !m->world.accounts[i]->gone)
                members[n++] = m->world.accounts[i];
        }
    }
    const char *subject = admin_text(body, "subject");
    struct group *g =
        group_create(m, subject[0] != '\0' ? subject : "Group",
                     strcmp(admin_text(body, "mode"), "pn") != 0, creator, members, n);
    if (!g)
        return admin_bad(ret_out, 500, "no memory");
    *ret_out = group_json(g);
    return 200;
}

static struct group *group_of(struct mock *m, const json_t *body, json_t **ret_out)
{
    struct jid j;
    struct group *g =
        jid_parse_cstr(admin_text(body, "group"), &j) == WB_OK ? world_group(&m->world, &j) : NULL;

    if (!g)
        (void)admin_bad(ret_out, 404, "group: no such group");
    return g;
}

int admin_group_member(struct mock *m, const struct http_request *q, const json_t *body,
                       json_t **ret_out)
{
    static const char *const actions[] = {"add", "remove", "promote", "demote"};
    struct group *g = group_of(m, body, ret_out);
    struct mock_account *who = g != NULL ? admin_account(m, q, body, "phone", ret_out) : NULL;
    struct mock_account *by = NULL;

    if (!who)
        return 404;
    if (admin_text(body, "by")[0] != '\0' &&
        (by = admin_account(m, q, body, "by", ret_out)) == NULL)
        return 404;
    if (admin_bool(body, "quiet", false)) {
        if (strcmp(admin_text(body, "action"), "add") != 0 || world_find_member(g, who) != NULL ||
            !world_add_member(g, who, 0))
            return admin_bad(ret_out, 409, "not possible");
        unheard_came(who);
        *ret_out = group_json(g);
        return 200;
    }
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(actions[i], admin_text(body, "action")) != 0)
            continue;
        int code = group_change_member(m, g, by, who, (enum group_change)i);
        if (code != 0)
            return admin_bad(ret_out, code, "not possible");
        *ret_out = group_json(g);
        return 200;
    }
    return admin_bad(ret_out, 400, "action: add, remove, promote or demote");
}

int admin_group_set(struct mock *m, const struct http_request *q, const json_t *body,
                    json_t **ret_out)
{
    (void)q;
    struct group *g = group_of(m, body, ret_out);
    if (!g)
        return 404;
    if (admin_bytes(body, "subject", g->subject, sizeof g->subject)) {
        g->subject_s = mock_now_s(m);
        struct node *n = mock_node(m, "subject");
        node_attr_text(&m->a, n, "subject", g->subject);
        node_attr_u64(&m->a, n, "s_t", g->subject_s);
        group_tell(m, g, NULL, n);
    }
    const char *mode = admin_text(body, "mode");
    if (strcmp(mode, "lid") == 0 || strcmp(mode, "pn") == 0)
        addressing_set(m, g, mode[0] == 'l');
    else if (mode[0] != '\0')
        return admin_bad(ret_out, 400, "mode: lid or pn");
    bool announcement = admin_bool(body, "announcement", g->announcement);
    if (announcement != g->announcement) {
        g->announcement = announcement;
        struct node *n = mock_node(m, announcement ? "announcement" : "not_announcement");
        node_attr_u64(&m->a, n, "v_id", ++g->version);
        group_tell(m, g, NULL, n);
    }
    *ret_out = group_json(g);
    return 200;
}
