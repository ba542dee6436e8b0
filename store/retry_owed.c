/* retry_owed.c - messages that could not be read and what was asked for them. */
#include <string.h>

#include "store/lid_map.h"
#include "store/retry.h"
#include "store/state.h"
#include "store/stmt.h"

/* A person's rows are kept under one form (rule 4), whichever the stanza had. */
static enum wb_err keys_of(struct store *s, const struct jid *chat_in, const struct jid *sender_in,
                           struct jid *ret_chat, struct jid *ret_sender)
{
    struct jid chat = jid_bare(*chat_in), sender = jid_bare(*sender_in);
    enum wb_err err;
    TRY(store_canonical(s, &chat, ret_chat));
    err = store_canonical(s, &sender, ret_sender);
out:
    return err;
}

enum wb_err store_retry_owed_put(struct store *s, const struct store_retry_owed *o)
{
    struct jid chat, sender;
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    if (!o->id[0])
        return WB_ERR_INVALID;
    TRY(keys_of(s, &o->chat, &o->sender, &chat, &sender));
    TRY(stmt_write(&q, &s->wa,
                   "INSERT INTO bridge_retry_owed (our_jid, chat_jid, sender_user, message_id,"
                   " sender_jid, stanza_from, participant, recipient, count, timestamp, asked_at,"
                   " phone_asked, enc_type, reason)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                   " ON CONFLICT (our_jid, chat_jid, sender_user, message_id) DO UPDATE SET"
                   " sender_jid = excluded.sender_jid, stanza_from = excluded.stanza_from,"
                   " participant = excluded.participant, recipient = excluded.recipient,"
                   " count = excluded.count, timestamp = excluded.timestamp,"
                   " asked_at = excluded.asked_at, phone_asked = excluded.phone_asked,"
                   " enc_type = excluded.enc_type, reason = excluded.reason"));
    stmt_text(&q, s->our);
    stmt_jid(&q, &chat);
    stmt_jid(&q, &sender);
    stmt_text(&q, o->id);
    stmt_jid(&q, &o->sender);
    stmt_jid(&q, &o->stanza_from);
    stmt_jid(&q, &o->participant);
    stmt_jid(&q, &o->recipient);
    stmt_int(&q, o->count);
    stmt_int(&q, o->timestamp);
    stmt_int(&q, o->asked_at);
    stmt_int(&q, o->phone_asked);
    stmt_text(&q, o->enc_type);
    stmt_text(&q, o->reason);
    err = stmt_run(&q);
out:
    return err;
}

#define ROW                                                                                        \
    "SELECT seq, message_id, chat_jid, sender_jid, stanza_from, participant, recipient, count,"    \
    " timestamp, asked_at, phone_asked, enc_type, reason FROM bridge_retry_owed"                   \
    " WHERE our_jid = ? AND "

static void read_row(struct stmt *q, struct store_retry_owed *o)
{
    memset(o, 0, sizeof *o);
    stmt_col_text(q, 1, o->id, sizeof o->id);
    o->chat = stmt_col_jid(q, 2);
    o->sender = stmt_col_jid(q, 3);
    o->stanza_from = stmt_col_jid(q, 4);
    o->participant = stmt_col_jid(q, 5);
    o->recipient = stmt_col_jid(q, 6);
    o->count = (uint32_t)stmt_col_int(q, 7);
    o->timestamp = stmt_col_int(q, 8);
    o->asked_at = stmt_col_int(q, 9);
    o->phone_asked = stmt_col_int(q, 10) == STORE_PHONE_ACKED ? STORE_PHONE_ACKED
                     : stmt_col_int(q, 10)                    ? STORE_PHONE_ASKED
                                                              : STORE_PHONE_NOT_ASKED;
    stmt_col_text(q, 11, o->enc_type, sizeof o->enc_type);
    stmt_col_text(q, 12, o->reason, sizeof o->reason);
}

enum wb_err store_retry_owed_get(struct store *s, const struct jid *chat_in,
                                 const struct jid *sender_in, struct span id,
                                 struct store_retry_owed *ret)
{
    struct jid chat, sender;
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(keys_of(s, chat_in, sender_in, &chat, &sender));
    TRY(stmt_read(&q, &s->wa, ROW "chat_jid = ? AND sender_user = ? AND message_id = ?"));
    stmt_text(&q, s->our);
    stmt_jid(&q, &chat);
    stmt_jid(&q, &sender);
    stmt_text_span(&q, id);
    err = stmt_step(&q);
    if (err == WB_OK)
        read_row(&q, ret);
    stmt_end(&q);
out:
    return err;
}

/* Runs a write whose parameters are our account and the key of one row. */
static enum wb_err write_one(struct store *s, const char *sql, const struct jid *chat_in,
                             const struct jid *sender_in, struct span id)
{
    struct jid chat, sender;
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(keys_of(s, chat_in, sender_in, &chat, &sender));
    TRY(stmt_write(&q, &s->wa, sql));
    stmt_text(&q, s->our);
    stmt_jid(&q, &chat);
    stmt_jid(&q, &sender);
    stmt_text_span(&q, id);
    err = stmt_run(&q);
out:
    return err;
}

enum wb_err store_retry_owed_done(struct store *s, const struct jid *chat, const struct jid *sender,
                                  struct span id)
{
    return write_one(s,
                     "DELETE FROM bridge_retry_owed WHERE our_jid = ? AND chat_jid = ?"
                     " AND sender_user = ? AND message_id = ?",
                     chat, sender, id);
}

enum wb_err store_retry_owed_acked(struct store *s, const struct jid *chat,
                                   const struct jid *sender, struct span id)
{
    return write_one(s,
                     "UPDATE bridge_retry_owed SET phone_asked = 2 WHERE our_jid = ?"
                     " AND chat_jid = ? AND sender_user = ? AND message_id = ?"
                     " AND phone_asked = 1",
                     chat, sender, id);
}

enum wb_err store_retry_owed_next(struct store *s, int64_t *cursor, struct store_retry_owed *ret)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_read(&q, &s->wa, ROW "seq > ? ORDER BY seq LIMIT 1"));
    stmt_text(&q, s->our);
    stmt_int(&q, *cursor);
    err = stmt_step(&q);
    if (err == WB_OK) {
        *cursor = stmt_col_int(&q, 0);
        read_row(&q, ret);
    }
    stmt_end(&q);
out:
    return err;
}

enum wb_err store_retry_owed_prune(struct store *s, int64_t before)
{
    struct stmt q;
    enum wb_err err;
    NEED_ACCOUNT(s);
    TRY(stmt_write(&q, &s->wa,
                   "DELETE FROM bridge_retry_owed WHERE our_jid = ? AND timestamp < ?"));
    stmt_text(&q, s->our);
    stmt_int(&q, before);
    err = stmt_run(&q);
out:
    return err;
}
