/* admin_contact.c - scripted people: what they do, and what they have received. */
#include <stdlib.h>

#include "base/text.h"
#include "tools/mock/admin/admin.h"
#include "tools/mock/core/content.h"
#include "tools/mock/core/records.h"
#include "tools/mock/devices/deliver.h"
#include "tools/mock/devices/devices.h"
#include "tools/mock/devices/privacy.h"
#include "tools/mock/devices/unheard.h"
#include "tools/mock/people/actor.h"
#include "tools/mock/route/held.h"
#include "tools/mock/route/message.h"
#include "tools/mock/route/receipt.h"

enum { MESSAGE_MAX = 4 << 20, BLAST_MAX = 100000 };

static bool add_companion(struct mock *m, struct mock_account *a, bool tell)
{
    struct device *d = world_add_device(m, a);

    if (!d || !actor_attach(m, d, NULL))
        return false;
    if (tell)
        devices_changed(m, a, d, DEVICE_ADDED);
    return true;
}

static json_t *account_json(const struct mock_account *a)
{
    char pn[JID_TEXT_MAX], lid[JID_TEXT_MAX];
    json_t *devices = json_array();

    for (size_t i = 0; i < a->ndevices; i++)
        (void)json_array_append_new(devices, json_integer(a->devices[i]->number));
    return json_pack("{s:b,s:s,s:s,s:o,s:o}", "ok", 1, "jid", jid_text(&a->pn, pn), "lid",
                     jid_text(&a->lid, lid), "name", admin_shown(a->name), "devices", devices);
}

int admin_contact_add(struct mock *m, const struct http_request *q, const json_t *body,
                      json_t **ret_out)
{
    (void)q;
    const char *name = admin_text(body, "name");
    struct jid pn;
    if (jid_from_phone(span_cstr(admin_text(body, "phone")), &pn) != WB_OK)
        return admin_bad(ret_out, 400, "phone: a phone number is needed");
    struct mock_account *a =
        world_add_account(m, admin_text(body, "phone"), name[0] != '\0' ? name : "Contact", true);
    if (!a)
        return admin_bad(ret_out, 409, "phone: this number is taken");
    for (int64_t i = 1; i < admin_int(body, "devices", 1); i++) {
        if (!add_companion(m, a, false))
            return admin_bad(ret_out, 500, "no more devices");
    }
    *ret_out = account_json(a);
    return 200;
}

static struct device *acting(struct mock_account *a, const json_t *body, json_t **ret_out)
{
    struct device *d = world_device(a, (uint16_t)admin_int(body, "device", 0));

    if (!d || !world_is_played(d)) {
        (void)admin_bad(ret_out, 404, "device: not played by the mock");
        return NULL;
    }
    return d;
}

bool admin_target(struct mock *m, const json_t *body, struct jid *ret_to, json_t **ret_out)
{
    const char *text = admin_text(body, "to");
    bool ok = strchr(text, '@') != NULL ? jid_parse_cstr(text, ret_to) == WB_OK
                                        : jid_from_phone(span_cstr(text), ret_to) == WB_OK;

    if (ok && strchr(text, '@') == NULL && !admin_bool(body, "pn", false)) {
        const struct mock_account *a = world_account(&m->world, ret_to); /* LID by default */

        if (a)
            *ret_to = a->lid;
    }
    if (!ok ||
        (world_group(&m->world, ret_to) == NULL && world_account(&m->world, ret_to) == NULL)) {
        (void)admin_bad(ret_out, 404, "to: nobody there: '%s'", text);
        return false;
    }
    return true;
}

bool admin_build_message(const json_t *body, struct buf *out, json_t **ret_out)
{
    const char *hex = admin_text(body, "message_hex"), *text = admin_text(body, "text");
    const json_t *list = json_object_get(body, "mentions"), *re = json_object_get(body, "reply");
    const char *mentions[CONTENT_MENTIONS_MAX];
    struct content_reply reply = {admin_text(re, "id"), admin_text(re, "participant"),
                                  admin_text(re, "text")};
    size_t n = 0;

    if (json_object_get(body, "message_hex") != NULL) { /* also "": a message of no bytes */
        size_t chars = strlen(hex), got;
        uint8_t *to = buf_extend(out, chars / 2);

        if (chars == 0)
            return true;
        if (!to || hex_decode(SPAN(hex, chars), to, chars / 2, &got) != WB_OK) {
            (void)admin_bad(ret_out, 400, "message_hex: not hex");
            return false;
        }
        return true;
    }
    for (size_t i = 0; i < json_array_size(list) && n < CONTENT_MENTIONS_MAX; i++) {
        const char *one = json_string_value(json_array_get(list, i));

        if (one)
            mentions[n++] = one;
    }
    if (text[0] == '\0') {
        (void)admin_bad(ret_out, 400, "text or message_hex is needed");
        return false;
    }
    content_text(out, text, mentions, n, re != NULL ? &reply : NULL);
    return true;
}

