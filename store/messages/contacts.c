#include "store/messages/contacts.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "store/core/state.h"
#include "store/db/dialect.h"
#include "store/db/sql.h"
#include "store/messages/chat_names.h"
#include "store/messages/limits.h"
#include "store/session/lid_map.h"
#include "store/session/other_form.h"

/* Names come from strangers: cut at a character, unreadable bytes are not stored at all. */
static struct span name_of(struct span name)
{
    if (!utf8_valid(name) || (name.n && memchr(name.p, 0, name.n)))
        return SPAN_LIT("");
    return utf8_first(name, STORE_NAME_MAX);
}

/* sql sets one column (?3) of the row of ?1 and ?2 and does nothing when it is so already. */
static enum wb_err set_one(struct store *s, const char *sql, const struct jid *who,
                           struct span value, bool *ret_changed)
{
    struct jid bare = jid_unhosted(jid_bare(*who));
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(sql_run(&s->wa, sql,
                BINDS(BIND_TEXT(s->our), BIND_JID(&bare), BIND_OR_EMPTY(name_of(value)))));
    const bool changed = stmt_changes(&s->wa) > 0;
    if (ret_changed)
        *ret_changed = changed;
    if (changed)
        err = chat_name_follow(s, &bare);
out:
    return err;
}

#define SET_ONE(column)                                                                            \
    "INSERT INTO whatsmeow_contacts (our_jid, their_jid, " column ") VALUES (?1, ?2, ?3)"          \
    " ON CONFLICT (our_jid, their_jid) DO UPDATE SET " column " = excluded." column                \
    " WHERE " column " IS NOT excluded." column

enum wb_err store_contact_push_name(struct store *s, const struct jid *who, struct span name,
                                    bool *ret_changed)
{
    return set_one(s, SET_ONE("push_name"), who, name, ret_changed);
}

enum wb_err store_contact_business_name(struct store *s, const struct jid *who, struct span name,
                                        bool *ret_changed)
{
    return set_one(s, SET_ONE("business_name"), who, name, ret_changed);
}

enum wb_err store_contact_redacted_phone(struct store *s, const struct jid *who, struct span text)
{
    return set_one(s, SET_ONE("redacted_phone"), who, text, NULL);
}

static void fill_in(struct stmt *q, int column, char *out, size_t size)
{
    if (!out[0])
        stmt_col_text(q, column, out, size);
}

enum wb_err store_contact_get(struct store *s, const struct jid *who, struct store_contact *ret)
{
    struct store_contact c;
    struct jid forms[2];
    size_t n = 0, found = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    memset(&c, 0, sizeof c);
    TRY(both_forms(s, who, forms, &n));
    c.jid = forms[0];
    for (size_t i = 0; i < n; i++) {
        struct stmt q;

        TRY(stmt_read(&q, &s->wa,
                      "SELECT first_name, full_name, push_name, business_name, redacted_phone"
                      " FROM whatsmeow_contacts WHERE our_jid = ? AND their_jid = ?"));
        stmt_text(&q, s->our);
        stmt_jid(&q, &forms[i]);
        err = stmt_step(&q);
        if (err == WB_OK) {
            fill_in(&q, 0, c.first_name, sizeof c.first_name);
            fill_in(&q, 1, c.full_name, sizeof c.full_name);
            fill_in(&q, 2, c.push_name, sizeof c.push_name);
            fill_in(&q, 3, c.business_name, sizeof c.business_name);
            fill_in(&q, 4, c.redacted_phone, sizeof c.redacted_phone);
            found++;
        }
        stmt_end(&q);
        if (err != WB_OK && err != WB_ERR_NOT_FOUND)
            return err;
    }
    err = found ? WB_OK : WB_ERR_NOT_FOUND;
    if (found)
        *ret = c;
out:
    return err;
}

/* More than a peer's time may lie ahead of ours (bridge/core/peer_time.h). */
enum { TIMER_SLACK_S = 2 * 3600 };

