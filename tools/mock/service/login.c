#include "tools/mock/service/login.h"

#include "tools/mock/core/pb.h"
#include "tools/mock/devices/deliver.h"
#include "tools/mock/devices/prekeys.h"
#include "tools/mock/route/chatstate.h"

void login_failure(struct client *c, int reason, uint32_t code, uint32_t expire)
{
    struct mock *m = c->m;
    struct node *n = mock_node(m, "failure");

    node_attr_u64(&m->a, n, "reason", (uint64_t)reason);
    if (code != 0)
        node_attr_u64(&m->a, n, "code", code);
    if (expire != 0)
        node_attr_u64(&m->a, n, "expire", expire);
    if (reason == 401)
        node_attr_text(&m->a, n, "location", "rva");
    c->state = CLIENT_LOGGED_IN; /* so that the rest of the handshake is not awaited */
    client_send(c, n);
    client_end(c);
}

static void server_ping(struct mock *m, void *arg)
{
    struct client *c = arg;
    struct node *iq = mock_node(m, "iq");
    struct jid server = jid_server_only(JID_PN);

    (void)snprintf(c->ping_id, sizeof c->ping_id, "%s", mock_id(m));
    node_attr_jid(&m->a, iq, "from", &server);
    node_attr_text(&m->a, iq, "type", "get");
    node_attr_text(&m->a, iq, "xmlns", "urn:xmpp:ping");
    node_attr_text(&m->a, iq, "id", c->ping_id);
    node_attr_u64(&m->a, iq, "t", mock_now_s(m));
    client_send(c, iq);
    (void)mock_timer(m, m->cfg.ping_every_ms, server_ping, c, NULL);
}

static void success(struct client *c, bool passive)
{
    struct mock *m = c->m;
    struct device *d = c->device;
    struct jid lid = device_jid(d, true);
    struct node *n = mock_node(m, "success");

    node_attr_u64(&m->a, n, "t", mock_now_s(m));
    node_attr_jid(&m->a, n, "lid", &lid);
    node_attr_u64(&m->a, n, "props", 27);
    node_attr_text(&m->a, n, "companion_enc_static", NULL);
    node_attr_text(&m->a, n, "location", "lla");
    node_attr_text(&m->a, n, "display_name", d->account->name);
    client_send(c, n);
    if (m->cfg.ping_every_ms > 0)
        (void)mock_timer(m, m->cfg.ping_every_ms, server_ping, c, NULL);
    if (!passive)
        login_active(c);
}

/* Whether the login succeeds, by the script and by the payload itself: 0, or the failure's code. */
static int verdict(struct client *c, struct span p, struct device **ret_d)
{
    struct mock *m = c->m;
    char digits[32];

    (void)snprintf(digits, sizeof digits, "%llu", (unsigned long long)pb_u64(p, 1, 0));
    uint64_t number = pb_u64(p, 18, 0);
    struct mock_account *a = world_account_phone(&m->world, digits);
    (void)snprintf(c->label, sizeof c->label, "%s:%llu@s.whatsapp.net", digits,
                   (unsigned long long)number);
    if (!a)
        return 401;
    if (a->login.reason != 0 && a->login.times > 0) {
        if (a->login.times != UINT32_MAX)
            a->login.times--;
        return a->login.reason;
    }
    struct device *d =
        number > 0 && number <= UINT16_MAX ? world_device(a, (uint16_t)number) : NULL;
    if (!d || world_is_played(d))
        return 401;
    if (memcmp(d->noise, c->noise_pub, sizeof d->noise) != 0) {
        mock_flag(m, c->label, "wrong-noise-key", NULL, "not the key this device paired with");
        return 401;
    }
    *ret_d = d;
    return 0;
}

void login_start(struct client *c, struct span p)
{
    struct mock *m = c->m;
    struct device *d = NULL;
    int reason = verdict(c, p, &d);

    if (reason != 0) {
        struct jid j;
        struct mock_account *a =
            jid_parse_cstr(c->label, &j) == WB_OK ? world_account(&m->world, &j) : NULL;

        login_failure(c, reason, a != NULL ? a->login.code : 0, a != NULL ? a->login.expire : 0);
        return;
    }
    if (d->client) {
        struct client *old = d->client;

        old->device = NULL;
        old->active = false;
        client_stream_error(old, "409", "replaced");
    }
    d->client = c;
    d->available = false;
    d->announced_again = false;
    c->device = d;
    c->state = CLIENT_LOGGED_IN;
    for (struct queued *s = d->first; s != NULL; s = s->next)
        s->sent = s->acked = false;
    success(c, pb_u64(p, 3, 0) != 0);
}

static size_t count_class(const struct device *d, const char *cls)
{
    size_t n = 0;

    for (const struct queued *s = d->first; s != NULL; s = s->next)
        n += strcmp(s->cls, cls) == 0;
    return n;
}

void login_active(struct client *c)
{
    struct mock *m = c->m;
    struct device *d = c->device;
    struct jid server = jid_server_only(JID_PN);

    if (c->active)
        return;
    c->active = true;
    struct node *ib = mock_node(m, "ib");
    node_attr_jid(&m->a, ib, "from", &server);
    struct node *preview = node_child_new(&m->a, ib, "offline_preview");
    node_attr_u64(&m->a, preview, "count", d->nqueued);
    node_attr_u64(&m->a, preview, "message", count_class(d, "message"));
    node_attr_u64(&m->a, preview, "notification", count_class(d, "notification"));
    node_attr_u64(&m->a, preview, "receipt", count_class(d, "receipt"));
    node_attr_u64(&m->a, preview, "appdata", 0);
    if (d->nqueued > 0)
        client_send(c, ib);
    c->offline_waits = m->offline_pull && d->nqueued > 0;
    if (c->offline_waits)
        return;
    size_t sent = deliver_queue(m, d);
    chatstate_flush(m, d);
    ib = mock_node(m, "ib");
    node_attr_jid(&m->a, ib, "from", &server);
    struct node *done = node_child_new(&m->a, ib, "offline");
    node_attr_u64(&m->a, done, "count", sent);
    client_send(c, ib);
    prekeys_tell_if_low(m, d);
    m->world.player->greet(m, d);
}
