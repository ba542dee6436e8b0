#include "store/messages/revokes.h"

#include <string.h>

#include "store/core/state.h"
#include "store/db/sql.h"
#include "store/db/stmt.h"
#include "store/messages/limits.h"

static enum wb_err count(struct store *s, const struct jid *chat, int64_t *ret)
{
    if (!chat)
        return sql_int(&s->wa, "SELECT count(*) FROM bridge_revokes WHERE our_jid = ?",
                       BINDS(BIND_TEXT(s->our)), ret);
    return sql_int(&s->wa, "SELECT count(*) FROM bridge_revokes WHERE our_jid = ? AND chat_jid = ?",
                   BINDS(BIND_TEXT(s->our), BIND_JID(chat)), ret);
}

/* The same stanza, delivered once more, is there already: then nothing is added. */
static enum wb_err insert(struct store *s, const struct store_revoke *r)
{
    return sql_run(&s->wa,
                   "INSERT INTO bridge_revokes (our_jid, chat_jid, message_id, sender,"
                   " sender_alt, target_id, author, from_me, lid_addressing, timestamp, noted_at)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                   " ON CONFLICT DO NOTHING",
                   BINDS(BIND_TEXT(s->our), BIND_JID(&r->chat), BIND_TEXT(r->id),
                         BIND_JID(&r->sender), BIND_JID(&r->sender_alt), BIND_TEXT(r->target_id),
                         BIND_JID(&r->author), BIND_INT(r->from_me), BIND_INT(r->lid_addressing),
                         BIND_INT(r->timestamp), BIND_INT(r->noted_at)));
}

enum wb_err store_revoke_put(struct store *s, const struct store_revoke *r, bool *ret_kept)
{
    int64_t here = 0, all = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    if (!r->id[0] || !r->target_id[0] || jid_is_none(&r->chat) || jid_is_none(&r->sender))
        return WB_ERR_INVALID;
    TRY(count(s, &r->chat, &here));
    TRY(count(s, NULL, &all));
    *ret_kept = here < STORE_REVOKES_CHAT_MAX && all < STORE_REVOKES_MAX;
    if (*ret_kept)
        err = insert(s, r);
out:
    return err;
}

enum wb_err store_revoke_next(struct store *s, const struct jid *chat, int64_t after,
                              struct store_revoke *ret)
{
    struct store_revoke r;
    enum wb_err err;

    memset(&r, 0, sizeof r);
    r.chat = *chat;
    NEED_ACCOUNT(s);
    TRY(sql_row(&s->wa,
                "SELECT seq, message_id, target_id, sender, sender_alt, author, from_me,"
                " lid_addressing, timestamp, noted_at FROM bridge_revokes"
                " WHERE our_jid = ? AND chat_jid = ? AND seq > ? ORDER BY seq LIMIT 1",
                BINDS(BIND_TEXT(s->our), BIND_JID(chat), BIND_INT(after)),
                COLS(COL_INT(&r.seq), COL_TEXT(r.id, sizeof r.id),
                     COL_TEXT(r.target_id, sizeof r.target_id), COL_JID(&r.sender),
                     COL_JID(&r.sender_alt), COL_JID(&r.author), COL_BOOL(&r.from_me),
                     COL_BOOL(&r.lid_addressing), COL_INT(&r.timestamp), COL_INT(&r.noted_at))));
    *ret = r;
out:
    return err;
}

enum wb_err store_revoke_next_chat(struct store *s, const struct jid *after, struct jid *ret)
{
    char text[JID_TEXT_MAX] = "";

    NEED_ACCOUNT(s);
    if (!jid_is_none(after))
        jid_text(after, text);
    return sql_row(&s->wa,
                   "SELECT chat_jid FROM bridge_revokes WHERE our_jid = ? AND chat_jid > ?"
                   " ORDER BY chat_jid LIMIT 1",
                   BINDS(BIND_TEXT(s->our), BIND_TEXT(text)), COLS(COL_JID(ret)));
}

enum wb_err store_revoke_done(struct store *s, int64_t seq)
{
    return sql_run(&s->wa, "DELETE FROM bridge_revokes WHERE seq = ?", BINDS(BIND_INT(seq)));
}
