/* iq_account.c - the requests of login and settings, each with a small but valid answer. */
#include "tools/mock/devices/devices.h"
#include "tools/mock/devices/privacy.h"
#include "tools/mock/devices/timelock.h"
#include "tools/mock/service/community.h"
#include "tools/mock/service/login.h"
#include "tools/mock/service/names.h"
#include "tools/mock/service/service.h"

int iq_passive(struct client *c, const struct node *iq, struct node *result)
{
    if (node_child(iq, "active") == NULL && node_child(iq, "passive") == NULL)
        return 400;
    client_send(c, result);
    if (node_child(iq, "active") != NULL)
        login_active(c);
    else
        c->active = false;
    return IQ_SENT;
}

int iq_ping(struct client *c, const struct node *iq, struct node *result)
{
    (void)iq;
    node_attr_u64(&c->m->a, result, "t", mock_now_s(c->m));
    return 0;
}

static void unlink_later(struct mock *m, void *arg)
{
    struct client *c = arg;

    if (c->device)
        devices_logout(m, c->device);
}

int iq_md(struct client *c, const struct node *iq, struct node *result)
{
    struct mock *m = c->m;
    const struct node *remove = node_child(iq, "remove-companion-device");

    (void)result;
    if (!remove || !c->device || !node_attr_is(iq, "type", "set"))
        return 501;
    struct jid j;
    if (!node_attr_get_jid(remove, "jid", &j) || world_device_jid(&m->world, &j) != c->device ||
        !node_has_attr(remove, "reason"))
        return 400;
    return mock_timer(m, 0, unlink_later, c, NULL) ? 0 : 500;
}

int iq_privacy_get(struct client *c, const struct node *iq, struct node *result)
{
    (void)iq;
    static const char *const settings[][2] = {
        {"readreceipts", "all"}, {"profile", "all"}, {"status", "all"},  {"last", "contacts"},
        {"groupadd", "all"},     {"online", "all"},  {"calladd", "all"}, {"messages", "all"},
        {"defense", "off"},      {"stickers", "all"}};
    struct node *p = node_child_new(&c->m->a, result, "privacy");
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        struct node *k = node_child_new(&c->m->a, p, "category");

        node_attr_text(&c->m->a, k, "name", settings[i][0]);
        node_attr_text(&c->m->a, k, "value", settings[i][1]);
    }
    return 0;
}

int iq_privacy_set(struct client *c, const struct node *iq, struct node *result)
{
    struct mock *m = c->m;
    const struct node *tokens = node_child(iq, "tokens");

    (void)result;
    if (!tokens)
        return node_child(iq, "privacy") != NULL ? 0 : 400;
    for (const struct node *t = node_child(tokens, "token"); t != NULL; t = node_next(t, "token")) {
        struct jid j;
        uint64_t when;

        if (!node_attr_get_jid(t, "jid", &j) || !node_attr_get_u64(t, "t", &when) ||
            !node_attr_is(t, "type", "trusted_contact")) {
            mock_flag(m, c->label, "bad-token", t, "jid, t and type=trusted_contact are needed");
            return 400;
        }
        struct mock_account *peer = world_account(&m->world, &j);
        if (peer)
            privacy_issue(m, c->device->account, peer, when);
    }
    return 0;
}

int iq_blocklist_get(struct client *c, const struct node *iq, struct node *result)
{
    (void)iq;
    struct mock *m = c->m;
    struct mock_account *a = c->device->account;
    struct node *list = node_child_new(&m->a, result, "list");
    node_attr_text(&m->a, list, "dhash", "1700000000000000");
    size_t at = 0;
    struct map_slot *s;
    while ((s = map_next(&a->blocked, &at)) != NULL) {
        struct jid j;
        struct node *item = node_child_new(&m->a, list, "item");

        if (jid_make(span_cstr(s->key), JID_LID, 0, &j) == WB_OK)
            node_attr_jid(&m->a, item, "jid", &j);
    }
    return 0;
}

