/* retry_owed.c - messages that could not be read and what was asked for them. */
#include <string.h>

#include "store/core/state.h"
#include "store/db/sql.h"
#include "store/session/other_form.h"
#include "store/session/retry.h"

/* A person's rows are kept under one form (rule 4, one identity per person), whichever the stanza
 * had; a row that was made before their LID was known is under the other form. */
struct owed_key {
    struct jid chats[2], senders[2]; /* the canonical form first; the other one, or JID_NONE */
};

#define KEY_IS                                                                                     \
    "our_jid = ? AND chat_jid IN (?, ?) AND sender_user IN (?, ?)"                                 \
    " AND message_id = ?"

static enum wb_err forms_of(struct store *s, const struct jid *who, struct jid ret[2])
{
    struct jid forms[2] = {{0}};
    size_t n = 0;
    enum wb_err err = both_forms(s, who, forms, &n);

    if (err != WB_OK)
        return err;
    bool swap = n == 2 && forms[1].server == JID_LID;
    ret[0] = forms[swap];
    ret[1] = n == 2 ? forms[!swap] : (struct jid){0};
    return WB_OK;
}

static enum wb_err key_of(struct store *s, const struct jid *chat, const struct jid *sender,
                          struct owed_key *ret)
{
    enum wb_err err;

    TRY(forms_of(s, chat, ret->chats));
    err = forms_of(s, sender, ret->senders);
out:
    return err;
}

/* The parameters of KEY_IS. */
#define KEY_BINDS(s, k, id)                                                                        \
    BIND_TEXT((s)->our), BIND_JID(&(k)->chats[0]), BIND_JID(&(k)->chats[1]),                       \
        BIND_JID(&(k)->senders[0]), BIND_JID(&(k)->senders[1]), BIND_SPAN(id)

/* Moves a row from under the other form to the canonical one. */
static enum wb_err move_row(struct store *s, const struct owed_key *k, struct span id)
{
    if (jid_is_none(&k->chats[1]) && jid_is_none(&k->senders[1]))
        return WB_OK;
    return sql_run(&s->wa,
                   "UPDATE OR REPLACE bridge_retry_owed SET chat_jid = ?, sender_user = ?"
                   " WHERE " KEY_IS,
                   BINDS(BIND_JID(&k->chats[0]), BIND_JID(&k->senders[0]), KEY_BINDS(s, k, id)));
}

enum wb_err store_retry_owed_put(struct store *s, const struct store_retry_owed *o)
{
    struct owed_key k;
    enum wb_err err;

    NEED_ACCOUNT(s);
    if (!o->id[0])
        return WB_ERR_INVALID;
    TRY(key_of(s, &o->chat, &o->sender, &k));
    TRY(move_row(s, &k, span_cstr(o->id)));
    err = sql_run(&s->wa,
                  "INSERT INTO bridge_retry_owed (our_jid, chat_jid, sender_user, message_id,"
                  " sender_jid, stanza_from, participant, recipient, count, timestamp, asked_at,"
                  " phone_asked, enc_type, reason)"
                  " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                  " ON CONFLICT (our_jid, chat_jid, sender_user, message_id) DO UPDATE SET"
                  " sender_jid = excluded.sender_jid, stanza_from = excluded.stanza_from,"
                  " participant = excluded.participant, recipient = excluded.recipient,"
                  " count = excluded.count, timestamp = excluded.timestamp,"
                  " asked_at = excluded.asked_at, phone_asked = excluded.phone_asked,"
                  " enc_type = excluded.enc_type, reason = excluded.reason",
                  BINDS(BIND_TEXT(s->our), BIND_JID(&k.chats[0]), BIND_JID(&k.senders[0]),
                        BIND_TEXT(o->id), BIND_JID(&o->sender), BIND_JID(&o->stanza_from),
                        BIND_JID(&o->participant), BIND_JID(&o->recipient), BIND_INT(o->count),
                        BIND_INT(o->timestamp), BIND_INT(o->asked_at), BIND_INT(o->phone_asked),
                        BIND_TEXT(o->enc_type), BIND_TEXT(o->reason)));
out:
    return err;
}

#define ROW                                                                                        \
    "SELECT seq, message_id, chat_jid, sender_jid, stanza_from, participant, recipient, count,"    \
    " timestamp, asked_at, phone_asked, enc_type, reason FROM bridge_retry_owed WHERE "

static enum wb_err read_row(struct stmt *q, void *ret)
{
    struct store_retry_owed *o = ret;

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
    return WB_OK;
}

