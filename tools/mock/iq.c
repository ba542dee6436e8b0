#include "tools/mock/iq.h"

#include "tools/mock/devices/prekeys.h"
#include "tools/mock/link/passkey.h"
#include "tools/mock/service/service.h"

/* child NULL: any content. A device that registers puts the child first. */
static const struct iq_route {
    const char *xmlns, *type, *child;
    iq_handler *handler;
    bool before_login; /* also for a device that registers */
} routes[] = {
    {"encrypt", "get", "count", iq_prekey_count, false},
    {"encrypt", "get", "digest", iq_prekey_digest, false},
    {"encrypt", "get", "key", iq_prekey_fetch, false},
    {"encrypt", "set", "rotate", iq_prekey_rotate, false},
    {"encrypt", "set", NULL, iq_prekey_upload, false},
    {"usync", "get", NULL, iq_usync, false},
    {"w:g2", "get", NULL, iq_group_get, false},
    {"w:g2", "set", NULL, iq_group_set, false},
    {"w:sync:app:state", "set", "sync", iq_appstate, false},
    {"passive", "set", NULL, iq_passive, false},
    {"md", "get", "ref", iq_pair_ref, true},
    {"md", "get", "passkey_request_options", iq_passkey_options, true},
    {"md", "set", "passkey_prologue", iq_passkey_prologue, true},
    {"md", "set", "companion_nonce", iq_passkey_nonce, true},
    {"md", "set", "encrypted_pairing_request", iq_passkey_request, true},
    {"md", "set", "link_code_companion_reg", iq_pair_code, true},
    {"md", "set", NULL, iq_md, true},
    {"md", "get", NULL, iq_md, true},
    {"w:p", "get", NULL, iq_ping, true},
    {"privacy", "get", "privacy", iq_privacy_get, false},
    {"privacy", "set", NULL, iq_privacy_set, false},
    {"blocklist", "get", NULL, iq_blocklist_get, false},
    {"blocklist", "set", NULL, iq_blocklist_set, false},
    {"abt", "get", NULL, iq_props, true},
    {"w", "get", NULL, iq_props_w, true},
    {"urn:xmpp:whatsapp:dirty", "set", NULL, iq_dirty, false},
    {"urn:xmpp:whatsapp:push", "get", NULL, iq_push_config, false},
    {"urn:xmpp:whatsapp:push", "set", NULL, iq_push_set, false},
    {"w:stats", NULL, NULL, iq_stats, true},
    {"w:profile:picture", "get", NULL, iq_picture_get, false},
    {"w:profile:picture", "set", NULL, iq_picture_set, false},
    {"status", "get", NULL, iq_status_get, false},
    {"status", "set", NULL, iq_status_set, false},
    {"bot", "get", NULL, iq_bots, false},
    {"disappearing_mode", "set", NULL, iq_disappearing, false},
    {"disappearing_mode", "get", NULL, iq_disappearing, false},
    {"w:biz", NULL, NULL, iq_business, false},
    {"w:mex", "get", NULL, iq_mex, false},
    {"newsletter", NULL, NULL, iq_newsletter, false},
    {"tos", NULL, NULL, iq_tos, false},
    {"w:qr", NULL, NULL, iq_qr, false},
    {"w:m", NULL, "media_conn", iq_media_conn, false},
};

static const struct iq_route *route_of(struct client *c, const struct node *iq)
{
    const char *xmlns = mock_attr(c->m, iq, "xmlns"), *type = mock_attr(c->m, iq, "type");

    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        const struct iq_route *r = &routes[i];

        if (strcmp(r->xmlns, xmlns) == 0 && (!r->type || strcmp(r->type, type) == 0) &&
            (!r->child ||
             (r->before_login ? node_is(iq->first, r->child) : node_child(iq, r->child) != NULL)))
            return r;
    }
    return NULL;
}

static struct node *answer(struct client *c, const struct node *iq, const char *type)
{
    struct mock *m = c->m;
    struct node *n = mock_node(m, "iq");
    struct jid to;

    if (!node_attr_get_jid(iq, "to", &to))
        to = jid_server_only(JID_PN);
    node_attr_jid(&m->a, n, "from", &to);
    node_attr_text(&m->a, n, "type", type);
    node_copy_attr(&m->a, n, iq, "id");
    return n;
}

static const char *error_text(int code)
{
    switch (code) {
    case 400:
        return "bad-request";
    case 401:
        return "not-authorized";
    case 403:
        return "forbidden";
    case 404:
        return "item-not-found";
    case 405:
        return "not-allowed";
    case 406:
        return "not-acceptable";
    case 409:
        return "conflict";
    case 410:
        return "gone";
    case 429:
        return "rate-overlimit";
    case 501:
        return "feature-not-implemented";
    default:
        return "internal-server-error";
    }
}

static void send_error_for(struct client *c, const struct node *iq, int code, int64_t backoff_s)
{
    struct mock *m = c->m;
    struct node *n = answer(c, iq, "error");
    struct node *e = node_child_new(&m->a, n, "error");

    node_attr_u64(&m->a, e, "code", (uint64_t)code);
    node_attr_text(&m->a, e, "text", error_text(code));
    if (backoff_s > 0)
        node_attr_u64(&m->a, e, "backoff", (uint64_t)backoff_s);
    client_send(c, n);
}

static void send_error(struct client *c, const struct node *iq, int code)
{
    send_error_for(c, iq, code, 0);
}

/* A result or error: the answer to one of the server's requests. */
static void answered(struct client *c, const struct node *iq)
{
    struct mock *m = c->m;

    if (pair_answered(c, iq))
        return;
    const char *id = mock_attr(m, iq, "id");
    if (c->ping_id[0] != '\0' && strcmp(id, c->ping_id) == 0) {
        c->ping_id[0] = '\0';
        return;
    }
    mock_flag(m, c->label, "unasked-answer", iq, "iq id %s", id);
}

void iq_from_client(struct client *c, const struct node *iq)
{
    struct mock *m = c->m;

    if (node_attr_is(iq, "type", "result") || node_attr_is(iq, "type", "error")) {
        answered(c, iq);
        return;
    }
    if (m->trouble.ignore_iqs || (m->trouble.ignore_pings && node_attr_is(iq, "xmlns", "w:p")))
        return;
    if (!node_has_attr(iq, "id") || !node_has_attr(iq, "xmlns")) {
        mock_flag(m, c->label, "bad-iq", iq, "id and xmlns are needed");
        if (node_has_attr(iq, "id"))
            send_error(c, iq, 400);
        return;
    }
    const struct iq_route *r = route_of(c, iq);
    if (!r) {
        mock_flag(m, c->label, "unknown-iq", iq, "%s %s", mock_attr(m, iq, "type"),
                  mock_attr(m, iq, "xmlns"));
        send_error(c, iq, 501);
        return;
    }
    if (c->state == CLIENT_REGISTERING && !r->before_login) {
        mock_flag(m, c->label, "too-early", iq, "%s before the login", r->xmlns);
        send_error(c, iq, 403);
        return;
    }
    int64_t backoff_s = 0;
    int refused =
        c->device != NULL ? rate_refuses(m, c->label, c->device->account, iq, &backoff_s) : 0;
    if (refused != 0) {
        send_error_for(c, iq, refused, backoff_s);
        return;
    }
    struct node *result = answer(c, iq, "result");
    int code = r->handler(c, iq, result);
    if (code == 0)
        client_send(c, result);
    else if (code > 0)
        send_error(c, iq, code);
}
