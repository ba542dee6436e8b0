#include <string.h>

#include "store/messages/chat_names.h"
#include "store/messages/message_row.h"
#include "store/session/lid_map.h"

enum wb_err store_chat_name(struct store *s, const struct jid *chat_in, struct span name,
                            bool replace)
{
    struct jid chat;
    enum wb_err err;

    TRY(chat_of(s, chat_in, &chat));
    TRY(chat_touch(s, &chat, 0));
    if (name.n == 0)
        return WB_OK;
    err = sql_run(&s->msg,
                  "UPDATE chats SET name = ?1 WHERE jid = ?2"
                  " AND (?3 OR coalesce(name, '') IN ('', ?4)) AND name IS NOT ?1",
                  BINDS(BIND_SPAN(name), BIND_JID(&chat), BIND_INT(replace), BIND_TEXT(chat.user)));
out:
    return err;
}

enum wb_err store_chat_get(struct store *s, const struct jid *chat_in, struct store_chat *ret)
{
    struct store_chat c;
    enum wb_err err;

    memset(&c, 0, sizeof c);
    TRY(chat_of(s, chat_in, &c.jid));
    err = sql_row(&s->msg,
                  "SELECT name, coalesce(" SQL_SECONDS("last_message_time") ", 0) FROM chats"
                                                                            " WHERE jid = ?",
                  BINDS(BIND_JID(&c.jid)),
                  COLS(COL_TEXT(c.name, sizeof c.name), COL_INT(&c.last_message_time)));
    if (err == WB_OK)
        *ret = c;
out:
    return err;
}

/* Runs a statement whose parameters ?1 and ?2 are the two texts. */
static enum wb_err with_both(struct store *s, const char *sql, const char *lid, const char *pn,
                             size_t *changed)
{
    enum wb_err err;

    TRY(sql_run(&s->msg, sql, BINDS(BIND_TEXT(lid), BIND_TEXT(pn))));
    if (changed)
        *changed += stmt_changes(&s->msg);
out:
    return err;
}

/* A row of the Go bridge has nothing but `sender`, the digits of the LID, or all of it. */
#define PN_SENDER                                                                                  \
    " sender = iif(sender IN (?1, substr(?1, 1, instr(?1, '@') - 1)),"                             \
    " substr(?2, 1, instr(?2, '@') - 1), sender)"

#define MOVE_BESIDE(between)                                                                       \
    "UPDATE OR IGNORE messages SET chat_jid = ?2, original_id = coalesce(original_id, id),"        \
    " id = id || '" between "' || coalesce(sender, '')," PN_SENDER " WHERE chat_jid = ?1"          \
    " AND is_from_me IS NOT (SELECT p.is_from_me FROM messages AS p"                               \
    " WHERE p.chat_jid = ?2 AND p.id = messages.id)"

/* The chat under ?1 becomes part of the chat under ?2. In a 1:1 chat is_from_me tells the sender,
 * so a row of the same id and side is the same message: the one with content stays. */
static enum wb_err move_chat(struct store *s, const char *lid, const char *pn, size_t *moved)
{
    enum wb_err err;

    TRY(with_both(
        s,
        "INSERT INTO chats (jid, name, last_message_time)"
        " SELECT ?2, name, last_message_time FROM chats WHERE jid = ?1"
        " ON CONFLICT (jid) DO UPDATE SET"
        " name = iif(coalesce(name, '') IN ('', substr(?2, 1, instr(?2, '@') - 1)),"
        " excluded.name, name),"
        " last_message_time = iif(last_message_time IS NULL"
        " OR (" SQL_SECONDS(
            "excluded.last_message_time") ")"
                                          " > (" SQL_SECONDS(
                                              "chats.last_message_time") "),"
                                                                         " excluded.last_message_"
                                                                         "time, last_message_time)",
        lid, pn, NULL));
    TRY(with_both(s,
                  "DELETE FROM messages WHERE chat_jid = ?2 AND state = 'waiting' AND EXISTS"
                  " (SELECT 1 FROM messages AS l WHERE l.chat_jid = ?1 AND l.id = messages.id"
                  " AND l.state = '' AND l.is_from_me = messages.is_from_me)",
                  lid, pn, NULL));
    TRY(with_both(s,
                  "UPDATE OR IGNORE messages SET chat_jid = ?2," PN_SENDER " WHERE chat_jid = ?1",
                  lid, pn, moved));
    TRY(with_both(s, MOVE_BESIDE(BESIDE), lid, pn, moved));
    TRY(with_both(s, MOVE_BESIDE(BESIDE_SURELY), lid, pn, moved));
    TRY(with_both(s, "DELETE FROM messages WHERE chat_jid = ?1 AND ?2 <> ?1", lid, pn, NULL));
    TRY(with_both(s, "UPDATE OR REPLACE reactions SET chat_jid = ?2 WHERE chat_jid = ?1", lid, pn,
                  NULL));
    err = with_both(s, "DELETE FROM chats WHERE jid = ?1 AND ?2 <> ?1", lid, pn, NULL);
out:
    return err;
}

