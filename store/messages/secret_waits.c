#include "store/messages/secret_waits.h"

#include <string.h>

#include "store/core/state.h"
#include "store/db/stmt.h"
#include "store/messages/limits.h"
#include "store/session/lid_map.h"

static enum wb_err count_end(struct stmt *q, int64_t *ret)
{
    enum wb_err err = stmt_step(q);
    if (err == WB_OK)
        *ret = stmt_col_int(q, 0);
    stmt_end(q);
    return err;
}

static enum wb_err count_of_target(struct store *s, const char *target_id, int64_t *ret)
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_read(&q, &s->wa,
                  "SELECT count(*) FROM bridge_secret_waits WHERE our_jid = ?"
                  " AND target_id = ?"));
    stmt_text(&q, s->our);
    stmt_text(&q, target_id);
    err = count_end(&q, ret);
out:
    return err;
}

static enum wb_err count_of_sender(struct store *s, const struct jid *chat,
                                   const struct jid *sender, int64_t *ret)
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_read(&q, &s->wa,
                  "SELECT count(*) FROM bridge_secret_waits WHERE our_jid = ?"
                  " AND chat_jid = ? AND sender = ?"));
    stmt_text(&q, s->our);
    stmt_jid(&q, chat);
    stmt_jid(&q, sender);
    err = count_end(&q, ret);
out:
    return err;
}

static enum wb_err count_all(struct store *s, int64_t *ret)
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_read(&q, &s->wa, "SELECT count(*) FROM bridge_secret_waits WHERE our_jid = ?"));
    stmt_text(&q, s->our);
    err = count_end(&q, ret);
out:
    return err;
}

static enum wb_err drop_oldest_of_sender(struct store *s, const struct jid *chat,
                                         const struct jid *sender)
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_write(&q, &s->wa,
                   "DELETE FROM bridge_secret_waits WHERE seq = (SELECT seq FROM"
                   " bridge_secret_waits WHERE our_jid = ? AND chat_jid = ? AND sender = ?"
                   " ORDER BY seq LIMIT 1)"));
    stmt_text(&q, s->our);
    stmt_jid(&q, chat);
    stmt_jid(&q, sender);
    err = stmt_run(&q);
out:
    return err;
}

static enum wb_err drop_oldest(struct store *s)
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_write(&q, &s->wa,
                   "DELETE FROM bridge_secret_waits WHERE seq = (SELECT seq FROM"
                   " bridge_secret_waits WHERE our_jid = ? ORDER BY noted_at, seq LIMIT 1)"));
    stmt_text(&q, s->our);
    err = stmt_run(&q);
out:
    return err;
}

static enum wb_err insert(struct store *s, const struct store_secret_wait *w,
                          const struct jid *sender)
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_write(&q, &s->wa,
                   "INSERT OR IGNORE INTO bridge_secret_waits (our_jid, target_id, chat_jid,"
                   " message_id, sender, sender_alt, from_me, lid_addressing, timestamp, noted_at)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    stmt_text(&q, s->our);
    stmt_text(&q, w->target_id);
    stmt_jid(&q, &w->chat);
    stmt_text(&q, w->id);
    stmt_jid(&q, sender);
    stmt_jid(&q, &w->sender_alt);
    stmt_int(&q, w->from_me);
    stmt_int(&q, w->lid_addressing);
    stmt_int(&q, w->timestamp);
    stmt_int(&q, w->noted_at);
    err = stmt_run(&q);
out:
    return err;
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
    struct stmt q;
    enum wb_err err;
    memset(&w, 0, sizeof w);
    NEED_ACCOUNT(s);
    TRY(stmt_read(&q, &s->wa,
                  "SELECT seq, message_id, target_id, chat_jid, sender, sender_alt, from_me,"
                  " lid_addressing, timestamp, noted_at FROM bridge_secret_waits"
                  " WHERE our_jid = ? AND target_id = ? AND seq > ? ORDER BY seq LIMIT 1"));
    stmt_text(&q, s->our);
    stmt_text_span(&q, target_id);
    stmt_int(&q, after);
    err = stmt_step(&q);
    if (err == WB_OK) {
        w.seq = stmt_col_int(&q, 0);
        stmt_col_text(&q, 1, w.id, sizeof w.id);
        stmt_col_text(&q, 2, w.target_id, sizeof w.target_id);
        w.chat = stmt_col_jid(&q, 3);
        w.sender = stmt_col_jid(&q, 4);
        w.sender_alt = stmt_col_jid(&q, 5);
        w.from_me = stmt_col_int(&q, 6) != 0;
        w.lid_addressing = stmt_col_int(&q, 7) != 0;
        w.timestamp = stmt_col_int(&q, 8);
        w.noted_at = stmt_col_int(&q, 9);
        *ret = w;
    }
    stmt_end(&q);
out:
    return err;
}

