/* in_message_keys.c - the sender key that may come along with any content. */
#include "base/fault.h"
#include "bridge/core/context.h"
#include "bridge/receive/in_message_decrypt.h"
#include "bridge/receive/in_message_private.h"

/* Is the sender key for the chat that it came in? The stanza around it is the server's word, the
 * name inside is the sender's own: a key that was given to one group must not open another. */
static bool is_key_of_chat(const struct in_message *m, const struct content *c)
{
    struct jid named, chat = jid_bare(m->chat);

    if (!m->group || jid_parse(c->skdm_group, &named) != WB_OK)
        return false;
    named = jid_bare(named);
    return jid_eq(&named, &chat);
}

/* The message itself is handled in any case. */
static enum wb_err take_sender_key(struct bridge *b, const struct in_message *m,
                                   const struct content *c)
{
    enum wb_err result = WB_OK, err = WB_OK;

    if (!is_key_of_chat(m, c)) {
        log_warn(b->log, "message", "sender key in %.*s: it is not for this chat, and is ignored",
                 (int)m->id.n, (const char *)m->id.p);
        return WB_OK;
    }
    TRY(in_message_decrypt_sender_key(b, m, c->skdm, &result));
    FAULT_POINT("skdm.taken");
    if (result != WB_OK)
        log_warn(b->log, "message", "sender key in %.*s: %s", (int)m->id.n, (const char *)m->id.p,
                 wb_err_text(result));
out:
    return err;
}

enum wb_err in_message_keys(struct bridge *b, const struct in_message *m, const struct content *c)
{
    return c->skdm.n ? take_sender_key(b, m, c) : WB_OK;
}
