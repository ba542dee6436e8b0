/* admin_trouble.c - what a test wants to go wrong. */
#include "tools/mock/admin/admin.h"
#include "tools/mock/devices/offline.h"
#include "tools/mock/wire/client.h"

static const char *const cert_names[] = {"good",
                                         "bad-root-signature",
                                         "bad-leaf-signature",
                                         "key-mismatch",
                                         "expired",
                                         "not-yet",
                                         "wrong-serial",
                                         "garbage"};

static const char *const adv_names[] = {[ADV_TROUBLE_NONE] = "good",
                                        [ADV_TROUBLE_MISSING] = "missing",
                                        [ADV_TROUBLE_GARBAGE] = "garbage",
                                        [ADV_TROUBLE_OTHER_ACCOUNT] = "other-account",
                                        [ADV_TROUBLE_ACCOUNT_SIGNATURE] = "account-signature",
                                        [ADV_TROUBLE_DEVICE_SIGNATURE] = "device-signature"};

int admin_trouble_get(struct mock *m, const struct http_request *q, const json_t *body,
                      json_t **ret_out)
{
    (void)q;
    (void)body;
    const struct trouble *t = &m->trouble;
    json_t *o = json_pack("{s:s,s:i,s:i,s:b,s:b,s:i,s:i,s:i,s:i,s:i}", "cert", cert_names[t->cert],
                          "min_version", (int)t->min_version, "upgrade_status", t->upgrade_status,
                          "ignore_pings", (int)t->ignore_pings, "ignore_iqs", (int)t->ignore_iqs,
                          "drop_frames", (int)t->drop_frames, "truncate_frames",
                          (int)t->truncate_frames, "duplicate_stanzas", (int)t->duplicate_stanzas,
                          "reorder_stanzas", (int)t->reorder_stanzas, "delay_ms", (int)t->delay_ms);
    (void)json_object_set_new(o, "client_revision", json_integer(t->client_revision));
    (void)json_object_set_new(o, "pair_bad_hmac", json_integer(t->pair_bad_hmac));
    (void)json_object_set_new(o, "pair_bad_signature", json_integer(t->pair_bad_signature));
    (void)json_object_set_new(o, "fragment_bytes", json_integer(t->fragment_bytes));
    (void)json_object_set_new(o, "chop_bytes", json_integer(t->chop_bytes));
    (void)json_object_set_new(o, "ack_error", json_integer(t->ack_error));
    (void)json_object_set_new(o, "ack_error_times", json_integer(t->ack_error_times));
    (void)json_object_set_new(o, "ack_drop", json_integer(t->ack_drop));
    (void)json_object_set_new(o, "ack_delay", json_integer(t->ack_delay));
    (void)json_object_set_new(o, "ack_delay_ms", json_integer(t->ack_delay_ms));
    (void)json_object_set_new(o, "ack_phash", json_integer(t->ack_phash));
    (void)json_object_set_new(o, "refuse_drop", json_integer(t->refuse_drop));
    (void)json_object_set_new(o, "adv", json_string(adv_names[t->adv]));
    (void)json_object_set_new(o, "bad_key_lists", json_integer(t->bad_key_lists));
    (void)json_object_set_new(o, "foreign_phone_keys", json_integer(t->foreign_phone_keys));
    int64_t left = t->upgrade_until_ms - clock_mono_ms(m->clock);
    (void)json_object_set_new(o, "upgrade_ms", json_integer(left > 0 ? (json_int_t)left : 0));
    (void)json_object_set_new(o, "require_tctoken", json_boolean(m->cfg.require_tctoken));
    *ret_out = o;
    return 200;
}

static void set_u(const json_t *body, const char *key, unsigned *v)
{
    *v = (unsigned)admin_int(body, key, *v);
}

