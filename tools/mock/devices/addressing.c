#include "tools/mock/devices/addressing.h"

#include "tools/mock/devices/strict.h"

enum { STALE_ADDRESSING = 421 };

void addressing_set(struct mock *m, struct group *g, bool lid)
{
    const struct mock_account *creator =
        jid_is_none(&g->creator) ? NULL : world_account(&m->world, &g->creator);

    if (g->lid == lid)
        return;
    g->lid = lid;
    g->readdressed = true;
    if (creator)
        g->creator = account_jid(creator, lid);
    strict_keys_unknown(g);
}

int addressing_refuses(struct mock *m, const char *label, const struct device *from,
                       struct group *g, const struct node *n)
{
    char key[JID_TEXT_MAX + MOCK_ID_MAX + 2], who[JID_TEXT_MAX];
    struct jid j = device_jid(from, false);

    if (node_attr_is(n, "addressing_mode", "lid") == g->lid)
        return 0;
    if (!g->readdressed)
        mock_flag(m, label, "bad-message", n, "addressing_mode is not that of the group");
    (void)snprintf(key, sizeof key, "%s|%s", jid_text(&j, who), mock_attr(m, n, "id"));
    if (map_get(&g->refused, key) != NULL)
        mock_flag(m, label, "stale-addressing", n,
                  "sent again in the form in which it was refused");
    (void)map_put(&g->refused, key, g);
    return STALE_ADDRESSING;
}
