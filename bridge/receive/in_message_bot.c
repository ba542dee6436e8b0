/* Messages of bots: an answer is sealed with the secret of the question (P-RC-11, P-RC-52: <enc
 * type=msmsg> and its keys). */
#include "base/secret.h"
#include "bridge/core/context.h"
#include "bridge/core/msgid.h"
#include "bridge/receive/in_message_private.h"
#include "crypto/msg_secret.h"
#include "proto/wire_field.h"
#include "store/messages/contacts.h"

/* MessageSecretMessage */
enum { SECRET_MESSAGE_IV = 2, SECRET_MESSAGE_PAYLOAD = 3 };

/* Who asked the bot: the stanza names the person, or one of our own devices asked. */
static size_t askers(const struct bridge *b, const struct in_message *m, struct jid ret[static 3])
{
    const struct jid all[] = {m->target_sender, b->own_lid, b->own_pn};
    size_t n = 0;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].user[0] &&
            (i == 0 || jid_is_none(&m->target_sender) || bridge_is_self(b, &m->target_sender)))
            ret[n++] = jid_bare(jid_unhosted(all[i]));
    return n;
}

/* A bot writes an answer bit by bit: each bit but the first is sealed under the id of the first. */
static size_t ids_of(const struct in_message *m, struct span ret[static 2])
{
    size_t n = 0;

    if (in_message_bot_edits(m))
        ret[n++] = m->bot_edit_target;
    ret[n++] = m->id;
    return n;
}

static enum wb_err try_open(const struct in_message *m, const struct jid *who, size_t nwho,
                            const uint8_t *secret, struct span iv, struct span sealed,
                            struct buf *out)
{
    const struct jid bot = jid_bare(m->sender);
    char asker[JID_TEXT_MAX], sender[JID_TEXT_MAX];
    struct span ids[2];
    const size_t nids = ids_of(m, ids);
    enum wb_err err = WB_ERR_BAD_MAC;

    for (size_t i = 0; i < nids * nwho && err == WB_ERR_BAD_MAC; i++) {
        const struct msg_secret s = {.use = MSG_SECRET_BOT_MESSAGE,
                                     .secret = secret,
                                     .id = ids[i / nwho],
                                     .author = span_cstr(jid_text(&who[i % nwho], asker)),
                                     .sender = span_cstr(jid_text(&bot, sender))};

        buf_clear(out);
        err = msg_secret_open(&s, iv, sealed, out);
    }
    return err;
}

bool in_message_bot_edits(const struct in_message *m)
{
    return (span_eq_cstr(m->bot_edit, "inner") || span_eq_cstr(m->bot_edit, "last")) &&
           msgid_valid(m->bot_edit_target);
}

enum wb_err in_message_bot_open(struct bridge *b, const struct in_message *m,
                                const struct in_enc *e, struct buf *out)
{
    const struct jid *chat = jid_is_none(&m->target_chat) ? &m->chat : &m->target_chat;
    uint8_t secret[MESSAGE_SECRET_BYTES];
    struct span iv, sealed;
    struct jid who[3];
    size_t n;
    enum wb_err err, result = WB_ERR_NOT_FOUND;

    if (!msgid_valid(m->target_id))
        return WB_ERR_NOT_FOUND;
    if (wire_find(e->bytes, SECRET_MESSAGE_IV, &iv) != WB_OK ||
        wire_find(e->bytes, SECRET_MESSAGE_PAYLOAD, &sealed) != WB_OK)
        return WB_ERR_MALFORMED;
    n = askers(b, m, who);
    for (size_t i = 0; i < n && result != WB_OK; i++) {
        err = store_message_secret_get(b->store, chat, &who[i], m->target_id, secret);
        if (err == WB_ERR_NOT_FOUND)
            continue;
        TRY(err);
        result = try_open(m, who, n, secret, iv, sealed, out);
    }
    err = result;
out:
    secret_wipe(secret, sizeof secret);
    return err;
}