enum wb_err store_retry_owed_get(struct store *s, const struct jid *chat, const struct jid *sender,
                                 struct span id, struct store_retry_owed *ret)
{
    struct owed_key k;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(key_of(s, chat, sender, &k));
    err = sql_row_by(&s->wa, ROW KEY_IS, BINDS(KEY_BINDS(s, &k, id)), read_row, ret);
out:
    return err;
}

/* Runs a write whose parameters are the key of one row. */
static enum wb_err write_one(struct store *s, const char *sql, const struct jid *chat,
                             const struct jid *sender, struct span id)
{
    struct owed_key k;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(key_of(s, chat, sender, &k));
    err = sql_run(&s->wa, sql, BINDS(KEY_BINDS(s, &k, id)));
out:
    return err;
}

enum wb_err store_retry_owed_done(struct store *s, const struct jid *chat, const struct jid *sender,
                                  struct span id)
{
    return write_one(s, "DELETE FROM bridge_retry_owed WHERE " KEY_IS, chat, sender, id);
}

enum wb_err store_retry_owed_acked(struct store *s, const struct jid *chat,
                                   const struct jid *sender, struct span id)
{
    return write_one(s,
                     "UPDATE bridge_retry_owed SET phone_asked = 2 WHERE phone_asked = 1"
                     " AND " KEY_IS,
                     chat, sender, id);
}

/* One row of those that `sql` finds for the account and a time. */
static enum wb_err read_first(struct store *s, const char *sql, int64_t asked_before,
                              struct store_retry_owed *ret)
{
    NEED_ACCOUNT(s);
    return sql_row_by(&s->wa, sql, BINDS(BIND_TEXT(s->our), BIND_INT(asked_before)), read_row, ret);
}

enum wb_err store_retry_owed_of_sender(struct store *s, int64_t asked_before,
                                       struct store_retry_owed *ret)
{
    _Static_assert(STORE_RETRY_RECEIPTS_MAX == 4, "as in the index bridge_retry_owed_again");
    return read_first(s,
                      ROW "our_jid = ? AND asked_at <= ? AND count > 0 AND count < 4"
                          " ORDER BY asked_at LIMIT 1",
                      asked_before, ret);
}

enum wb_err store_retry_owed_of_phone(struct store *s, enum store_phone_asked phone,
                                      int64_t asked_before, struct store_retry_owed *ret)
{
    /* One statement for each state: the index needs the state in the text, not as a parameter. */
    static const char *const sql[] = {
        [STORE_PHONE_NOT_ASKED] = ROW "our_jid = ? AND phone_asked = 0 AND asked_at <= ?"
                                      " ORDER BY asked_at LIMIT 1",
        [STORE_PHONE_ASKED] = ROW "our_jid = ? AND phone_asked = 1 AND asked_at <= ?"
                                  " ORDER BY asked_at LIMIT 1",
        [STORE_PHONE_ACKED] = ROW "our_jid = ? AND phone_asked = 2 AND asked_at <= ?"
                                  " ORDER BY asked_at LIMIT 1",
    };

    return read_first(s, sql[phone], asked_before, ret);
}

enum wb_err store_retry_owed_any(struct store *s, bool *ret_any)
{
    NEED_ACCOUNT(s);
    return sql_exists(&s->wa, "SELECT 1 FROM bridge_retry_owed WHERE our_jid = ? LIMIT 1",
                      BINDS(BIND_TEXT(s->our)), ret_any);
}

enum wb_err store_retry_owed_lost(struct store *s)
{
    NEED_ACCOUNT(s);
    return sql_run(&s->wa,
                   "UPDATE bridge_retry_owed SET phone_asked = 0"
                   " WHERE our_jid = ? AND phone_asked = 1",
                   BINDS(BIND_TEXT(s->our)));
}

enum wb_err store_retry_owed_prune(struct store *s, int64_t before, bool *ret_more)
{
    NEED_ACCOUNT(s);
    return sql_run_some(
        &s->wa,
        "DELETE FROM bridge_retry_owed WHERE seq IN (SELECT seq FROM bridge_retry_owed"
        " WHERE our_jid = ? AND timestamp < ? ORDER BY timestamp LIMIT ?)",
        BINDS(BIND_TEXT(s->our), BIND_INT(before), BIND_INT(STORE_PRUNE_ROWS)), STORE_PRUNE_ROWS,
        ret_more);
}
