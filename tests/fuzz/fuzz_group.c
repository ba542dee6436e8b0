/* Any stanza as a <group>, and as the <add>, <remove>, <link> ... of a group notification. */
#include <stdlib.h>

#include "base/text.h"
#include "bridge/groups/group_links.h"
#include "bridge/groups/group_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_MAX = 32 << 20 };

static void check_members(const struct store_group_member *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (jid_is_none(&m[i].lid) && jid_is_none(&m[i].pn))
            abort();
        if ((!jid_is_none(&m[i].lid) && m[i].lid.server != JID_LID) ||
            (!jid_is_none(&m[i].pn) && m[i].pn.server != JID_PN))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = arena_new(ARENA_MAX);
    struct store_group g;
    struct node *node;
    size_t odd;

    if (node_unpack(SPAN(data, size), &a, &node) == WB_OK) {
        struct store_group_member *members;
        struct group_link link;
        size_t n;

        if (group_parse(node, &a, &g, &odd) == WB_OK) {
            if (g.jid.server != JID_GROUP || !utf8_valid(span_cstr(g.subject)))
                abort();
            check_members(g.members, g.nmembers);
            if (!jid_is_none(&g.parent) && g.parent.server != JID_GROUP)
                abort();
        }
        if (group_links_read(node, &a, &link) && link.other.server != JID_GROUP)
            abort();
        if (group_parse_members(node, &a, &members, &n, &odd) == WB_OK)
            check_members(members, n);
    }
    arena_free(&a);
    return 0;
}
