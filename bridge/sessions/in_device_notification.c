/* Notifications about devices and keys: of people, of our own account, and of our own keys at the
 * server (P-NT-03, P-NT-04, P-NT-06, P-NT-08). */
#include "bridge/sessions/in_device_notification.h"
#include "bridge/conn/prekey_upload.h"
#include "bridge/core/context.h"
#include "bridge/core/own_name.h"
#include "bridge/sessions/device_notify.h"
#include "bridge/sessions/signed_prekey.h"

/* ---- devices ---- */

static enum wb_err devices_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    (void)parsed;
    return device_notify_changed(b, s->node, s->arena);
}

const struct stanza_handler in_notification_devices_handler = {"devices", STANZA_ACK_ALWAYS, NULL,
                                                               devices_apply};

/* ---- our own account ---- */

static enum wb_err account_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    struct jid from;
    enum wb_err err;

    (void)parsed;
    if (!node_attr_get_jid(s->node, "from", &from))
        return WB_ERR_MALFORMED;
    from = jid_bare(jid_unhosted(from));
    TRY(own_name_learned(b, node_attr_str(s->node, "pushname", s->arena), OWN_NAME_PHONE));
    for (const struct node *n = node_child(s->node, "devices"); n; n = node_next(n, "devices"))
        TRY(device_notify_own_changed(b, &from, n, s->arena));
out:
    return err;
}

const struct stanza_handler in_notification_account_handler = {"account_sync", STANZA_ACK_ALWAYS,
                                                               NULL, account_apply};

/* ---- keys ---- */

/* From a person: their phone was installed anew. From the server: what it has of our keys. */
static enum wb_err encrypt_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    const struct node *count = node_child(s->node, "count");
    struct jid from;
    uint64_t n, at;

    (void)parsed;
    if (!node_attr_get_jid(s->node, "from", &from))
        return WB_ERR_MALFORMED;
    if (!node_attr_get_u64(s->node, "t", &at) || at > INT64_MAX)
        at = INT64_MAX; /* now */
    if (from.user[0] != '\0')
        return node_child(s->node, "identity") && jid_is_person(&from)
                   ? device_notify_reinstalled(b, &from, (int64_t)at)
                   : WB_OK;
    if (count && node_attr_get_u64(count, "value", &n))
        prekey_upload_refill(b->prekeys, n);
    if (node_child(s->node, "digest"))
        signed_prekey_verify(b->signed_prekey);
    return WB_OK;
}

const struct stanza_handler in_notification_encrypt_handler = {"encrypt", STANZA_ACK_ALWAYS, NULL,
                                                               encrypt_apply};
