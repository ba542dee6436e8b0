#include "store/messages/secret_waits.h"

#include <string.h>

#include "store/core/state.h"
#include "store/db/sql.h"
#include "store/db/stmt.h"
#include "store/messages/limits.h"
#include "store/session/lid_map.h"

static enum wb_err count_of_target(struct store *s, const char *target_id, int64_t *ret)
{
    return sql_int(&s->wa,
                   "SELECT count(*) FROM bridge_secret_waits WHERE our_jid = ?"
                   " AND target_id = ?",
                   BINDS(BIND_TEXT(s->our), BIND_TEXT(target_id)), ret);
}

static enum wb_err count_of_sender(struct store *s, const struct jid *chat,
                                   const struct jid *sender, int64_t *ret)
{
    return sql_int(&s->wa,
                   "SELECT count(*) FROM bridge_secret_waits WHERE our_jid = ?"
                   " AND chat_jid = ? AND sender = ?",
                   BINDS(BIND_TEXT(s->our), BIND_JID(chat), BIND_JID(sender)), ret);
}

static enum wb_err count_all(struct store *s, int64_t *ret)
{
    return sql_int(&s->wa, "SELECT count(*) FROM bridge_secret_waits WHERE our_jid = ?",
                   BINDS(BIND_TEXT(s->our)), ret);
}

static enum wb_err drop_oldest_of_sender(struct store *s, const struct jid *chat,
                                         const struct jid *sender)
{
    return sql_run(&s->wa,
                   "DELETE FROM bridge_secret_waits WHERE seq = (SELECT seq FROM"
                   " bridge_secret_waits WHERE our_jid = ? AND chat_jid = ? AND sender = ?"
                   " ORDER BY seq LIMIT 1)",
                   BINDS(BIND_TEXT(s->our), BIND_JID(chat), BIND_JID(sender)));
}

static enum wb_err drop_oldest(struct store *s)
{
    return sql_run(&s->wa,
                   "DELETE FROM bridge_secret_waits WHERE seq = (SELECT seq FROM"
                   " bridge_secret_waits WHERE our_jid = ? ORDER BY noted_at, seq LIMIT 1)",
                   BINDS(BIND_TEXT(s->our)));
}

static enum wb_err insert(struct store *s, const struct store_secret_wait *w,
                          const struct jid *sender)
{
    return sql_run(&s->wa,
                   "INSERT INTO bridge_secret_waits (our_jid, target_id, chat_jid,"
                   " message_id, sender, sender_alt, from_me, lid_addressing, timestamp, noted_at)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                   " ON CONFLICT DO NOTHING",
                   BINDS(BIND_TEXT(s->our), BIND_TEXT(w->target_id), BIND_JID(&w->chat),
                         BIND_TEXT(w->id), BIND_JID(sender), BIND_JID(&w->sender_alt),
                         BIND_INT(w->from_me), BIND_INT(w->lid_addressing), BIND_INT(w->timestamp),
                         BIND_INT(w->noted_at)));
}

enum wb_err store_secret_wait_put(struct store *s, const struct store_secret_wait *w,
                                  enum store_secret_wait_outcome *ret)
{
    const struct jid sender = jid_bare(w->sender);
    enum store_secret_wait_outcome outcome = STORE_WAIT_KEPT;
    int64_t n = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    if (!w->id[0] || !w->target_id[0] || jid_is_none(&w->chat) || jid_is_none(&sender))
        return WB_ERR_INVALID;
    TRY(count_of_target(s, w->target_id, &n));
    if (n >= STORE_SECRET_WAITS_TARGET_MAX) {
        *ret = STORE_WAIT_REFUSED;
        return WB_OK;
    }
    TRY(insert(s, w, &sender));
    TRY(count_of_sender(s, &w->chat, &sender, &n));
    if (n > STORE_SECRET_WAITS_SENDER_MAX) {
        TRY(drop_oldest_of_sender(s, &w->chat, &sender));
        outcome = STORE_WAIT_INSTEAD;
    }
    TRY(count_all(s, &n));
    if (n > STORE_SECRET_WAITS_MAX)
        TRY(drop_oldest(s));
    *ret = outcome;
out:
    return err;
}

enum wb_err store_secret_wait_next(struct store *s, struct span target_id, int64_t after,
                                   struct store_secret_wait *ret)
{
    struct store_secret_wait w;
    enum wb_err err;

