#include "tools/mock/core/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "base/text.h"
#include "crypto/prim_hash.h"
#include "tools/mock/core/mock.h"

bool world_is_lid(const struct jid *j)
{
    return j->server == JID_LID || j->server == JID_HOSTED_LID;
}

struct mock_account *world_account(const struct world *w, const struct jid *user)
{
    struct mock_account *a = NULL;

    if (world_is_lid(user))
        a = map_get(&w->by_lid, user->user);
    else if (user->server == JID_PN || user->server == JID_HOSTED)
        a = map_get(&w->by_pn, user->user);
    return a != NULL && !a->gone ? a : NULL;
}

struct mock_account *world_account_phone(const struct world *w, const char *digits)
{
    struct mock_account *a = map_get(&w->by_pn, digits[0] == '+' ? digits + 1 : digits);

    return a != NULL && !a->gone ? a : NULL;
}

struct device *world_device(const struct mock_account *a, uint16_t number)
{
    for (size_t i = 0; i < a->ndevices; i++) {
        if (a->devices[i]->number == number)
            return a->devices[i];
    }
    for (size_t i = 0; i < a->nunlisted; i++) {
        if (a->unlisted[i]->number == number)
            return a->unlisted[i];
    }
    return NULL;
}

bool world_is_played(const struct device *d)
{
    return d->actor != NULL;
}

struct device *world_device_jid(const struct world *w, const struct jid *j)
{
    struct mock_account *a = world_account(w, j);

    return a != NULL ? world_device(a, j->device) : NULL;
}

struct jid account_jid(const struct mock_account *a, bool lid)
{
    return lid ? a->lid : a->pn;
}

struct jid device_jid(const struct device *d, bool lid)
{
    return jid_with_device(account_jid(d->account, lid), d->number);
}

static struct device *append_device(struct mock_account *a, uint16_t number)
{
    struct device *d = a->ndevices < MOCK_DEVICES_MAX ? calloc(1, sizeof *d) : NULL;

    if (!d)
        return NULL;
    d->account = a;
    d->number = number;
    d->adv = buf_new(4096);
    a->devices[a->ndevices++] = d;
    return d;
}

struct mock_account *world_add_account(struct mock *m, const char *digits, const char *name,
                                       bool contact)
{
    struct world *w = &m->world;
    struct jid pn;

    if (jid_from_phone(span_cstr(digits), &pn) != WB_OK || map_get(&w->by_pn, pn.user) != NULL)
        return NULL;
    struct mock_account *a = calloc(1, sizeof *a);
    struct mock_account **list = realloc(w->accounts, (w->naccounts + 1) * sizeof *list);
    if (list)
        w->accounts = list;
    if (!a || !list) {
        free(a);
        return NULL;
    }
    a->pn = pn;
    a->lid.server = JID_LID;
    /* 15 digits like those of real LIDs, without resemblance to the number */
    (void)snprintf(a->lid.user, sizeof a->lid.user, "%llu",
                   (unsigned long long)(100200300000007ull + 7919 * ++w->next_lid));
    (void)snprintf(a->name, sizeof a->name, "%s", name);
    a->contact = contact;
    a->adv_raw_id = rng_u32(&m->rng);
    a->next_number = 1;
    a->next_key_index = 1;
    a->devices_t = mock_now_s(m);
    x25519_generate(&m->rng, &a->identity);
    struct device *phone = append_device(a, 0);
    if (!phone || !map_put(&w->by_pn, pn.user, a) || !map_put(&w->by_lid, a->lid.user, a) ||
        !w->player->attach(m, phone, &a->identity)) {
        /* the maps may point to a half-made account: it stays in the list, and counts as gone */
        a->gone = true;
    }
    w->accounts[w->naccounts++] = a;
    return a->gone ? NULL : a;
}

struct device *world_add_device(struct mock *m, struct mock_account *a)
{
    struct device *d = append_device(a, a->next_number);

    if (!d)
        return NULL;
    a->next_number++;
    d->key_index = a->next_key_index++;
    a->devices_t = mock_now_s(m);
    return d;
}

static void free_part(struct part *p)
{
    if (p->value)
        p->free(p->value);
    p->value = NULL;
}

static void free_device(const struct player *player, struct device *d)
{
    player->detach(d);
    while (d->first) {
        struct queued *s = d->first;

        d->first = s->next;
        free(s);
    }
    free(d->prekeys);
    map_free(&d->prekeys_seen, NULL);
    map_free(&d->subscribed, NULL);
    free_part(&d->chatstates);
    buf_free(&d->adv);
    free(d);
}

bool world_unlist_device(struct mock *m, struct device *d)
{
    struct mock_account *a = d->account;
    size_t i = 0;

    while (i < a->ndevices && a->devices[i] != d)
        i++;
    if (i == a->ndevices || a->nunlisted == MOCK_UNLISTED_MAX)
        return false;
    memmove(&a->devices[i], &a->devices[i + 1], (a->ndevices - i - 1) * sizeof a->devices[0]);
    a->ndevices--;
    a->devices_t = mock_now_s(m);
    a->unlisted[a->nunlisted++] = d;
    return true;
}