static enum wb_err chat_exists(struct store *s, const char *jid, bool *ret)
{
    return sql_exists(&s->msg, "SELECT 1 FROM chats WHERE jid = ?", BINDS(BIND_TEXT(jid)), ret);
}

/* Gives a number to senders that were only known by their LID. */
static enum wb_err name_senders(struct store *s, const char *lid, const char *pn,
                                const struct jid *pn_jid, size_t *changed)
{
    bool any = false;
    enum wb_err err;

    TRY(sql_exists(&s->msg,
                   "SELECT 1 FROM messages WHERE sender_lid = ? AND sender_pn IS NULL LIMIT 1",
                   BINDS(BIND_TEXT(lid)), &any));
    if (!any)
        return WB_OK;
    TRY(sql_run(&s->msg,
                "UPDATE messages SET sender_pn = ?2, sender = ?3"
                " WHERE sender_lid = ?1 AND sender_pn IS NULL",
                BINDS(BIND_TEXT(lid), BIND_TEXT(pn), BIND_TEXT(pn_jid->user))));
    *changed += stmt_changes(&s->msg);
    err = sql_run(&s->msg,
                  "UPDATE OR REPLACE reactions SET sender = ?3, sender_jid = ?2"
                  " WHERE sender_jid = ?1 AND substr(sender_jid, -4) = '@lid'",
                  BINDS(BIND_TEXT(lid), BIND_TEXT(pn), BIND_TEXT(pn_jid->user)));
out:
    return err;
}

enum wb_err store_chat_rekey(struct store *s, const struct jid *lid_in, const struct jid *pn_in,
                             size_t *ret_moved)
{
    struct jid lid_jid = jid_unhosted(jid_bare(*lid_in)), pn_jid = jid_unhosted(jid_bare(*pn_in));
    char lid[JID_TEXT_MAX], pn[JID_TEXT_MAX];
    size_t moved = 0;
    bool there = false;
    enum wb_err err;

    if (lid_jid.server != JID_LID || pn_jid.server != JID_PN)
        return WB_ERR_INVALID;
    jid_text(&lid_jid, lid);
    jid_text(&pn_jid, pn);
    TRY(chat_exists(s, lid, &there));
    if (there)
        TRY(move_chat(s, lid, pn, &moved));
    if (there)
        TRY(chat_name_follow(s, &pn_jid));
    store_chats_clear(s);
    TRY(name_senders(s, lid, pn, &pn_jid, &moved));
    if (ret_moved)
        *ret_moved = moved;
out:
    return err;
}

/* The next LID behind `after` that a chat or a sender is kept under; "" when there is none. Walks
 * along the indexes, so that the number of rows does not matter. */
static enum wb_err next_lid(struct store *s, const char *after, char ret[JID_TEXT_MAX])
{
    return sql_row(&s->msg,
                   "SELECT min(lid) FROM (SELECT min(jid) AS lid FROM chats"
                   " WHERE jid > ?1 AND jid LIKE '%@lid' UNION ALL SELECT min(sender_lid)"
                   " FROM messages WHERE sender_pn IS NULL AND sender_lid > ?1)",
                   BINDS(BIND_TEXT(after)), COLS(COL_TEXT(ret, JID_TEXT_MAX)));
}

enum wb_err store_chats_rekey_known(struct store *s, size_t *ret_moved)
{
    char lid[JID_TEXT_MAX] = "", after[JID_TEXT_MAX];
    size_t moved = 0, n;
    struct jid jid, pn;
    enum wb_err err;

    do {
        memcpy(after, lid, sizeof after);
        TRY(next_lid(s, after, lid));
        if (jid_parse(span_cstr(lid), &jid) != WB_OK)
            continue;
        err = store_pn_of_lid(s, &jid, &pn);
        if (err == WB_OK)
            err = store_chat_rekey(s, &jid, &pn, &n);
        if (err == WB_OK)
            moved += n;
        else if (err != WB_ERR_NOT_FOUND)
            return err;
    } while (strcmp(lid, after) > 0);
    if (ret_moved)
        *ret_moved = moved;
    err = WB_OK;
out:
    return err;
}