int iq_blocklist_set(struct client *c, const struct node *iq, struct node *result)
{
    struct mock *m = c->m;
    const struct node *item = node_child(iq, "item");
    struct jid j;
    struct mock_account *peer;

    if (!item || !node_attr_get_jid(item, "jid", &j) ||
        (peer = world_account(&m->world, &j)) == NULL)
        return 400;
    bool block = node_attr_is(item, "action", "block");
    (void)map_put(&c->device->account->blocked, peer->lid.user, block ? peer : NULL);
    return iq_blocklist_get(c, iq, result);
}

static int props(struct client *c, struct node *result)
{
    struct mock *m = c->m;
    struct node *p = node_child_new(&m->a, result, "props");

    node_attr_text(&m->a, p, "protocol", "1");
    node_attr_text(&m->a, p, "hash", "mock");
    node_attr_text(&m->a, p, "refresh", "86400");
    names_put_props(m, p, c->device != NULL ? c->device->account : NULL);
    return 0;
}

int iq_props(struct client *c, const struct node *iq, struct node *result)
{
    return node_child(iq, "props") != NULL ? props(c, result) : 501;
}

int iq_props_w(struct client *c, const struct node *iq, struct node *result)
{
    return iq_props(c, iq, result);
}

int iq_dirty(struct client *c, const struct node *iq, struct node *result)
{
    (void)c;
    (void)result;
    return node_has_attr(node_child(iq, "clean"), "type") ? 0 : 400;
}

int iq_push_config(struct client *c, const struct node *iq, struct node *result)
{
    (void)iq;
    (void)node_child_new(&c->m->a, result, "settings");
    return 0;
}

int iq_push_set(struct client *c, const struct node *iq, struct node *result)
{
    (void)c;
    (void)result;
    return iq->first != NULL ? 0 : 400;
}

int iq_stats(struct client *c, const struct node *iq, struct node *result)
{
    (void)c;
    (void)iq;
    (void)result;
    return 0;
}

int iq_bots(struct client *c, const struct node *iq, struct node *result)
{
    (void)iq;
    struct node *bot = node_child_new(&c->m->a, result, "bot");
    struct node *section = node_child_new(&c->m->a, bot, "section");
    node_attr_text(&c->m->a, section, "type", "all");
    node_attr_text(&c->m->a, section, "name", "all");
    return 0;
}

int iq_disappearing(struct client *c, const struct node *iq, struct node *result)
{
    (void)c;
    (void)iq;
    (void)result;
    return 0;
}

int iq_business(struct client *c, const struct node *iq, struct node *result)
{
    (void)iq;
    struct node *p = node_child_new(&c->m->a, result, "business_profile");
    node_attr_text(&c->m->a, p, "v", "244");
    return 0;
}

int iq_mex(struct client *c, const struct node *iq, struct node *result)
{
    const struct node *query = node_child(iq, "query");

    if (!query)
        return 400;
    const char *id = mock_attr(c->m, query, "query_id");
    struct span answer = timelock_answer(c->m, c->device->account, id);
    if (!answer.p)
        answer = community_answer(c, id, node_content_bytes(query));
    node_set_bytes(&c->m->a, node_child_new(&c->m->a, result, "result"),
                   answer.p != NULL ? answer : SPAN_LIT("{\"data\":{}}"));
    return 0;
}

int iq_newsletter(struct client *c, const struct node *iq, struct node *result)
{
    if (node_child(iq, "live_updates") != NULL) {
        struct node *l = node_child_new(&c->m->a, result, "live_updates");

        node_attr_text(&c->m->a, l, "duration", "300");
        return 0;
    }
    return 404;
}

int iq_tos(struct client *c, const struct node *iq, struct node *result)
{
    (void)iq;
    (void)node_child_new(&c->m->a, result, "tos");
    return 0;
}

int iq_qr(struct client *c, const struct node *iq, struct node *result)
{
    const struct node *qr = node_child(iq, "qr");

    if (!node_attr_is(qr, "type", "contact"))
        return 404; /* no group has such a link */
    struct node *out = node_child_new(&c->m->a, result, "qr");
    node_attr_text(&c->m->a, out, "type", "contact");
    node_attr_text(&c->m->a, out, "code", "MOCKCONTACT0001");
    return 0;
}
