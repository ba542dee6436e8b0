/* messages_schema.c - the Go bridge's two tables with our columns behind (docs/databases.md,
 * P-MC-12). A file of the Go bridge is extended in place: columns are added, rows are not touched
 * but for change_seq. */
#include "store/messages/messages_schema.h"

#include "base/fault.h"
#include "store/core/state.h"
#include "store/db/db_schema.h"
#include "store/db/dialect.h"
#include "store/db/sql.h"

/* 2: the file remembers how it keeps its times, and a message without a text of its own has a
 * readable one in `summary`. */
enum { MESSAGES_SCHEMA = 2 };

/* SQLite keeps this comment with the table: as long as there is no row, it alone tells our files
 * from those of the Go bridge. */
#define MADE_HERE "/* whatsapp-bridge */"

static const char *const base_tables[] = {
    "CREATE TABLE IF NOT EXISTS chats (jid TEXT PRIMARY KEY, name TEXT,"
    " last_message_time TIMESTAMP)",
    "CREATE TABLE IF NOT EXISTS messages (" MADE_HERE " id TEXT, chat_jid TEXT, sender TEXT,"
    " content TEXT,"
    " timestamp TIMESTAMP, is_from_me BOOLEAN, media_type TEXT, filename TEXT, url TEXT,"
    " media_key BLOB, file_sha256 BLOB, file_enc_sha256 BLOB, file_length INTEGER,"
    " PRIMARY KEY (id, chat_jid), FOREIGN KEY (chat_jid) REFERENCES chats(jid))",
};

static const struct column {
    const char *name;
    const char *add;
} columns[] = {
    /* Older Go bridges knew nothing of media. */
    {"media_type", "ALTER TABLE messages ADD COLUMN media_type TEXT"},
    {"filename", "ALTER TABLE messages ADD COLUMN filename TEXT"},
    {"url", "ALTER TABLE messages ADD COLUMN url TEXT"},
    {"media_key", "ALTER TABLE messages ADD COLUMN media_key BLOB"},
    {"file_sha256", "ALTER TABLE messages ADD COLUMN file_sha256 BLOB"},
    {"file_enc_sha256", "ALTER TABLE messages ADD COLUMN file_enc_sha256 BLOB"},
    {"file_length", "ALTER TABLE messages ADD COLUMN file_length INTEGER"},
    {"chat", "ALTER TABLE messages ADD COLUMN chat TEXT GENERATED ALWAYS AS (chat_jid) VIRTUAL"},
    {"sender_jid", "ALTER TABLE messages ADD COLUMN sender_jid TEXT"},
    {"sender_lid", "ALTER TABLE messages ADD COLUMN sender_lid TEXT"},
    {"sender_pn", "ALTER TABLE messages ADD COLUMN sender_pn TEXT"},
    {"push_name", "ALTER TABLE messages ADD COLUMN push_name TEXT"},
    {"kind", "ALTER TABLE messages ADD COLUMN kind TEXT"},
    {"state", "ALTER TABLE messages ADD COLUMN state TEXT NOT NULL DEFAULT ''"},
    {"addressing", "ALTER TABLE messages ADD COLUMN addressing TEXT"},
    {"mentions", "ALTER TABLE messages ADD COLUMN mentions TEXT"},
    {"mentions_me", "ALTER TABLE messages ADD COLUMN mentions_me INTEGER NOT NULL DEFAULT 0"},
    {"quoted_id", "ALTER TABLE messages ADD COLUMN quoted_id TEXT"},
    {"quoted_sender", "ALTER TABLE messages ADD COLUMN quoted_sender TEXT"},
    {"target_id", "ALTER TABLE messages ADD COLUMN target_id TEXT"},
    {"original_id", "ALTER TABLE messages ADD COLUMN original_id TEXT"},
    {"edited_at", "ALTER TABLE messages ADD COLUMN edited_at INTEGER"},
    {"revoked_at", "ALTER TABLE messages ADD COLUMN revoked_at INTEGER"},
    {"revoked_by", "ALTER TABLE messages ADD COLUMN revoked_by TEXT"},
    {"server_time", "ALTER TABLE messages ADD COLUMN server_time INTEGER"},
    {"received_at", "ALTER TABLE messages ADD COLUMN received_at INTEGER"},
    {"raw", "ALTER TABLE messages ADD COLUMN raw BLOB"},
    {"change_seq", "ALTER TABLE messages ADD COLUMN change_seq INTEGER NOT NULL DEFAULT 0"},
    {"summary", "ALTER TABLE messages ADD COLUMN summary TEXT"},
};

/* The counter has a table of its own: MAX(change_seq) + 1 would be given twice when INSERT OR
 * REPLACE takes the newest row's place. Rows are numbered one statement at a time, so the default
 * 0 is never seen twice and the index can be unique. We insert with the next number, so that the
 * row is written once; that number counts as given even if it left a gap. CASE and not max():
 * SQLite holds every function for one that may fail, and would keep a journal of the statement (see
 * insert() in messages.c). */
