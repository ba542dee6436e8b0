#include "tools/mock/session.h"

#include "tools/mock/core/pb.h"
#include "tools/mock/devices/offline.h"
#include "tools/mock/iq.h"
#include "tools/mock/link/pair.h"
#include "tools/mock/route/ack.h"
#include "tools/mock/route/chatstate.h"
#include "tools/mock/route/message.h"
#include "tools/mock/route/presence.h"
#include "tools/mock/route/receipt.h"
#include "tools/mock/service/login.h"

/* Reads ClientPayload: 1 username, 3 passive, 5 userAgent, 18 device, 19 devicePairingData. */
static void payload(struct client *c, struct span p)
{
    struct mock *m = c->m;
    struct span version = pb_bytes(pb_bytes(p, 5), 2);
    struct node *shown =
        mock_node(m, "client-payload"); /* for the trace only, no stanza of the wire */

    node_set_bytes(&m->a, shown, p);
    mock_trace(m, "in", c->label, shown);
    c->version = (uint32_t)pb_u64(version, 3, 0);
    if (!version.p || pb_u64(version, 1, 0) != 2 || pb_u64(version, 2, 0) != 3000)
        mock_flag(m, c->label, "bad-version", NULL, "appVersion is not 2.3000.N");
    if (c->version < m->trouble.min_version) {
        login_failure(c, 405, 0, 0);
        return;
    }
    if (pb_bytes(p, 19).p != NULL)
        pair_start(c, p);
    else
        login_start(c, p);
}

/* Stanzas per second above which a client floods: a real one sends a few hundred at most. */
enum { RATE_MAX = 3000, RATE_WINDOW_MS = 1000 };

/* Acks and receipts come as fast as the mock delivers: a long offline queue is no flood. Their
 * readers check that each answers something. A request to send a message again is more than an
 * answer. */
static bool is_mere_answer(const struct node *n)
{
    return node_is(n, "ack") || (node_is(n, "receipt") && !node_attr_is(n, "type", "retry"));
}

static void watch_rate(struct client *c, const struct node *n)
{
    if (is_mere_answer(n))
        return;
    int64_t now = clock_mono_ms(c->m->clock);
    if (now - c->rate_since_ms > RATE_WINDOW_MS) {
        c->rate_since_ms = now;
        c->rate_count = 0;
    }
    if (++c->rate_count > RATE_MAX && !c->rate_told) {
        c->rate_told = true;
        mock_flag(c->m, c->label, "flood", NULL, "more than %d stanzas in a second", RATE_MAX);
    }
}

static void ib(struct client *c, const struct node *n)
{
    static const char *const known[] = {"unified_session", "offline_batch", "tos", "gpp"};

    for (const struct node *k = n->first; k != NULL; k = k->next) {
        bool ok = false;

        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            ok = ok || node_is(k, known[i]);
        if (node_is(k, "offline_batch"))
            offline_asked(c, k);
        if (!ok)
            mock_flag(c->m, c->label, "unknown-ib", n, "child %.*s", (int)k->tag.n,
                      (const char *)k->tag.p);
    }
}

static void call(struct client *c, const struct node *n)
{
    struct mock *m = c->m;
    struct node *ack = mock_node(m, "ack");

    node_attr_text(&m->a, ack, "class", "call");
    node_copy_attr(&m->a, ack, n, "id");
    struct jid to;
    if (node_attr_get_jid(n, "to", &to))
        node_attr_jid(&m->a, ack, "from", &to);
    client_send(c, ack);
}

static void logged_in(struct client *c, const struct node *n)
{
    if (node_is(n, "iq"))
        iq_from_client(c, n);
    else if (node_is(n, "message"))
        message_from_client(c, n);
    else if (node_is(n, "receipt"))
        receipt_from_client(c, n);
    else if (node_is(n, "ack"))
        ack_from_client(c, n);
    else if (node_is(n, "presence"))
        presence_from_client(c, n);
    else if (node_is(n, "chatstate"))
        chatstate_from_client(c, n);
    else if (node_is(n, "ib"))
        ib(c, n);
    else if (node_is(n, "call"))
        call(c, n);
    else
        mock_flag(c->m, c->label, "unknown-stanza", n, "tag %.*s", (int)n->tag.n,
                  (const char *)n->tag.p);
}

static void registering(struct client *c, const struct node *n)
{
    if (node_is(n, "iq"))
        iq_from_client(c, n);
    else if (node_is(n, "ack")) /* of link_code_companion_reg notifications */
        return;
    else if (node_is(n, "ib"))
        ib(c, n);
    else if (node_is(n, "presence")) /* Baileys tells its name as soon as it has one */
        return;
    else
        mock_flag(c->m, c->label, "too-early", n, "%.*s before the login", (int)n->tag.n,
                  (const char *)n->tag.p);
}

static void stanza(struct client *c, const struct node *n)
{
    watch_rate(c, n);
    if (c->state == CLIENT_REGISTERING)
        registering(c, n);
    else if (c->device)
        logged_in(c, n);
}

static void gone(struct client *c)
{
    pair_gone(c);
    if (c->device && c->device->client == c) {
        c->device->client = NULL;
        c->device->available = false;
    }
    c->device = NULL;
    c->socket = NULL;
}

const struct client_ops session_ops = {.payload = payload, .stanza = stanza, .gone = gone};
