/* message_changes.c - edits, revokes and reactions: each may come again and in any order (rule 1:
 * what was not acknowledged is delivered again). */
#include <string.h>

#include "store/core/limits.h"
#include "store/messages/fork_columns.h"
#include "store/messages/message_row.h"

/* A placeholder that waits for the message which this change is about. */
static enum wb_err wait_for_target(struct store *s, const struct store_message_change *c,
                                   const struct jid *chat, const struct jid *sender,
                                   const struct who *w, struct found_row *f)
{
    const struct jid none = {0};
    enum store_message_outcome outcome;
    struct store_message m = {.id = c->target_id,
                              .chat = *chat,
                              .sender = *sender,
                              .sender_alt = sender == &c->sender ? c->sender_alt : none,
                              .from_me = sender == &c->sender && c->from_me,
                              .timestamp = c->timestamp,
                              .received_at = c->timestamp};
    enum wb_err err;

    TRY(store_message_placeholder(s, &m, &outcome));
    err = row_find(s, chat, c->target_id, w, f);
out:
    return err;
}

enum wb_err store_message_edit(struct store *s, const struct store_message_change *c,
                               struct span content, struct span summary, struct span mentions,
                               bool mentions_me)
{
    struct found_row f;
    struct jid chat;
    struct who w;
    enum wb_err err;

    TRY(chat_of(s, &c->chat, &chat));
    TRY(who_is(s, &c->sender, &c->sender_alt, &w));
    TRY(row_find(s, &chat, c->target_id, &w, &f));
    if (f.rowid == 0 && f.beside)
        return WB_ERR_REFUSED; /* somebody else's message */
    if (f.rowid == 0)
        TRY(wait_for_target(s, c, &chat, &c->sender, &w, &f));
    if (f.edited_at > c->timestamp)
        return WB_OK;
    /* Within one second the later arrival is the newer one; the same one again changes nothing. */
    err = sql_run(&s->msg,
                  "UPDATE messages SET content = ?1, summary = ?2, mentions = ?3,"
                  " mentions_me = ?4, edited_at = ?5 WHERE rowid = ?6"
                  " AND (edited_at IS NOT ?5 OR content IS NOT ?1 OR summary IS NOT ?2)",
                  BINDS(BIND_OR_EMPTY(content), BIND_SPAN(summary), BIND_SPAN(mentions),
                        BIND_INT(mentions_me), BIND_INT(c->timestamp), BIND_INT(f.rowid)));
out:
    return err;
}

/* The row to be revoked: the sender's own, or for an admin the named author's (or anybody's). */
static enum wb_err revoke_target(struct store *s, const struct store_message_change *c,
                                 const struct jid *chat, bool by_admin, struct found_row *ret)
{
    const struct jid none = {0};
    bool named = by_admin && !jid_is_none(&c->target_sender);
    struct who w;
    enum wb_err err;

    if (by_admin && !named) {
        err = row_find_any(s, chat, c->target_id, ret);
        if (err != WB_ERR_NOT_FOUND)
            return err;
    }
    const struct jid *author = named ? &c->target_sender : &c->sender;
    TRY(who_is(s, author, named ? &none : &c->sender_alt, &w));
    TRY(row_find(s, chat, c->target_id, &w, ret));
    if (ret->rowid != 0)
        return WB_OK;
    if (ret->beside)
        return WB_ERR_REFUSED;
    err = wait_for_target(s, c, chat, author, &w, ret);
out:
    return err;
}

enum wb_err store_message_revoke(struct store *s, const struct store_message_change *c,
                                 bool by_admin)
{
    struct found_row f;
    struct jid chat;
    struct who w;
    enum wb_err err;

    TRY(chat_of(s, &c->chat, &chat));
    TRY(revoke_target(s, c, &chat, by_admin, &f));
    if (f.revoked)
        return WB_OK;
    TRY(who_is(s, &c->sender, &c->sender_alt, &w));
    TRY(sql_run(&s->msg, "UPDATE messages SET revoked_at = ?, revoked_by = ? WHERE rowid = ?",
                BINDS(BIND_INT(c->timestamp), BIND_JID(jid_is_none(&w.pn) ? &w.lid : &w.pn),
                      BIND_INT(f.rowid))));
    err = fork_columns_deleted(s, f.rowid, c->timestamp);
out:
    return err;
}

enum wb_err store_message_react(struct store *s, const struct store_message_change *c,
                                struct span emoji)
{
    struct jid chat;
    struct who w;
    enum wb_err err;

    if (c->target_id.n == 0 || c->target_id.n > STORE_MESSAGE_ID_MAX)
        return WB_ERR_INVALID;
    TRY(chat_of(s, &c->chat, &chat));
    TRY(who_is(s, &c->sender, &c->sender_alt, &w));
    err = sql_run(&s->msg,
                  "INSERT INTO reactions (chat_jid, message_id, sender, sender_jid, is_from_me,"
                  " reaction, timestamp) VALUES (?, ?, ?, ?, ?, ?, ?)"
                  " ON CONFLICT (chat_jid, message_id, sender) DO UPDATE"
                  " SET reaction = excluded.reaction, timestamp = excluded.timestamp,"
                  " sender_jid = excluded.sender_jid WHERE excluded.timestamp >= timestamp",
                  BINDS(BIND_JID(&chat), BIND_SPAN(c->target_id), BIND_TEXT(w.user),
                        BIND_JID(jid_is_none(&w.pn) ? &w.lid : &w.pn), BIND_INT(c->from_me),
                        BIND_OR_EMPTY(emoji), BIND_INT(c->timestamp)));
out:
    return err;
}