#define NEXT_SEQ                                                                                   \
    " BEGIN UPDATE bridge_change_seq SET value = value + 1;"                                       \
    " UPDATE messages SET change_seq = (SELECT value FROM bridge_change_seq)"                      \
    " WHERE rowid = NEW.rowid; END"
#define TAKE_SEQ                                                                                   \
    " BEGIN UPDATE bridge_change_seq SET value ="                                                  \
    " CASE WHEN NEW.change_seq > value THEN NEW.change_seq ELSE value + 1 END;"                    \
    " UPDATE messages SET change_seq = (SELECT value FROM bridge_change_seq)"                      \
    " WHERE rowid = NEW.rowid AND change_seq <> (SELECT value FROM bridge_change_seq); END"

static const char format_table[] =
    "CREATE TABLE IF NOT EXISTS bridge_format (one INTEGER PRIMARY KEY CHECK (one = 1),"
    " timestamp TEXT NOT NULL, summaries_from INTEGER NOT NULL DEFAULT 0,"
    " summaries_until INTEGER NOT NULL DEFAULT 0)";
static const char format_row[] =
    "INSERT OR IGNORE INTO bridge_format (one, timestamp) VALUES (1, '')";

static const char *const rest[] = {
    format_table,
    format_row,
    "CREATE TABLE IF NOT EXISTS bridge_change_seq (one INTEGER PRIMARY KEY CHECK (one = 1),"
    " value INTEGER NOT NULL)",
    "INSERT OR IGNORE INTO bridge_change_seq (one, value) VALUES (1, 0)",
    "UPDATE messages SET change_seq = (SELECT value FROM bridge_change_seq) + n.number"
    " FROM (SELECT rowid AS row, row_number() OVER (ORDER BY rowid) AS number FROM messages"
    " WHERE change_seq = 0) AS n WHERE messages.rowid = n.row",
    "UPDATE bridge_change_seq SET value ="
    " max(value, (SELECT coalesce(max(change_seq), 0) FROM messages))",
    "CREATE UNIQUE INDEX IF NOT EXISTS bridge_messages_change ON messages (change_seq)",
    "CREATE INDEX IF NOT EXISTS bridge_messages_chat_time ON messages (chat_jid, timestamp)",
    /* A generated column has no use of the index on its source. */
    "CREATE INDEX IF NOT EXISTS bridge_messages_chat2_time ON messages (chat, timestamp)",
    "CREATE INDEX IF NOT EXISTS bridge_messages_time ON messages (timestamp)",
    "CREATE INDEX IF NOT EXISTS bridge_messages_lid ON messages (sender_lid)"
    " WHERE sender_pn IS NULL AND sender_lid IS NOT NULL",
    "CREATE TRIGGER IF NOT EXISTS bridge_messages_insert AFTER INSERT ON messages" TAKE_SEQ,
    "DROP TRIGGER IF EXISTS bridge_messages_update",
    "CREATE TRIGGER bridge_messages_update AFTER UPDATE OF id, chat_jid, sender,"
    " content, timestamp, is_from_me, media_type, filename, url, media_key, file_sha256,"
    " file_enc_sha256, file_length, sender_jid, sender_lid, sender_pn, push_name, kind, state,"
    " mentions, mentions_me, quoted_id, quoted_sender, target_id, edited_at, revoked_at, "
    "revoked_by,"
    " summary"
    " ON messages" NEXT_SEQ,
    "CREATE TABLE IF NOT EXISTS reactions (chat_jid TEXT NOT NULL, message_id TEXT NOT NULL,"
    " sender TEXT NOT NULL, sender_jid TEXT, is_from_me BOOLEAN NOT NULL, reaction TEXT NOT NULL,"
    " timestamp INTEGER NOT NULL, PRIMARY KEY (chat_jid, message_id, sender))",
};

/* Files of this version from before this index get it too: it changes no row and nothing that a
 * reader sees, so the version stays. */
static const char later_index[] =
    "CREATE INDEX IF NOT EXISTS bridge_reactions_lid ON reactions (sender_jid)"
    " WHERE substr(sender_jid, -4) = '@lid'";

/* Version 1 had what is now in `summary` in `content`: rows up to here are to be gone through
 * (messages_tidy.c). Those of a Go bridge need no such thing. */
static const char old_summaries[] =
    "UPDATE bridge_format SET summaries_until = (SELECT coalesce(max(rowid), 0) FROM messages)";

enum wb_err messages_schema_check(struct db *d)
{
    static const char *const tables[] = {"messages", "chats", NULL};
    static const char *const wanted[] = {"id",      "chat_jid",  "sender",
                                         "content", "timestamp", "is_from_me"};
    size_t n = 0;
    bool there = false;
    enum wb_err err;