enum wb_err store_chat_timer_put(struct store *s, const struct jid *person, uint32_t expiration_s,
                                 int64_t set_at, int64_t now)
{
    struct jid chat = jid_bare(*person);
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(store_canonical(s, &chat, &chat));
    err = sql_run(&s->wa,
                  "INSERT INTO bridge_chat_timers AS t (our_jid, chat, expiration_s, set_at)"
                  " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (our_jid, chat) DO UPDATE SET"
                  " expiration_s = ?3, set_at = ?4 WHERE t.set_at < ?4"
                  " OR t.set_at > ?5",
                  BINDS(BIND_TEXT(s->our), BIND_JID(&chat), BIND_INT(expiration_s),
                        BIND_INT(set_at), BIND_INT(now + TIMER_SLACK_S)));
out:
    return err;
}

enum wb_err store_chat_timer_get(struct store *s, const struct jid *person,
                                 uint32_t *ret_expiration_s, int64_t *ret_set_at)
{
    struct jid chat = jid_bare(*person);
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(store_canonical(s, &chat, &chat));
    err = sql_row(&s->wa,
                  "SELECT expiration_s, set_at FROM bridge_chat_timers"
                  " WHERE our_jid = ? AND chat = ?",
                  BINDS(BIND_TEXT(s->our), BIND_JID(&chat)),
                  COLS(COL_UINT32(ret_expiration_s), COL_INT(ret_set_at)));
out:
    return err;
}

enum wb_err store_message_secret_put(struct store *s, const struct jid *chat_in,
                                     const struct jid *sender_in, struct span id,
                                     const uint8_t secret[static MESSAGE_SECRET_BYTES])
{
    struct jid chat = jid_bare(*chat_in), sender = jid_bare(*sender_in);

    NEED_ACCOUNT(s);
    if (!id.n || id.n > STORE_MESSAGE_ID_MAX)
        return WB_ERR_INVALID;
    return sql_run(&s->wa,
                   "INSERT INTO whatsmeow_message_secrets"
                   " (our_jid, chat_jid, sender_jid, message_id, key) VALUES (?, ?, ?, ?, ?)"
                   " ON CONFLICT DO NOTHING",
                   BINDS(BIND_TEXT(s->our), BIND_JID(&chat), BIND_JID(&sender), BIND_SPAN(id),
                         BIND_BLOB(SPAN(secret, MESSAGE_SECRET_BYTES))));
}

static enum wb_err secret_of(struct store *s, const struct jid *chat, const struct jid *sender,
                             struct span id, uint8_t *ret)
{
    return sql_row(&s->wa,
                   "SELECT key FROM whatsmeow_message_secrets WHERE our_jid = ?"
                   " AND chat_jid = ? AND sender_jid = ? AND message_id = ?",
                   BINDS(BIND_TEXT(s->our), BIND_JID(chat), BIND_JID(sender), BIND_SPAN(id)),
                   COLS(COL_BYTES(ret, MESSAGE_SECRET_BYTES)));
}

enum wb_err store_message_secret_get(struct store *s, const struct jid *chat,
                                     const struct jid *sender, struct span id,
                                     uint8_t ret[static MESSAGE_SECRET_BYTES])
{
    struct jid chats[2], senders[2];
    size_t nchats = 0, nsenders = 0;
    enum wb_err err;

    NEED_ACCOUNT(s);
    TRY(both_forms(s, chat, chats, &nchats));
    TRY(both_forms(s, sender, senders, &nsenders));
    err = WB_ERR_NOT_FOUND;
    for (size_t i = 0; i < nchats * nsenders && err == WB_ERR_NOT_FOUND; i++)
        err = secret_of(s, &chats[i / nsenders], &senders[i % nsenders], id, ret);
out:
    return err;
}

enum wb_err store_message_secret_prune(struct store *s, bool *ret_more)
{
    NEED_ACCOUNT(s);
    /* whatsmeow's table tells no time, but rows are only ever added at its end: the oldest are the
     * first. */
    return sql_run_some(
        &s->wa,
        "DELETE FROM whatsmeow_message_secrets WHERE " SQL_ROW_NUMBER " IN (SELECT " SQL_ROW_NUMBER
        " FROM whatsmeow_message_secrets WHERE " SQL_ROW_NUMBER " <= (SELECT max(" SQL_ROW_NUMBER
        ") FROM whatsmeow_message_secrets) - ?"
        " ORDER BY " SQL_ROW_NUMBER " LIMIT ?)",
        BINDS(BIND_INT(STORE_SECRETS_MAX), BIND_INT(STORE_PRUNE_ROWS)), STORE_PRUNE_ROWS, ret_more);
}
