/* <notification>: what all types share. Every type gets its one ack, known or not (P-NT-01,
 * P-NT-02); types that mean something to us have a row in the table here. */
#include "bridge/appstate/app_state.h"
#include "bridge/core/context.h"
#include "bridge/dispatch/handlers.h"
#include "bridge/groups/in_group_notification.h"
#include "bridge/pair/pair_stanzas.h"
#include "bridge/people/identity.h"
#include "bridge/people/in_people_notification.h"
#include "bridge/sessions/in_device_notification.h"

static const struct stanza_handler *const type_table[] = {
    &in_notification_encrypt_handler,  &in_notification_link_code_handler,
    &in_notification_passkey_handler,  &in_notification_passkey_phone_handler,
    &in_notification_group_handler,    &in_notification_devices_handler,
    &in_notification_account_handler,  &in_notification_token_handler,
    &in_notification_contacts_handler, &in_notification_reg_refresh_handler,
    &in_notification_mex_handler,      &in_notification_server_sync_handler,
};

/* Learns LID and number of the notification's sender and of the person who acted, when the stanza
 * names both (P-US-14). */
static enum wb_err learn_pairs(struct bridge *b, const struct node *n)
{
    static const char *const pairs[][2] = {
        {"from", "lid"},
        {"from", "sender_lid"},
        {"from", "sender_pn"},
        {"participant", "participant_pn"},
        {"participant", "participant_lid"},
    };
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0] && err == WB_OK; i++) {
        struct jid one, other;

        if (node_attr_get_jid(n, pairs[i][0], &one) && node_attr_get_jid(n, pairs[i][1], &other))
            err = identity_learn(b, &one, &other);
    }
    return err;
}

static enum wb_err notification_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    struct span type = node_attr_str(s->node, "type", s->arena);
    const struct stanza_handler *h =
        stanza_handler_find(type_table, sizeof type_table / sizeof type_table[0], type);

    enum wb_err err = learn_pairs(b, s->node);

    (void)parsed;
    if (err != WB_OK)
        return err;
    if (h)
        return stanza_handler_run(b, h, s);
    log_debug(b->log, "notification", "type %.*s has no meaning here", (int)span_first(type, 40).n,
              type.p ? (const char *)type.p : "");
    return WB_OK;
}

const struct stanza_handler in_notification_handler = {"notification", STANZA_ACK_ALWAYS, NULL,
                                                       notification_apply};