    TRY(db_count_tables(d, tables, &n));
    if (n == 0) {
        /* Ours to fill, unless it is somebody else's database. */
        TRY(db_is_empty(d, &there));
        return there ? WB_OK : WB_ERR_DB_SCHEMA;
    }
    if (n != 2)
        return WB_ERR_DB_CORRUPT;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        TRY(db_has_column(d, "messages", wanted[i], &there));
        if (!there)
            return WB_ERR_DB_SCHEMA;
    }
out:
    return err;
}

enum wb_err messages_schema_taken_over(struct db *d, bool *ret)
{
    int64_t version = 0;
    bool empty = true;
    enum wb_err err;

    TRY(db_get_version(d, &version));
    TRY(db_is_empty(d, &empty));
    *ret = !empty && version < MESSAGES_SCHEMA;
out:
    return err;
}

static enum wb_err add_later_index(struct db *d)
{
    bool there = false;
    enum wb_err err;

    TRY(db_has_name(d, "bridge_reactions_lid", &there));
    if (!there)
        err = db_exec(d, later_index);
out:
    return err;
}

enum wb_err messages_schema_apply(struct db *d)
{
    int64_t version = 0;
    enum wb_err err;

    TRY(db_get_version(d, &version));
    if (version >= MESSAGES_SCHEMA)
        return add_later_index(d);
    TRY(db_begin(d));
    for (size_t i = 0; i < sizeof base_tables / sizeof base_tables[0]; i++)
        TRY(db_exec(d, base_tables[i]));
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        bool there = false;

        TRY(db_has_any_column(d, "messages", columns[i].name, &there));
        if (!there)
            TRY(db_exec(d, columns[i].add));
    }
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
        TRY(db_exec(d, rest[i]));
    TRY(add_later_index(d));
    if (version > 0)
        TRY(db_exec(d, old_summaries));
    TRY(db_set_version(d, MESSAGES_SCHEMA));
    TRY(FAULT_ERROR("schema.messages"));
    TRY(db_commit(d));
out:
    if (err != WB_OK)
        db_rollback(d);
    return err;
}

/* NOT_FOUND: nobody has decided it yet. */
static enum wb_err remembered_format(struct db *d, enum store_time_format *ret)
{
    int64_t text = 0;
    enum wb_err err = db_query_int(d,
                                   "SELECT timestamp = 'text' FROM bridge_format"
                                   " WHERE timestamp IN ('text', 'integer')",
                                   &text);

    if (err == WB_OK)
        *ret = text ? STORE_TIME_TEXT : STORE_TIME_INTEGER;
    return err;
}

/* The first row with a time, which is from before anybody else wrote in the file. A text that is no
 * time to SQLite says nothing: the conversion leaves it as it is. */
#define IS_TIME(column)                                                                            \
    column " IS NOT NULL AND (typeof(" column ") <> 'text' OR " SQL_TEXT_IS_TIME(column) ")"
static enum wb_err first_format(struct db *d, enum store_time_format *ret)
{
    int64_t text = 0;
    enum wb_err err = db_query_int(d,
                                   "SELECT typeof(timestamp) = 'text' FROM messages"
                                   " WHERE " IS_TIME("timestamp") " ORDER BY rowid LIMIT 1",
                                   &text);

    if (err == WB_ERR_NOT_FOUND)
        err = db_query_int(d,
                           "SELECT typeof(last_message_time) = 'text' FROM chats"
                           " WHERE " IS_TIME("last_message_time") " ORDER BY rowid LIMIT 1",
                           &text);
    if (err == WB_ERR_NOT_FOUND) /* no time yet: the Go bridge's own tables will get its text */
        err = db_query_int(d,
                           "SELECT instr(sql, '" MADE_HERE "') = 0 FROM sqlite_master"
                           " WHERE type = 'table' AND name = 'messages'",
                           &text);
    if (err == WB_OK)
        *ret = text ? STORE_TIME_TEXT : STORE_TIME_INTEGER;
    return err;
}

enum wb_err messages_time_format(struct db *d, enum store_time_format asked,
                                 enum store_time_format *ret, bool *ret_changed)
{
    enum store_time_format known = STORE_TIME_AUTO, was;
    enum wb_err err = remembered_format(d, &known);

    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    was = known;
    err = WB_OK;
    if (was == STORE_TIME_AUTO)
        TRY(first_format(d, &was));
    const enum store_time_format f = asked == STORE_TIME_AUTO ? was : asked;
    if (f != known)
        TRY(messages_remember_format(d, f));
    *ret = f;
    *ret_changed = f != was;
out:
    return err;
}

enum wb_err messages_remember_format(struct db *d, enum store_time_format f)
{
    enum wb_err err;

    TRY(db_exec(d, format_table));
    TRY(db_exec(d, format_row));
    err = db_exec(d, f == STORE_TIME_TEXT ? "UPDATE bridge_format SET timestamp = 'text'"
                                          : "UPDATE bridge_format SET timestamp = 'integer'");
out:
    return err;
}
