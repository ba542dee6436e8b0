/* admin_forget.c - a person's device loses what it needs to read a client's messages: its sessions
 * with the client and its sender keys. Its own keys stay: it is the same device. */
#include "tools/mock/admin/admin.h"
#include "tools/mock/people/actor.h"

static void free_session(void *s)
{
    signal_session_free(s);
}

static void drop(struct map *map, const char *key, void (*free_value)(void *value))
{
    void *value = map_get(map, key);

    if (value && map_put(map, key, NULL))
        free_value(value);
}

/* Drops the sender keys of one address; the keys of the map are "group|address". */
static void drop_sender_keys(struct actor *a, const char *address)
{
    struct map_slot *s;
    size_t at = 0;

    while ((s = map_next(&a->sender_keys, &at)) != NULL) {
        const char *bar = strrchr(s->key, '|');

        if (bar && strcmp(bar + 1, address) == 0) {
            sender_key_record_free(s->value);
            s->value = NULL;
        }
    }
}

int admin_contact_forget(struct mock *m, const struct http_request *q, const json_t *body,
                         json_t **ret_out)
{
    struct mock_account *a = admin_account(m, q, body, "phone", ret_out);
    struct mock_account *with = a != NULL ? admin_account(m, q, body, "of", ret_out) : NULL;
    struct device *d =
        with != NULL ? world_device(a, (uint16_t)admin_int(body, "device", 0)) : NULL;

    if (!with)
        return 404;
    if (!d || !world_is_played(d))
        return admin_bad(ret_out, 404, "device: not played by the mock");
    for (size_t i = 0; i < with->ndevices; i++) {
        struct jid j = device_jid(with->devices[i], true);
        char address[JID_TEXT_MAX];

        jid_signal_address(&j, address);
        drop(&d->actor->sessions, address, free_session);
        drop_sender_keys(d->actor, address);
    }
    return admin_ok(ret_out);
}