/* Writes a message now. The body may set its id, its type, and its attributes edit and t. With
 * `hold` the message waits for admin_contact_release(). Returns the id, NULL when it was
 * refused. */
static const char *write_message(struct mock *m, struct device *d, const struct jid *to,
                                 const json_t *body, struct span content)
{
    const char *id = admin_text(body, "id"), *type = admin_text(body, "type");
    const struct mock_account *peer = world_account(&m->world, to);
    struct message_verdict v;
    struct node *n;

    if (peer && admin_bool(body, "fresh", false))
        actor_forget_sessions(d, peer);
    n = actor_compose(m, d, to, id[0] != '\0' ? id : NULL, type[0] != '\0' ? type : "text",
                      content);
    if (!n)
        return NULL;
    node_attr_text(&m->a, n, "edit", admin_text(body, "edit"));
    if (admin_text(body, "t")[0] != '\0')
        node_attr_text(&m->a, n, "t", admin_text(body, "t"));
    if (admin_bool(body, "hold", false))
        return held_add(d, n) ? mock_attr(m, n, "id") : NULL;
    message_route(m, d, "contact", n, &v);
    return v.error == 0 ? mock_attr(m, n, "id") : NULL;
}

/* `peer`: a control message for the clients of the same account. */
static const char *send_peer(struct mock *m, struct device *d, struct span content)
{
    const struct mock_account *a = d->account;
    const char *sent = NULL;

    for (size_t i = 0; i < a->ndevices; i++) {
        if (!world_is_played(a->devices[i])) {
            actor_send_peer(m, d, a->devices[i], content);
            sent = "";
        }
    }
    return sent;
}

int admin_contact_send(struct mock *m, const struct http_request *q, const json_t *body,
                       json_t **ret_out)
{
    struct mock_account *a = admin_account(m, q, body, "from", ret_out);
    struct device *d = a != NULL ? acting(a, body, ret_out) : NULL;
    struct jid to;
    struct buf msg = buf_new(MESSAGE_MAX);
    int status = 400;

    if (!d || !admin_target(m, body, &to, ret_out))
        return 404;
    if (admin_build_message(body, &msg, ret_out)) {
        const char *sent = admin_bool(body, "peer", false)
                               ? send_peer(m, d, buf_span(&msg))
                               : write_message(m, d, &to, body, buf_span(&msg));

        if (!sent)
            status = admin_bad(ret_out, 422, "the message was not accepted");
        else {
            status = 200;
            *ret_out =
                json_pack("{s:b,s:s,s:I}", "ok", 1, "id", sent, "t", (json_int_t)mock_now_s(m));
        }
    }
    buf_free(&msg);
    return status;
}

int admin_contact_release(struct mock *m, const struct http_request *q, const json_t *body,
                          json_t **ret_out)
{
    struct mock_account *a = admin_account(m, q, body, "phone", ret_out);

    if (!a)
        return 404;
    size_t n = held_release(m, a, admin_text(body, "id"), admin_bool(body, "again", false));
    *ret_out = json_pack("{s:b,s:I}", "ok", 1, "sent", (json_int_t)n);
    return 200;
}

/* ---- blast: all messages are encrypted first, then sent ---- */

struct loaded {
    struct loaded *next;
    size_t n;
    uint8_t packed[];
};

static struct loaded *load_one(struct mock *m, struct device *d, const struct jid *to,
                               const char *text)
{
    struct buf msg = buf_new(MESSAGE_MAX), packed = buf_new(MOCK_STANZA_BYTES);
    struct loaded *l = NULL;

    content_text(&msg, text, NULL, 0, NULL);
    struct node *n = actor_compose(m, d, to, NULL, "text", buf_span(&msg));
    if (n && node_pack(n, &packed) == WB_OK) {
        l = malloc(sizeof *l + packed.n);
        if (l) {
            *l = (struct loaded){NULL, packed.n};
            memcpy(l->packed, packed.p, packed.n);
        }
    }
    buf_free(&msg);
    buf_free(&packed);
    return l;
}

