#include "store/messages/revokes.h"

#include <string.h>

#include "store/core/state.h"
#include "store/db/stmt.h"
#include "store/messages/limits.h"

static enum wb_err count(struct store *s, const struct jid *chat, int64_t *ret)
{
    struct stmt q;
    enum wb_err err;
    if (chat)
        TRY(stmt_read(&q, &s->wa,
                      "SELECT count(*) FROM bridge_revokes WHERE our_jid = ? AND chat_jid = ?"));
    else
        TRY(stmt_read(&q, &s->wa, "SELECT count(*) FROM bridge_revokes WHERE our_jid = ?"));
    stmt_text(&q, s->our);
    if (chat)
        stmt_jid(&q, chat);
    err = stmt_step(&q);
    if (err == WB_OK)
        *ret = stmt_col_int(&q, 0);
    stmt_end(&q);
out:
    return err;
}

/* The same stanza, delivered once more, is there already: then nothing is added. */
static enum wb_err insert(struct store *s, const struct store_revoke *r)
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_write(&q, &s->wa,
                   "INSERT OR IGNORE INTO bridge_revokes (our_jid, chat_jid, message_id, sender,"
                   " sender_alt, target_id, author, from_me, lid_addressing, timestamp, noted_at)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    stmt_text(&q, s->our);
    stmt_jid(&q, &r->chat);
    stmt_text(&q, r->id);
    stmt_jid(&q, &r->sender);
    stmt_jid(&q, &r->sender_alt);
    stmt_text(&q, r->target_id);
    stmt_jid(&q, &r->author);
    stmt_int(&q, r->from_me);
    stmt_int(&q, r->lid_addressing);
    stmt_int(&q, r->timestamp);
    stmt_int(&q, r->noted_at);
    err = stmt_run(&q);
out:
    return err;
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
    struct stmt q;
    enum wb_err err;
    memset(&r, 0, sizeof r);
    NEED_ACCOUNT(s);
    TRY(stmt_read(&q, &s->wa,
                  "SELECT seq, message_id, target_id, sender, sender_alt, author, from_me,"
                  " lid_addressing, timestamp, noted_at FROM bridge_revokes"
                  " WHERE our_jid = ? AND chat_jid = ? AND seq > ? ORDER BY seq LIMIT 1"));
    stmt_text(&q, s->our);
    stmt_jid(&q, chat);
    stmt_int(&q, after);
    err = stmt_step(&q);
    if (err == WB_OK) {
        r.seq = stmt_col_int(&q, 0);
        stmt_col_text(&q, 1, r.id, sizeof r.id);
        stmt_col_text(&q, 2, r.target_id, sizeof r.target_id);
        r.chat = *chat;
        r.sender = stmt_col_jid(&q, 3);
        r.sender_alt = stmt_col_jid(&q, 4);
        r.author = stmt_col_jid(&q, 5);
        r.from_me = stmt_col_int(&q, 6) != 0;
        r.lid_addressing = stmt_col_int(&q, 7) != 0;
        r.timestamp = stmt_col_int(&q, 8);
        r.noted_at = stmt_col_int(&q, 9);
        *ret = r;
    }
    stmt_end(&q);
out:
    return err;
}

enum wb_err store_revoke_next_chat(struct store *s, const struct jid *after, struct jid *ret)
{
    char text[JID_TEXT_MAX] = "";
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    if (!jid_is_none(after))
        jid_text(after, text);
    TRY(stmt_read(&q, &s->wa,
                  "SELECT chat_jid FROM bridge_revokes WHERE our_jid = ? AND chat_jid > ?"
                  " ORDER BY chat_jid LIMIT 1"));
    stmt_text(&q, s->our);
    stmt_text(&q, text);
    err = stmt_step(&q);
    if (err == WB_OK)
        *ret = stmt_col_jid(&q, 0);
    stmt_end(&q);
out:
    return err;
}

enum wb_err store_revoke_done(struct store *s, int64_t seq)
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_write(&q, &s->wa, "DELETE FROM bridge_revokes WHERE seq = ?"));
    stmt_int(&q, seq);
    err = stmt_run(&q);
out:
    return err;
}