static int set_cert(struct trouble *t, const json_t *body, json_t **ret_out)
{
    const char *name = admin_text(body, "cert");

    if (name[0] == '\0')
        return 200;
    for (size_t i = 0; i < sizeof cert_names / sizeof cert_names[0]; i++) {
        if (strcmp(cert_names[i], name) == 0) {
            t->cert = (enum cert_trouble)i;
            return 200;
        }
    }
    return admin_bad(ret_out, 400, "cert: unknown kind");
}

static int set_adv(struct trouble *t, const json_t *body, json_t **ret_out)
{
    const char *name = admin_text(body, "adv");

    if (name[0] == '\0')
        return 200;
    for (size_t i = 0; i < sizeof adv_names / sizeof adv_names[0]; i++) {
        if (strcmp(adv_names[i], name) == 0) {
            t->adv = (enum adv_trouble)i;
            return 200;
        }
    }
    return admin_bad(ret_out, 400, "adv: unknown kind");
}

int admin_trouble_set(struct mock *m, const struct http_request *q, const json_t *body,
                      json_t **ret_out)
{
    struct trouble *t = &m->trouble;
    int status;

    if (admin_bool(body, "reset", false))
        *t = (struct trouble){0};
    status = set_cert(t, body, ret_out);
    if (status == 200)
        status = set_adv(t, body, ret_out);
    if (status != 200)
        return status;
    t->min_version = (uint32_t)admin_int(body, "min_version", t->min_version);
    t->client_revision = (uint32_t)admin_int(body, "client_revision", t->client_revision);
    t->upgrade_status = (int)admin_int(body, "upgrade_status", t->upgrade_status);
    int64_t window = admin_int(body, "upgrade_ms", 0);
    t->upgrade_until_ms = window > 0 ? clock_mono_ms(m->clock) + window : 0;
    t->ignore_pings = admin_bool(body, "ignore_pings", t->ignore_pings);
    t->ignore_iqs = admin_bool(body, "ignore_iqs", t->ignore_iqs);
    t->delay_ms = admin_int(body, "delay_ms", t->delay_ms);
    t->ack_error = (int)admin_int(body, "ack_error", t->ack_error);
    t->ack_delay_ms = admin_int(body, "ack_delay_ms", t->ack_delay_ms);
    set_u(body, "pair_bad_hmac", &t->pair_bad_hmac);
    set_u(body, "pair_bad_signature", &t->pair_bad_signature);
    set_u(body, "drop_frames", &t->drop_frames);
    set_u(body, "truncate_frames", &t->truncate_frames);
    set_u(body, "duplicate_stanzas", &t->duplicate_stanzas);
    set_u(body, "reorder_stanzas", &t->reorder_stanzas);
    set_u(body, "fragment_bytes", &t->fragment_bytes);
    set_u(body, "chop_bytes", &t->chop_bytes);
    set_u(body, "ack_error_times", &t->ack_error_times);
    set_u(body, "ack_drop", &t->ack_drop);
    set_u(body, "ack_delay", &t->ack_delay);
    set_u(body, "ack_phash", &t->ack_phash);
    set_u(body, "refuse_drop", &t->refuse_drop);
    set_u(body, "bad_key_lists", &t->bad_key_lists);
    set_u(body, "foreign_phone_keys", &t->foreign_phone_keys);
    m->cfg.require_tctoken = admin_bool(body, "require_tctoken", m->cfg.require_tctoken);
    return admin_trouble_get(m, q, body, ret_out);
}

/* An attribute that is a number or a text: the `code` of a stream error, the `t` of an end. */
static const char *number_or_text(const json_t *body, const char *key, char buf[static 24])
{
    const json_t *v = json_object_get(body, key);

    if (json_is_integer(v)) {
        (void)snprintf(buf, 24, "%lld", (long long)json_integer_value(v));
        return buf;
    }
    return admin_text(body, key);
}