static size_t fire(struct mock *m, struct device *d, struct loaded *list)
{
    size_t sent = 0;

    while (list) {
        struct loaded *l = list;
        struct message_verdict v;
        struct node *n;

        list = l->next;
        arena_reset(&m->a); /* nothing of the call lives in the arena */
        if (node_unpack(SPAN(l->packed, l->n), &m->a, &n) == WB_OK) {
            message_route(m, d, "contact", n, &v);
            sent += v.error == 0;
        }
        free(l);
    }
    return sent;
}

int admin_contact_blast(struct mock *m, const struct http_request *q, const json_t *body,
                        json_t **ret_out)
{
    struct mock_account *a = admin_account(m, q, body, "from", ret_out);
    struct device *d = a != NULL ? acting(a, body, ret_out) : NULL;
    struct loaded *first = NULL, **at = &first;
    int64_t count = admin_int(body, "count", 1);
    struct jid to;

    if (!d || !admin_target(m, body, &to, ret_out))
        return 404;
    if (count < 1 || count > BLAST_MAX)
        return admin_bad(ret_out, 400, "count: 1 to %d", BLAST_MAX);
    const char *text = admin_text(body, "text");
    int64_t begin = clock_mono_ms(m->clock);
    for (int64_t i = 0; i < count; i++) {
        char line[256];

        (void)snprintf(line, sizeof line, "%.200s %lld", text[0] != '\0' ? text : "blast",
                       (long long)i);
        *at = load_one(m, d, &to, line);
        arena_reset(&m->a);
        if (!*at)
            break;
        at = &(*at)->next;
    }
    int64_t loaded = clock_mono_ms(m->clock);
    size_t sent = fire(m, d, first);
    *ret_out = json_pack("{s:b,s:I,s:I,s:I,s:I}", "ok", 1, "sent", (json_int_t)sent, "encrypt_ms",
                         (json_int_t)(loaded - begin), "route_ms",
                         (json_int_t)(clock_mono_ms(m->clock) - loaded), "started_unix_ms",
                         (json_int_t)(clock_unix_ms(m->clock) - clock_mono_ms(m->clock) + loaded));
    return 200;
}

/* ---- what people received ---- */

/* Whether the entry is asked for: by default what the phone shows; with device=N what that device
 * got, with id=X only that stanza. */
static bool wanted(const struct http_request *q, const json_t *entry)
{
    char buf[MOCK_ID_MAX], number[16];
    const char *id = http_query(q, "id", buf, sizeof buf);
    const char *device = http_query(q, "device", number, sizeof number);
    const json_t *d = json_object_get(entry, "device");

    if (id && strcmp(id, admin_text(entry, "id")) != 0)
        return false;
    return d == NULL || json_integer_value(d) == (device != NULL ? strtol(device, NULL, 10) : 0);
}

/* The entry with its long text cut: hundreds of long texts would make an answer of hundreds of
 * megabytes. */
static json_t *shortened(const json_t *entry)
{
    enum { SHORT_TEXT_MAX = 32 };
    json_t *o = json_copy((json_t *)(uintptr_t)entry);
    const char *text = admin_text(o, "text");
    size_t n = strlen(text);

    if (n > SHORT_TEXT_MAX)
        n = SHORT_TEXT_MAX;
    while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
        n--; /* cut between two characters */
    (void)json_object_set_new(o, "text", json_stringn(text, n));
    (void)json_object_del(o, "message");
    return o;
}

static int records(struct mock *m, const struct http_request *q, const json_t *body,
                   const char *kind, json_t **ret_out)
{
    char flag[4];
    const bool brief = http_query(q, "brief", flag, sizeof flag) != NULL;
    struct mock_account *a = admin_account(m, q, body, "phone", ret_out);
    json_t *list = json_array();

    if (!a) {
        json_decref(list);
        return 404;
    }
    json_t *all = records_get(a, kind), *entry;
    size_t i;
    json_array_foreach(all, i, entry)
    {
        if (wanted(q, entry))
            (void)json_array_append_new(list, brief ? shortened(entry) : json_incref(entry));
    }
    json_decref(all);
    *ret_out = json_pack("{s:o}", kind, list);
    return 200;
}

