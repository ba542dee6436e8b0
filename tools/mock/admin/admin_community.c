/* admin_community.c - communities made and changed from outside. */
#include "tools/mock/admin/admin.h"
#include "tools/mock/service/community.h"
#include "tools/mock/service/group.h"

enum { PEOPLE_MAX = 1024 };

struct people {
    struct mock_account *creator, *members[PEOPLE_MAX];
    size_t n;
};

static int read_people(struct mock *m, const struct http_request *q, const json_t *body,
                       struct people *p, json_t **ret_out)
{
    const json_t *list = json_object_get(body, "members");

    if ((p->creator = admin_account(m, q, body, "creator", ret_out)) == NULL)
        return 404;
    for (size_t i = 0; i < json_array_size(list) && p->n < PEOPLE_MAX; i++) {
        json_t *one = json_pack("{s:O}", "member", json_array_get(list, i));
        struct mock_account *a = admin_account(m, q, one, "member", ret_out);

        json_decref(one);
        if (!a)
            return 404;
        p->members[p->n++] = a;
    }
    return 200;
}

static struct group *make(struct mock *m, const json_t *body, struct people *p, const char *what)
{
    char subject[128];

    (void)snprintf(subject, sizeof subject, "%.60s%s", admin_text(body, "subject"), what);
    return group_make(m, subject, strcmp(admin_text(body, "mode"), "pn") != 0, p->creator,
                      p->members, p->n);
}

int admin_community_add(struct mock *m, const struct http_request *q, const json_t *body,
                        json_t **ret_out)
{
    struct people p = {0};
    char one[JID_TEXT_MAX], other[JID_TEXT_MAX];
    int status = read_people(m, q, body, &p, ret_out);

    if (status != 200)
        return status;
    struct group *parent = make(m, body, &p, ""), *news = make(m, body, &p, " (announcements)");
    if (!parent || !news)
        return admin_bad(ret_out, 500, "no memory");
    parent->community = true;
    news->announcement = news->default_sub_group = true;
    news->parent = parent;
    group_tell_created(m, parent, p.creator);
    group_tell_created(m, news, p.creator);
    *ret_out = json_pack("{s:b,s:s,s:s}", "ok", 1, "community", jid_text(&parent->jid, one),
                         "announcement", jid_text(&news->jid, other));
    return 200;
}

static struct group *named(struct mock *m, const json_t *body, const char *key)
{
    struct jid j;

    return jid_parse_cstr(admin_text(body, key), &j) == WB_OK ? world_group(&m->world, &j) : NULL;
}

int admin_community_link(struct mock *m, const struct http_request *q, const json_t *body,
                         json_t **ret_out)
{
    (void)q;
    struct group *g = named(m, body, "group"), *parent = named(m, body, "community");
    if (!g)
        return admin_bad(ret_out, 404, "group: no such group");
    if (admin_text(body, "community")[0] != '\0' && (!parent || !parent->community))
        return admin_bad(ret_out, 404, "community: no such community");
    community_link(m, g, parent);
    return admin_ok(ret_out);
}
