#include "store/messages/chat_names.h"

#include "store/core/state.h"
#include "store/db/sql.h"
#include "store/messages/contacts.h"
#include "store/messages/message_row.h"
#include "store/session/other_form.h"

static const char *best_name(const struct store_contact *c, const struct jid *chat)
{
    return c->full_name[0]       ? c->full_name
           : c->push_name[0]     ? c->push_name
           : c->business_name[0] ? c->business_name
                                 : chat->user;
}

enum wb_err chat_name_follow(struct store *s, const struct jid *who)
{
    struct store_contact c = {0};
    struct jid chat, forms[2] = {{0}, {0}};
    size_t n = 0;
    enum wb_err err;

    TRY(chat_of(s, who, &chat));
    if (!jid_is_person(&chat))
        return WB_OK;
    TRY(both_forms(s, &chat, forms, &n));
    err = s->our[0] ? store_contact_get(s, &chat, &c) : WB_ERR_NOT_FOUND;
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    err = sql_run(&s->msg,
                  "UPDATE chats SET name = ?1 WHERE jid = ?2 AND name IS NOT ?1"
                  " AND coalesce(name, '') IN ('', ?3, ?4)",
                  BINDS(BIND_TEXT(best_name(&c, &chat)), BIND_JID(&chat), BIND_TEXT(forms[0].user),
                        BIND_TEXT(forms[n - 1].user)));
out:
    return err;
}