int admin_contact_messages(struct mock *m, const struct http_request *q, const json_t *body,
                           json_t **ret_out)
{
    return records(m, q, body, "messages", ret_out);
}

int admin_contact_receipts(struct mock *m, const struct http_request *q, const json_t *body,
                           json_t **ret_out)
{
    return records(m, q, body, "receipts", ret_out);
}

int admin_contact_failures(struct mock *m, const struct http_request *q, const json_t *body,
                           json_t **ret_out)
{
    return records(m, q, body, "failures", ret_out);
}

int admin_contact_clear(struct mock *m, const struct http_request *q, const json_t *body,
                        json_t **ret_out)
{
    struct mock_account *a = admin_account(m, q, body, "phone", ret_out);

    if (!a)
        return 404;
    records_clear(a);
    return admin_ok(ret_out);
}

/* ---- how people behave ---- */

int admin_contact_script(struct mock *m, const struct http_request *q, const json_t *body,
                         json_t **ret_out)
{
    struct mock_account *a = admin_account(m, q, body, "phone", ret_out);

    if (!a)
        return 404;
    a->echo = admin_bool(body, "echo", a->echo);
    a->silent = admin_bool(body, "silent", a->silent);
    a->no_prekeys = admin_bool(body, "no_prekeys", a->no_prekeys);
    a->ignore_retries = admin_bool(body, "ignore_retries", a->ignore_retries);
    a->unruly = admin_bool(body, "unruly", a->unruly);
    a->refuse_with_keys = admin_bool(body, "refuse_with_keys", a->refuse_with_keys);
    a->refuse = (unsigned)admin_int(body, "refuse", a->refuse);
    a->corrupt = (unsigned)admin_int(body, "corrupt", a->corrupt);
    (void)admin_bytes(body, "name", a->name, sizeof a->name);
    *ret_out = account_json(a);
    a->gone = admin_bool(body, "gone", a->gone);
    return 200;
}

int admin_contact_device(struct mock *m, const struct http_request *q, const json_t *body,
                         json_t **ret_out)
{
    struct mock_account *a = admin_account(m, q, body, "phone", ret_out);
    const char *action = admin_text(body, "action");

    if (!a)
        return 404;
    if (strcmp(action, "add") == 0) {
        bool quiet = admin_bool(body, "quiet", false);

        if (!add_companion(m, a, !quiet))
            return admin_bad(ret_out, 409, "no more devices");
        a->devices[a->ndevices - 1]->unannounced = quiet;
        if (quiet)
            unheard_came(a);
    } else if (strcmp(action, "hide") == 0) {
        struct device *d = world_add_device(m, a);

        if (!d || !actor_attach(m, d, NULL) || !world_unlist_device(m, d))
            return admin_bad(ret_out, 409, "no more devices");
        *ret_out = json_pack("{s:b,s:i}", "ok", 1, "device", (int)d->number);
        return 200;
    } else if (strcmp(action, "remove") == 0) {
        struct device *d = world_device(a, (uint16_t)admin_int(body, "device", 0));

        if (!d || d->number == 0)
            return admin_bad(ret_out, 404, "device: no such companion");
        devices_logout(m, d);
    } else if (strcmp(action, "lose") == 0) {
        struct device *d = world_device(a, (uint16_t)admin_int(body, "device", 0));

        if (!d || d->number == 0)
            return admin_bad(ret_out, 404, "device: no such companion");
        world_remove_device(m, d);
        m->gone_refused =
            strcmp(admin_text(body, "refused"), "device") == 0 ? GONE_ONE : GONE_BATCH;
    } else if (strcmp(action, "update") == 0) {
        devices_changed(m, a, a->devices[0], DEVICE_UPDATED);
    } else {
        return admin_bad(ret_out, 400, "action: add, hide, lose, remove or update");
    }
    *ret_out = account_json(a);
    return 200;
}

int admin_contact_reinstall(struct mock *m, const struct http_request *q, const json_t *body,
                            json_t **ret_out)
{
    struct mock_account *a = admin_account(m, q, body, "phone", ret_out);

    if (!a)
        return 404;
    if (!a->contact)
        return admin_bad(ret_out, 409, "only scripted contacts can be set up anew");
    devices_reinstall(m, a, !admin_bool(body, "quiet", false));
    *ret_out = account_json(a);
    return 200;
}

