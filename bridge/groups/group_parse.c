#include "bridge/groups/group_parse.h"

#include "base/text.h"
#include "bridge/core/peer_time.h"
#include "bridge/groups/group_links.h"
#include "proto/content_text.h"

static struct jid person(struct jid j)
{
    return jid_bare(jid_unhosted(j));
}

/* Stores j as the member's LID or number; anything but a person is passed over. */
static void take_form(struct jid j, struct store_group_member *m)
{
    j = person(j);
    if (!j.user[0])
        return;
    if (j.server == JID_LID)
        m->lid = j;
    else if (j.server == JID_PN)
        m->pn = j;
}

enum wb_err group_parse_member(const struct node *participant,
                               struct store_group_member *ret_member)
{
    struct store_group_member m = {0};
    struct jid j;

    if (!node_is(participant, "participant"))
        return WB_ERR_MALFORMED;
    if (node_attr_get_jid(participant, "phone_number", &j))
        take_form(j, &m);
    if (node_attr_get_jid(participant, "lid", &j))
        take_form(j, &m);
    if (node_attr_get_jid(participant, "jid", &j))
        take_form(j, &m); /* last, because the address that the group uses counts (P-GR-05) */
    if (jid_is_none(&m.lid) && jid_is_none(&m.pn))
        return WB_ERR_MALFORMED;
    if (node_attr_is(participant, "type", "superadmin"))
        m.rank = STORE_SUPERADMIN;
    else if (node_attr_is(participant, "type", "admin"))
        m.rank = STORE_ADMIN;
    *ret_member = m;
    return WB_OK;
}

enum wb_err group_parse_members(const struct node *n, struct arena *a,
                                struct store_group_member **ret_members, size_t *ret_n,
                                size_t *ret_odd)
{
    struct store_group_member *members;
    size_t count = 0, got = 0, odd = 0;

    for (const struct node *p = node_child(n, "participant"); p; p = node_next(p, "participant"))
        count++;
    if (count > STORE_GROUP_MEMBERS_MAX)
        return WB_ERR_TOO_LARGE;
    members = arena_alloc(a, (count ? count : 1) * sizeof *members);
    if (!members)
        return WB_ERR_NOMEM;
    for (const struct node *p = node_child(n, "participant"); p; p = node_next(p, "participant")) {
        if (group_parse_member(p, &members[got]) == WB_OK)
            got++;
        else
            odd++;
    }
    *ret_members = members;
    *ret_n = got;
    *ret_odd = odd;
    return WB_OK;
}

void group_parse_subject(struct span text, char out[static STORE_NAME_MAX + 1])
{
    /* A person wrote the text: bytes that are no character become U+FFFD. Text beyond what can be
     * stored is not read. */
    struct buf clean = buf_new((STORE_NAME_MAX + 4) * 3);
    struct span cut;

    content_clean_text(span_first(text, STORE_NAME_MAX + 4), &clean);
    cut = utf8_first(buf_span(&clean), STORE_NAME_MAX);
    if (cut.n)
        memcpy(out, cut.p, cut.n);
    out[cut.n] = '\0';
    buf_free(&clean);
}

uint32_t group_parse_ephemeral(const struct node *ephemeral)
{
    uint64_t s;

    return node_attr_get_u64(ephemeral, "expiration", &s) ? peer_expiration_s(s) : 0;
}

/* "id" without server part (P-GR-03); some answers have the whole address. */
static bool read_id(const struct node *group, struct arena *a, struct jid *ret_jid)
{
    struct span id = node_attr_str(group, "id", a);
    struct jid j;

    if (jid_make(id, JID_GROUP, 0, &j) != WB_OK && jid_parse(id, &j) != WB_OK)
        return false;
    if (j.server != JID_GROUP || !j.user[0])
        return false;
    *ret_jid = j;
    return true;
}

enum wb_err group_parse(const struct node *group, struct arena *a, struct store_group *ret_group,
                        size_t *ret_odd)
{
    struct store_group g = {0};
    struct span version;
    size_t odd = 0;
    enum wb_err err;

    if (!node_is(group, "group") || !read_id(group, a, &g.jid))
        return WB_ERR_MALFORMED;
    err = group_parse_members(group, a, &g.members, &g.nmembers, &odd);
    if (err != WB_OK)
        return err;
    group_parse_subject(node_attr_str(group, "subject", a), g.subject);
    g.addressing =
        node_attr_is(group, "addressing_mode", "lid") ? STORE_ADDRESSING_LID : STORE_ADDRESSING_PN;
    g.announce = node_child(group, "announcement") != NULL;
    g.ephemeral_s = group_parse_ephemeral(node_child(group, "ephemeral"));
    group_links_parse(group, &g);
    version = node_attr_str(group, "p_v_id", a);
    if (version.n > 0 && version.n < sizeof g.version)
        memcpy(g.version, version.p, version.n);
    *ret_group = g;
    *ret_odd = odd;
    return WB_OK;
}
