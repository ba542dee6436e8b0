/* admin_state.c - what the mock knows and what it has flagged. */
#include "tools/mock/admin/admin.h"
#include "tools/mock/wire/client.h"

static json_t *device_json(const struct device *d)
{
    char text[JID_TEXT_MAX];
    struct jid j = device_jid(d, false);
    json_t *o = json_pack("{s:s,s:b,s:b,s:b,s:b,s:I,s:I,s:I}", "jid", jid_text(&j, text), "played",
                          world_is_played(d), "connected", d->client != NULL, "active",
                          d->client != NULL && d->client->active, "available", d->available,
                          "prekeys", (json_int_t)d->nprekeys, "skey_id", (json_int_t)d->skey_id,
                          "queued", (json_int_t)d->nqueued);

    return o;
}

int admin_state(struct mock *m, const struct http_request *q, const json_t *body, json_t **ret_out)
{
    (void)q;
    (void)body;
    static const char *const states[] = {"intro",       "hello",     "finish",
                                         "registering", "logged_in", "closed"};
    char text[JID_TEXT_MAX];
    json_t *accounts = json_array(), *clients = json_array();
    for (size_t i = 0; i < m->world.naccounts; i++) {
        const struct mock_account *a = m->world.accounts[i];
        json_t *devices = json_array();

        for (size_t k = 0; k < a->ndevices; k++)
            (void)json_array_append_new(devices, device_json(a->devices[k]));
        json_t *one =
            json_pack("{s:s,s:o,s:b,s:b,s:o}", "phone", a->pn.user, "name", admin_shown(a->name),
                      "contact", a->contact, "gone", a->gone, "devices", devices);
        (void)json_object_set_new(one, "lid", json_string(jid_text(&a->lid, text)));
        (void)json_array_append_new(accounts, one);
    }
    for (const struct client *c = m->clients; c != NULL; c = c->next)
        (void)json_array_append_new(clients, json_pack("{s:s,s:s,s:b,s:i}", "client", c->label,
                                                       "state", states[c->state], "active",
                                                       c->active, "version", (int)c->version));
    *ret_out = json_pack("{s:o,s:o,s:I}", "accounts", accounts, "connections", clients, "flags",
                         (json_int_t)m->nflags);
    return 200;
}

int admin_flags(struct mock *m, const struct http_request *q, const json_t *body, json_t **ret_out)
{
    (void)body;
    char client[JID_TEXT_MAX], what[64], yes[8];
    bool notes = http_query(q, "notes", yes, sizeof yes) != NULL;
    const char *only = http_query(q, "client", client, sizeof client);
    const char *kind = http_query(q, "what", what, sizeof what);
    json_t *list = json_array();
    for (const struct flag *f = m->flags; f != NULL; f = f->next) {
        if (f->note && !notes)
            continue;
        if ((only && strcmp(only, f->client) != 0) || (kind && strcmp(kind, f->what) != 0))
            continue;
        json_t *o =
            json_pack("{s:I,s:I,s:s,s:s,s:s}", "id", (json_int_t)f->id, "t_ms", (json_int_t)f->t_ms,
                      "client", f->client, "what", f->what, "detail", f->detail);
        (void)json_object_set_new(o, "note", json_boolean(f->note));
        (void)json_object_set_new(o, "stanza",
                                  f->stanza != NULL ? json_string(f->stanza) : json_null());
        (void)json_array_append_new(list, o);
    }
    *ret_out = json_pack("{s:o}", "flags", list);
    return 200;
}

int admin_flags_delete(struct mock *m, const struct http_request *q, const json_t *body,
                       json_t **ret_out)
{
    (void)q;
    (void)body;
    mock_flags_clear(m);
    return admin_ok(ret_out);
}

int admin_defaults(struct mock *m, const struct http_request *q, const json_t *body,
                   json_t **ret_out)
{
    (void)body;
    char text[16];
    const char *mode = http_query(q, "new_groups", text, sizeof text);
    if (!mode || (strcmp(mode, "pn") != 0 && strcmp(mode, "lid") != 0))
        return admin_bad(ret_out, 400, "new_groups: pn or lid");
    m->cfg.groups_pn = strcmp(mode, "pn") == 0;
    return admin_ok(ret_out);
}