void world_remove_device(struct mock *m, struct device *d)
{
    struct mock_account *a = d->account;
    size_t i = 0;

    while (i < a->ndevices && a->devices[i] != d)
        i++;
    if (i == a->ndevices)
        return;
    memmove(&a->devices[i], &a->devices[i + 1], (a->ndevices - i - 1) * sizeof a->devices[0]);
    a->ndevices--;
    a->devices_t = mock_now_s(m);
    for (struct inbox_item **at = &m->inbox; *at != NULL;) {
        struct inbox_item *item = *at;

        if (item->to == d) {
            *at = item->next;
            free(item);
        } else {
            at = &item->next;
        }
    }
    m->inbox_last = m->inbox;
    while (m->inbox_last && m->inbox_last->next)
        m->inbox_last = m->inbox_last->next;
    free_device(m->world.player, d);
}

/* ---- groups ---- */

struct group *world_group(const struct world *w, const struct jid *j)
{
    return j->server == JID_GROUP ? map_get(&w->groups, j->user) : NULL;
}

struct group *world_add_group(struct mock *m, const char *subject, bool lid)
{
    struct world *w = &m->world;
    struct group *g = calloc(1, sizeof *g);
    struct group **list = realloc(w->group_list, (w->ngroups + 1) * sizeof *list);

    if (list)
        w->group_list = list;
    if (!g || !list) {
        free(g);
        return NULL;
    }
    g->jid.server = JID_GROUP;
    (void)snprintf(g->jid.user, sizeof g->jid.user, "%llu",
                   (unsigned long long)(120363000000000001ull + 104729 * ++w->next_group));
    (void)snprintf(g->subject, sizeof g->subject, "%s", subject);
    g->lid = lid;
    g->created_s = g->subject_s = mock_now_s(m);
    g->version = g->created_s * 1000000;
    if (!map_put(&w->groups, g->jid.user, g)) {
        free(g);
        return NULL;
    }
    w->group_list[w->ngroups++] = g;
    return g;
}

struct member *world_find_member(const struct group *g, const struct mock_account *a)
{
    for (size_t i = 0; i < g->nmembers; i++) {
        if (g->members[i].account == a)
            return &g->members[i];
    }
    return NULL;
}

bool world_add_member(struct group *g, struct mock_account *a, uint8_t rank)
{
    if (world_find_member(g, a) != NULL)
        return true;
    struct member *list = realloc(g->members, (g->nmembers + 1) * sizeof *list);
    if (!list)
        return false;
    g->members = list;
    g->members[g->nmembers++] = (struct member){a, rank};
    g->version++;
    return true;
}

bool world_remove_member(struct group *g, const struct mock_account *a)
{
    struct member *mb = world_find_member(g, a);

    if (!mb)
        return false;
    size_t i = (size_t)(mb - g->members);
    memmove(mb, mb + 1, (g->nmembers - i - 1) * sizeof *mb);
    g->nmembers--;
    g->version++;
    return true;
}

static void free_group_key(void *value)
{
    struct group_key *k = value;

    map_free(&k->holders, NULL);
    free(k);
}

static void free_account(const struct player *player, struct mock_account *a)
{
    while (a->ndevices > 0)
        free_device(player, a->devices[--a->ndevices]);
    while (a->nunlisted > 0)
        free_device(player, a->unlisted[--a->nunlisted]);
    while (a->tokens) {
        struct token *t = a->tokens;

        a->tokens = t->next;
        free(t);
    }
    map_free(&a->blocked, NULL);
    map_free(&a->met, NULL);
    map_free(&a->heard, NULL);
    map_free(&a->appstate, NULL);
    map_free(&a->phone_state, NULL);
    free_part(&a->records);
    free_part(&a->held);
    secret_wipe(&a->identity, sizeof a->identity);
    free(a);
}

void world_free(struct world *w)
{
    for (size_t i = 0; i < w->naccounts; i++)
        free_account(w->player, w->accounts[i]);
    for (size_t i = 0; i < w->ngroups; i++) {
        map_free(&w->group_list[i]->keys, free_group_key);
        map_free(&w->group_list[i]->refused, NULL);
        map_free(&w->group_list[i]->resends, free);
        map_free(&w->group_list[i]->mismatches, free);
        free(w->group_list[i]->members);
        free(w->group_list[i]);
    }
    free(w->accounts);
    free(w->group_list);
    map_free(&w->by_pn, NULL);
    map_free(&w->by_lid, NULL);
    map_free(&w->groups, NULL);
    memset(w, 0, sizeof *w);
}

/* ---- participant hash ---- */

static int ad_order(const void *x, const void *y)
{
    char a[JID_TEXT_MAX], b[JID_TEXT_MAX];

    return strcmp(jid_ad_text(x, a), jid_ad_text(y, b));
}

void world_phash(struct jid *devices, size_t n, char ret_text[static PHASH_CHARS + 1])
{
    uint8_t digest[SHA256_BYTES];
    struct buf all = buf_new(1 << 24);
    struct buf text = buf_new(64);

    if (n > 0)
        qsort(devices, n, sizeof *devices, ad_order);
    for (size_t i = 0; i < n; i++) {
        char one[JID_TEXT_MAX];

        buf_append_cstr(&all, jid_ad_text(&devices[i], one));
    }
    sha256(buf_span(&all), digest);
    buf_b64(&text, SPAN(digest, 6)); /* 6 bytes are 8 characters without padding */
    (void)snprintf(ret_text, PHASH_CHARS + 1, "2:%s", buf_cstr(&text));
    buf_free(&text);
    buf_free(&all);
}