static void stream_error(struct client *c, const json_t *body)
{
    char buf[24];
    const char *code = number_or_text(body, "code", buf), *conflict = admin_text(body, "conflict");

    if (code[0] == '\0' && strcmp(conflict, "device_removed") == 0)
        code = "401";
    else if (code[0] == '\0' && conflict[0] != '\0')
        code = "409";
    if (admin_bool(body, "deaf", false)) {
        /* the server sends it and goes silent: it neither closes nor answers a close */
        struct node *n = mock_node(c->m, "stream:error");

        node_attr_text(&c->m->a, n, "code", code);
        c->m->cut_socket(c->socket, SOCKET_DEAF);
        client_send(c, n);
        return;
    }
    client_stream_error(c, code, conflict);
}

static void close_frame(struct client *c, const json_t *body)
{
    c->close_code = (unsigned)admin_int(body, "code", 0);
    client_close(c);
}

static void send_dirty(struct client *c, const char *type)
{
    struct mock *m = c->m;
    struct node *ib = mock_node(m, "ib"), *d = node_child_new(&m->a, ib, "dirty");
    struct jid server = jid_server_only(JID_PN);

    node_attr_jid(&m->a, ib, "from", &server);
    node_attr_text(&m->a, d, "type", type);
    node_attr_u64(&m->a, d, "timestamp", mock_now_s(m));
    client_send(c, ib);
}

static bool stream_one(struct client *c, const json_t *body)
{
    struct mock *m = c->m;
    const char *what = admin_text(body, "do");
    char buf[24];

    if (what[0] == '\0' || strcmp(what, "error") == 0) {
        stream_error(c, body);
    } else if (strcmp(what, "drop") == 0) {
        client_abort(c);
    } else if (strcmp(what, "reset") == 0) {
        c->m->cut_socket(c->socket, SOCKET_RESET);
    } else if (strcmp(what, "fin") == 0) {
        c->m->cut_socket(c->socket, SOCKET_FIN);
    } else if (strcmp(what, "deaf") == 0) {
        c->m->cut_socket(c->socket, SOCKET_DEAF);
    } else if (strcmp(what, "close") == 0) {
        close_frame(c, body);
    } else if (strcmp(what, "end") == 0) {
        client_send(c, mock_node(m, "xmlstreamend"));
        client_end(c);
    } else if (strcmp(what, "smax") == 0) {
        struct node *n = mock_node(m, "error");

        node_attr_text(&m->a, n, "code", "479");
        client_send(c, n);
    } else if (strcmp(what, "client_expiration") == 0) {
        offline_expiration(c, number_or_text(body, "t", buf));
    } else if (strcmp(what, "dirty") == 0) {
        send_dirty(c, admin_text(body, "type"));
    } else {
        return admin_inject(c, what, body);
    }
    return true;
}

/* Whether c is meant. `phone`: all connections of that account; `client`: one device JID, a label
 * of GET /admin/state, or "all". */
static bool stream_match(const struct client *c, const struct mock_account *a, const char *who)
{
    struct jid j;

    if (c->state == CLIENT_CLOSED)
        return false;
    if (a)
        return c->device != NULL && c->device->account == a;
    return strcmp(who, "all") == 0 || strcmp(who, c->label) == 0 ||
           (c->device != NULL && jid_parse_cstr(who, &j) == WB_OK &&
            world_device_jid(&c->m->world, &j) == c->device);
}

int admin_stream(struct mock *m, const struct http_request *q, const json_t *body, json_t **ret_out)
{
    const char *who = admin_text(body, "client");
    struct mock_account *a = NULL;
    json_int_t n = 0;
    struct client *next;

    if (admin_text(body, "phone")[0] != '\0') {
        a = admin_account(m, q, body, "phone", ret_out);
        if (!a)
            return 404;
    }
    for (struct client *c = m->clients; c != NULL; c = next) {
        next = c->next;
        if (!stream_match(c, a, who))
            continue;
        if (!stream_one(c, body))
            return admin_bad(
                ret_out, 400,
                "do: error, drop, reset, fin, close, deaf, end, smax, dirty, client_expiration, "
                "or plain, frame, bytes with hex");
        n++;
    }
    *ret_out = json_pack("{s:b,s:I}", "ok", 1, "clients", n);
    return 200;
}