    memset(&w, 0, sizeof w);
    NEED_ACCOUNT(s);
    TRY(sql_row(&s->wa,
                "SELECT seq, message_id, target_id, chat_jid, sender, sender_alt, from_me,"
                " lid_addressing, timestamp, noted_at FROM bridge_secret_waits"
                " WHERE our_jid = ? AND target_id = ? AND seq > ? ORDER BY seq LIMIT 1",
                BINDS(BIND_TEXT(s->our), BIND_SPAN(target_id), BIND_INT(after)),
                COLS(COL_INT(&w.seq), COL_TEXT(w.id, sizeof w.id),
                     COL_TEXT(w.target_id, sizeof w.target_id), COL_JID(&w.chat),
                     COL_JID(&w.sender), COL_JID(&w.sender_alt), COL_BOOL(&w.from_me),
                     COL_BOOL(&w.lid_addressing), COL_INT(&w.timestamp), COL_INT(&w.noted_at))));
    *ret = w;
out:
    return err;
}

enum wb_err store_secret_wait_done(struct store *s, int64_t seq)
{
    return sql_run(&s->wa, "DELETE FROM bridge_secret_waits WHERE seq = ?", BINDS(BIND_INT(seq)));
}

enum wb_err store_secret_wait_any(struct store *s, bool *ret_any)
{
    NEED_ACCOUNT(s);
    return sql_exists(&s->wa, "SELECT 1 FROM bridge_secret_waits WHERE our_jid = ? LIMIT 1",
                      BINDS(BIND_TEXT(s->our)), ret_any);
}

enum wb_err store_secret_wait_prune(struct store *s, int64_t before, bool *ret_more)
{
    NEED_ACCOUNT(s);
    return sql_run_some(&s->wa,
                        "DELETE FROM bridge_secret_waits WHERE seq IN (SELECT seq FROM"
                        " bridge_secret_waits WHERE our_jid = ? AND noted_at < ? LIMIT ?)",
                        BINDS(BIND_TEXT(s->our), BIND_INT(before), BIND_INT(STORE_PRUNE_ROWS)),
                        STORE_PRUNE_ROWS, ret_more);
}

/* ---- what our phone does not have either ---- */

/* Whose and which one: the primary key. */
struct none_key {
    struct jid chat, sender;
};

static enum wb_err none_key_of(struct store *s, const struct jid *chat, const struct jid *sender,
                               struct none_key *ret)
{
    const struct jid bare_chat = jid_bare(*chat), bare_sender = jid_bare(*sender);
    enum wb_err err;

    TRY(store_canonical(s, &bare_chat, &ret->chat));
    err = store_canonical(s, &bare_sender, &ret->sender);
out:
    return err;
}

enum wb_err store_secret_none_put(struct store *s, const struct jid *chat, const struct jid *sender,
                                  struct span id, int64_t answered_at)
{
    struct none_key k;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(none_key_of(s, chat, sender, &k));
    err = sql_run(&s->wa,
                  "INSERT INTO bridge_secrets_none (our_jid, chat_jid, sender,"
                  " message_id, answered_at) VALUES (?, ?, ?, ?, ?)"
                  " ON CONFLICT (our_jid, chat_jid, sender, message_id) DO UPDATE SET"
                  " answered_at = excluded.answered_at",
                  BINDS(BIND_TEXT(s->our), BIND_JID(&k.chat), BIND_JID(&k.sender), BIND_SPAN(id),
                        BIND_INT(answered_at)));
out:
    return err;
}

enum wb_err store_secret_none_known(struct store *s, const struct jid *chat,
                                    const struct jid *sender, struct span id, bool *ret_known)
{
    struct none_key k;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(none_key_of(s, chat, sender, &k));
    err = sql_exists(
        &s->wa,
        "SELECT 1 FROM bridge_secrets_none WHERE our_jid = ? AND chat_jid = ?"
        " AND sender = ? AND message_id = ?",
        BINDS(BIND_TEXT(s->our), BIND_JID(&k.chat), BIND_JID(&k.sender), BIND_SPAN(id)), ret_known);
out:
    return err;
}

enum wb_err store_secret_none_prune(struct store *s, int64_t before, bool *ret_more)
{
    NEED_ACCOUNT(s);
    return sql_run_some(
        &s->wa,
        "DELETE FROM bridge_secrets_none WHERE our_jid = ?1 AND"
        " (chat_jid, sender, message_id) IN (SELECT chat_jid, sender, message_id FROM"
        " bridge_secrets_none WHERE our_jid = ?1 AND answered_at < ?2 LIMIT ?3)",
        BINDS(BIND_TEXT(s->our), BIND_INT(before), BIND_INT(STORE_PRUNE_ROWS)), STORE_PRUNE_ROWS,
        ret_more);
}