int admin_contact_receipt(struct mock *m, const struct http_request *q, const json_t *body,
                          json_t **ret_out)
{
    struct mock_account *a = admin_account(m, q, body, "phone", ret_out);
    struct device *d = a != NULL ? acting(a, body, ret_out) : NULL;
    const char *error = admin_text(body, "error");
    struct jid to, participant;

    if (!d || !admin_target(m, body, &to, ret_out))
        return 404;
    struct node *n = mock_node(m, "receipt");
    node_attr_text(&m->a, n, "id", admin_text(body, "id"));
    node_attr_text(&m->a, n, "type", admin_text(body, "type"));
    node_attr_jid(&m->a, n, "to", &to);
    if (jid_parse_cstr(admin_text(body, "participant"), &participant) == WB_OK)
        node_attr_jid(&m->a, n, "participant", &participant);
    node_attr_u64(&m->a, n, "t", mock_now_s(m));
    if (error[0] != '\0') { /* the device got the stanza, but could not read its content */
        struct node *e = node_child_new(&m->a, n, "error");

        node_attr_text(&m->a, e, "reason", "lid");
        node_attr_text(&m->a, e, "type", error);
    }
    if (!receipt_route(m, d, "contact", n))
        return admin_bad(ret_out, 400, "no such receipt");
    return admin_ok(ret_out);
}

/* A device's request to have a message sent again. The server passes it on without checking who is
 * in the group or what was delivered to whom. */
static struct node *retry_node(struct mock *m, struct device *d, const struct group *g,
                               const json_t *body)
{
    struct node *n = mock_node(m, "receipt"), *retry;
    struct jid asker = device_jid(d, g != NULL ? g->lid : !admin_bool(body, "pn", false));
    const uint8_t reg[4] = {(uint8_t)(d->registration_id >> 24),
                            (uint8_t)(d->registration_id >> 16), (uint8_t)(d->registration_id >> 8),
                            (uint8_t)d->registration_id};

    node_attr_jid(&m->a, n, "from", g != NULL ? &g->jid : &asker);
    if (g)
        node_attr_jid(&m->a, n, "participant", &asker);
    node_attr_text(&m->a, n, "id", admin_text(body, "id"));
    node_attr_text(&m->a, n, "type", "retry");
    node_attr_u64(&m->a, n, "t", mock_now_s(m));
    retry = node_child_new(&m->a, n, "retry");
    node_attr_text(&m->a, retry, "id", admin_text(body, "id"));
    node_attr_u64(&m->a, retry, "count", (uint64_t)admin_int(body, "count", 1));
    node_attr_u64(&m->a, retry, "t", mock_now_s(m));
    node_attr_text(&m->a, retry, "v", "1");
    node_set_bytes(&m->a, node_child_new(&m->a, n, "registration"),
                   arena_copy(&m->a, SPAN_ARRAY(reg)));
    if (admin_bool(body, "keys", false))
        actor_put_keys(m, d, n);
    return n;
}

int admin_contact_retry(struct mock *m, const struct http_request *q, const json_t *body,
                        json_t **ret_out)
{
    struct mock_account *a = admin_account(m, q, body, "phone", ret_out);
    struct device *d = a != NULL ? acting(a, body, ret_out) : NULL;
    struct mock_account *to = d != NULL ? admin_account(m, q, body, "to", ret_out) : NULL;
    struct jid group;
    const struct group *g = NULL;

    if (!to)
        return 404;
    if (jid_parse_cstr(admin_text(body, "group"), &group) == WB_OK)
        g = world_group(&m->world, &group);
    for (size_t i = 0; i < to->ndevices; i++) {
        if (!world_is_played(to->devices[i]))
            deliver(m, to->devices[i], retry_node(m, d, g, body));
    }
    return admin_ok(ret_out);
}

int admin_token(struct mock *m, const struct http_request *q, const json_t *body, json_t **ret_out)
{
    struct mock_account *from = admin_account(m, q, body, "from", ret_out);
    struct mock_account *to = from != NULL ? admin_account(m, q, body, "to", ret_out) : NULL;

    if (!to)
        return 404;
    privacy_issue(m, from, to, mock_now_s(m));
    return admin_ok(ret_out);
}