enum wb_err store_secret_wait_done(struct store *s, int64_t seq)
{
    struct stmt q;
    enum wb_err err;
    TRY(stmt_write(&q, &s->wa, "DELETE FROM bridge_secret_waits WHERE seq = ?"));
    stmt_int(&q, seq);
    err = stmt_run(&q);
out:
    return err;
}

enum wb_err store_secret_wait_any(struct store *s, bool *ret_any)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_read(&q, &s->wa, "SELECT 1 FROM bridge_secret_waits WHERE our_jid = ? LIMIT 1"));
    stmt_text(&q, s->our);
    err = stmt_step(&q);
    stmt_end(&q);
    if (err == WB_OK || err == WB_ERR_NOT_FOUND) {
        *ret_any = err == WB_OK;
        err = WB_OK;
    }
out:
    return err;
}

enum wb_err store_secret_wait_prune(struct store *s, int64_t before, bool *ret_more)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_write(&q, &s->wa,
                   "DELETE FROM bridge_secret_waits WHERE seq IN (SELECT seq FROM"
                   " bridge_secret_waits WHERE our_jid = ? AND noted_at < ? LIMIT ?)"));
    stmt_text(&q, s->our);
    stmt_int(&q, before);
    stmt_int(&q, STORE_PRUNE_ROWS);
    TRY(stmt_run(&q));
    *ret_more = stmt_changes(&s->wa) == STORE_PRUNE_ROWS;
out:
    return err;
}

/* ---- what our phone does not have either ---------------------------------------------------- */

/* Binds whose and which one, in the order of the primary key. */
static enum wb_err bind_none(struct stmt *q, struct store *s, const struct jid *chat,
                             const struct jid *sender, struct span id)
{
    const struct jid bare_chat = jid_bare(*chat), bare_sender = jid_bare(*sender);
    struct jid c, p;
    enum wb_err err;
    TRY(store_canonical(s, &bare_chat, &c));
    TRY(store_canonical(s, &bare_sender, &p));
    stmt_text(q, s->our);
    stmt_jid(q, &c);
    stmt_jid(q, &p);
    stmt_text_span(q, id);
out:
    return err;
}

enum wb_err store_secret_none_put(struct store *s, const struct jid *chat, const struct jid *sender,
                                  struct span id, int64_t answered_at)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_write(&q, &s->wa,
                   "INSERT OR REPLACE INTO bridge_secrets_none (our_jid, chat_jid, sender,"
                   " message_id, answered_at) VALUES (?, ?, ?, ?, ?)"));
    err = bind_none(&q, s, chat, sender, id);
    stmt_int(&q, answered_at);
    if (err == WB_OK)
        err = stmt_run(&q);
    else
        stmt_end(&q);
out:
    return err;
}

enum wb_err store_secret_none_known(struct store *s, const struct jid *chat,
                                    const struct jid *sender, struct span id, bool *ret_known)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_read(&q, &s->wa,
                  "SELECT 1 FROM bridge_secrets_none WHERE our_jid = ? AND chat_jid = ?"
                  " AND sender = ? AND message_id = ?"));
    err = bind_none(&q, s, chat, sender, id);
    if (err == WB_OK)
        err = stmt_step(&q);
    stmt_end(&q);
    if (err == WB_OK || err == WB_ERR_NOT_FOUND) {
        *ret_known = err == WB_OK;
        err = WB_OK;
    }
out:
    return err;
}

enum wb_err store_secret_none_prune(struct store *s, int64_t before, bool *ret_more)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_write(&q, &s->wa,
                   "DELETE FROM bridge_secrets_none WHERE our_jid = ?1 AND"
                   " (chat_jid, sender, message_id) IN (SELECT chat_jid, sender, message_id FROM"
                   " bridge_secrets_none WHERE our_jid = ?1 AND answered_at < ?2 LIMIT ?3)"));
    stmt_text(&q, s->our);
    stmt_int(&q, before);
    stmt_int(&q, STORE_PRUNE_ROWS);
    TRY(stmt_run(&q));
    *ret_more = stmt_changes(&s->wa) == STORE_PRUNE_ROWS;
out:
    return err;
}
