#include "tools/mock/devices/unheard.h"

#include <stdlib.h>

enum { HOUR_MS = 3600 * 1000, WORLD_MIN = 3 /* a group of fewer members is no world */ };

/* What one client was told about one group. */
struct mismatch {
    bool pending; /* the client has not asked since the last mismatch */
    int64_t asked_ms;
    bool asked;
};

static const char *key_of(const struct device *d, char text[static JID_TEXT_MAX])
{
    struct jid j = device_jid(d, false);

    return jid_text(&j, text);
}

void unheard_came(struct mock_account *a)
{
    a->unheard = true;
    map_free(&a->heard, NULL);
    a->heard = (struct map){0};
}

bool unheard_is(const struct device *d, const struct mock_account *a)
{
    char key[JID_TEXT_MAX];

    return a->unheard && map_get(&a->heard, key_of(d, key)) == NULL;
}

void unheard_mismatch(struct mock *m, const struct device *from, struct group *g)
{
    char key[JID_TEXT_MAX];
    struct mismatch *s = map_get(&g->mismatches, key_of(from, key));

    (void)m;
    if (!s && (s = calloc(1, sizeof *s)) != NULL && !map_put(&g->mismatches, key, s)) {
        free(s);
        s = NULL;
    }
    if (s)
        s->pending = true;
}

static size_t named(const struct mock *m, const struct group *g, const struct node *users)
{
    size_t n = 0;

    for (const struct node *u = node_child(users, "user"); u != NULL; u = node_next(u, "user")) {
        struct jid j;
        const struct mock_account *a =
            node_attr_get_jid(u, "jid", &j) ? world_account(&m->world, &j) : NULL;

        n += a != NULL && world_find_member(g, a) != NULL;
    }
    return n;
}

static void look_at_group(struct mock *m, const char *label, struct group *g, struct mismatch *s,
                          const struct node *users)
{
    int64_t now = clock_mono_ms(m->clock);

    if (!s->pending || g->nmembers < WORLD_MIN || 2 * named(m, g, users) <= g->nmembers)
        return;
    if (s->asked && now - s->asked_ms < HOUR_MS)
        mock_flag(m, label, "asks-the-world", users, "all devices of %s, for another hash",
                  g->jid.user);
    s->pending = false;
    s->asked = true;
    s->asked_ms = now;
}

void unheard_asked(struct mock *m, const char *label, const struct device *from,
                   const struct node *users)
{
    char key[JID_TEXT_MAX];

    (void)key_of(from, key);
    for (const struct node *u = node_child(users, "user"); u != NULL; u = node_next(u, "user")) {
        struct jid j;
        struct mock_account *a =
            node_attr_get_jid(u, "jid", &j) ? world_account(&m->world, &j) : NULL;

        if (a && a->unheard)
            (void)map_put(&a->heard, key, a);
    }
    for (size_t i = 0; i < m->world.ngroups; i++) {
        struct group *g = m->world.group_list[i];
        struct mismatch *s = map_get(&g->mismatches, key);

        if (s)
            look_at_group(m, label, g, s, users);
    }
}
