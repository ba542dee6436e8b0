/* whatsapp_schema.c - whatsmeow's tables, version 15 (P-DB-01..30), the steps up to that version,
 * and our own tables. */
#include "store/session/whatsapp_schema.h"
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "store/core/state.h"
#include "store/db/db_schema.h"
#include "store/db/sql.h"

/* Versions 2 and 5 changed keys and JIDs themselves (P-DB-26); no Go bridge wrote such files. */
enum { SCHEMA_OLDEST = 6, SCHEMA_VERSION = 15, BRIDGE_SCHEMA = 4 };
#define SCHEMA_ROW "INSERT INTO whatsmeow_version (version, compat) VALUES (15, 8)"

#define OWNER(column)                                                                              \
    "FOREIGN KEY (" column ") REFERENCES whatsmeow_device(jid) ON DELETE CASCADE ON UPDATE "       \
    "CASCADE"

/* What later versions added is written once, for new files and for the steps up. */
#define LID_MAP "CREATE TABLE whatsmeow_lid_map (lid TEXT PRIMARY KEY, pn TEXT UNIQUE NOT NULL)"
#define EVENT_BUFFER                                                                               \
    "CREATE TABLE whatsmeow_event_buffer (our_jid TEXT NOT NULL,"                                  \
    " ciphertext_hash bytea NOT NULL CHECK (length(ciphertext_hash) = 32), plaintext bytea,"       \
    " server_timestamp BIGINT NOT NULL, insert_timestamp BIGINT NOT NULL,"                         \
    " PRIMARY KEY (our_jid, ciphertext_hash), " OWNER("our_jid") ")"
#define RETRY_BUFFER                                                                               \
    "CREATE TABLE whatsmeow_retry_buffer (our_jid TEXT NOT NULL, chat_jid TEXT NOT NULL,"          \
    " message_id TEXT NOT NULL, format TEXT NOT NULL, plaintext bytea NOT NULL,"                   \
    " timestamp BIGINT NOT NULL,"                                                                  \
    " PRIMARY KEY (our_jid, chat_jid, message_id), " OWNER("our_jid") ")"
#define RETRY_BUFFER_INDEX                                                                         \
    "CREATE INDEX whatsmeow_retry_buffer_timestamp_idx"                                            \
    " ON whatsmeow_retry_buffer (our_jid, timestamp)"
#define PRIVACY_TOKENS_INDEX                                                                       \
    "CREATE INDEX idx_whatsmeow_privacy_tokens_our_jid_timestamp"                                  \
    " ON whatsmeow_privacy_tokens (our_jid, timestamp)"
#define NCT_SALT                                                                                   \
    "CREATE TABLE whatsmeow_nct_salt (our_jid TEXT PRIMARY KEY, salt bytea NOT NULL,"              \
    " " OWNER("our_jid") ")"

/* Column names, types, keys and indexes are whatsmeow's: it must be able to open the file. */
static const char *const whatsmeow_tables[] = {
    "CREATE TABLE whatsmeow_version (version INTEGER, compat INTEGER)",
    "CREATE TABLE whatsmeow_device (jid TEXT PRIMARY KEY, lid TEXT, facebook_uuid uuid,"
    " registration_id BIGINT NOT NULL CHECK (registration_id BETWEEN 0 AND 4294967295),"
    " noise_key bytea NOT NULL CHECK (length(noise_key) = 32),"
    " identity_key bytea NOT NULL CHECK (length(identity_key) = 32),"
    " signed_pre_key bytea NOT NULL CHECK (length(signed_pre_key) = 32),"
    " signed_pre_key_id INTEGER NOT NULL CHECK (signed_pre_key_id BETWEEN 0 AND 16777215),"
    " signed_pre_key_sig bytea NOT NULL CHECK (length(signed_pre_key_sig) = 64),"
    " adv_key bytea NOT NULL, adv_details bytea NOT NULL,"
    " adv_account_sig bytea NOT NULL CHECK (length(adv_account_sig) = 64),"
    " adv_account_sig_key bytea NOT NULL CHECK (length(adv_account_sig_key) = 32),"
    " adv_device_sig bytea NOT NULL CHECK (length(adv_device_sig) = 64),"
    " platform TEXT NOT NULL DEFAULT '', business_name TEXT NOT NULL DEFAULT '',"
    " push_name TEXT NOT NULL DEFAULT '', lid_migration_ts BIGINT NOT NULL DEFAULT 0,"
    " companion_meta_nonce TEXT NOT NULL DEFAULT '')",
    "CREATE TABLE whatsmeow_identity_keys (our_jid TEXT, their_id TEXT,"
    " identity bytea NOT NULL CHECK (length(identity) = 32),"
    " PRIMARY KEY (our_jid, their_id), " OWNER("our_jid") ")",
    "CREATE TABLE whatsmeow_pre_keys (jid TEXT,"
    " key_id INTEGER CHECK (key_id BETWEEN 0 AND 16777215),"
    " key bytea NOT NULL CHECK (length(key) = 32), uploaded BOOLEAN NOT NULL,"
    " PRIMARY KEY (jid, key_id), " OWNER("jid") ")",
    "CREATE TABLE whatsmeow_sessions (our_jid TEXT, their_id TEXT, session bytea,"
    " PRIMARY KEY (our_jid, their_id), " OWNER("our_jid") ")",
    "CREATE TABLE whatsmeow_sender_keys (our_jid TEXT, chat_id TEXT, sender_id TEXT,"
    " sender_key bytea NOT NULL,"
    " PRIMARY KEY (our_jid, chat_id, sender_id), " OWNER("our_jid") ")",
    "CREATE TABLE whatsmeow_app_state_sync_keys (jid TEXT, key_id bytea, key_data bytea NOT NULL,"
    " timestamp BIGINT NOT NULL, fingerprint bytea NOT NULL,"
    " PRIMARY KEY (jid, key_id), " OWNER("jid") ")",
    "CREATE TABLE whatsmeow_app_state_version (jid TEXT, name TEXT, version BIGINT NOT NULL,"
    " hash bytea NOT NULL CHECK (length(hash) = 128),"
    " PRIMARY KEY (jid, name), " OWNER("jid") ")",
    "CREATE TABLE whatsmeow_app_state_mutation_macs (jid TEXT, name TEXT, version BIGINT,"
    " index_mac bytea CHECK (length(index_mac) = 32),"
    " value_mac bytea NOT NULL CHECK (length(value_mac) = 32),"
    " PRIMARY KEY (jid, name, version, index_mac), FOREIGN KEY (jid, name)"
    " REFERENCES whatsmeow_app_state_version(jid, name) ON DELETE CASCADE ON UPDATE CASCADE)",
    "CREATE TABLE whatsmeow_contacts (our_jid TEXT, their_jid TEXT, first_name TEXT,"
    " full_name TEXT, push_name TEXT, business_name TEXT, redacted_phone TEXT,"
    " PRIMARY KEY (our_jid, their_jid), " OWNER("our_jid") ")",
    "CREATE TABLE whatsmeow_chat_settings (our_jid TEXT, chat_jid TEXT,"
    " muted_until BIGINT NOT NULL DEFAULT 0, pinned BOOLEAN NOT NULL DEFAULT false,"
    " archived BOOLEAN NOT NULL DEFAULT false,"
    " PRIMARY KEY (our_jid, chat_jid), " OWNER("our_jid") ")",
    "CREATE TABLE whatsmeow_message_secrets (our_jid TEXT, chat_jid TEXT, sender_jid TEXT,"
    " message_id TEXT, key bytea NOT NULL,"
    " PRIMARY KEY (our_jid, chat_jid, sender_jid, message_id), " OWNER("our_jid") ")",
    "CREATE TABLE whatsmeow_privacy_tokens (our_jid TEXT, their_jid TEXT, token bytea NOT NULL,"
    " timestamp BIGINT NOT NULL, sender_timestamp BIGINT, PRIMARY KEY (our_jid, their_jid))",
    PRIVACY_TOKENS_INDEX,
    NCT_SALT,
    LID_MAP,
    EVENT_BUFFER,
    RETRY_BUFFER,
    RETRY_BUFFER_INDEX,
};

/* What whatsmeow's own upgrades do, version by version (P-DB-26). They move no data: sessions of a
 * phone number follow to its LID when that is learnt (signal_migrate.c). */
static const struct schema_step {
    int to;
    const char *sql[2];
} steps[] = {
    {7, {"ALTER TABLE whatsmeow_device ADD COLUMN lid TEXT"}},
    {8, {LID_MAP}},
    {9, {EVENT_BUFFER}},
    {10, {"ALTER TABLE whatsmeow_device ADD COLUMN lid_migration_ts BIGINT NOT NULL DEFAULT 0"}},
    {11, {"ALTER TABLE whatsmeow_contacts ADD COLUMN redacted_phone TEXT"}},
    {12,
     {"ALTER TABLE whatsmeow_privacy_tokens ADD COLUMN sender_timestamp BIGINT",
      PRIVACY_TOKENS_INDEX}},
    {13, {RETRY_BUFFER, RETRY_BUFFER_INDEX}},
    {14, {NCT_SALT}},
    {15, {"ALTER TABLE whatsmeow_device ADD COLUMN companion_meta_nonce TEXT NOT NULL DEFAULT ''"}},
};

/* Our tables have no foreign key to whatsmeow's (rule 8: whatsmeow's schema stays its own).
 * docs/databases.md explains each. */
static const char *const bridge_tables[] = {
    "CREATE TABLE IF NOT EXISTS bridge_meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS bridge_sessions_receive (our_jid TEXT NOT NULL,"
    " their_id TEXT NOT NULL, session BLOB NOT NULL,"
    " PRIMARY KEY (our_jid, their_id)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS bridge_identities_gone (our_jid TEXT NOT NULL,"
    " their_id TEXT NOT NULL, identity BLOB NOT NULL, nr INTEGER NOT NULL,"
    " PRIMARY KEY (our_jid, their_id, identity)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS bridge_signed_prekeys (our_jid TEXT NOT NULL, id INTEGER NOT NULL,"
    " key BLOB NOT NULL, sig BLOB NOT NULL, made_at INTEGER NOT NULL, replaced_at INTEGER NOT NULL,"
    " PRIMARY KEY (our_jid, id)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS bridge_base_keys (our_jid TEXT NOT NULL,"
    " signed_prekey_id INTEGER NOT NULL, base_key BLOB NOT NULL,"
    " PRIMARY KEY (our_jid, signed_prekey_id, base_key)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS bridge_outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " our_jid TEXT NOT NULL, message_id TEXT NOT NULL, key TEXT, body_hash BLOB NOT NULL,"
    " chat_jid TEXT NOT NULL, state INTEGER NOT NULL, reason TEXT NOT NULL DEFAULT '',"
    " request BLOB, sealed BLOB, content BLOB, answer BLOB, created_at INTEGER NOT NULL,"
    " sealed_at INTEGER NOT NULL DEFAULT 0, acked_at INTEGER NOT NULL DEFAULT 0,"
    " expires_at INTEGER NOT NULL DEFAULT 0, server_time INTEGER NOT NULL DEFAULT 0,"
    " recipients INTEGER NOT NULL DEFAULT 0, reopened INTEGER NOT NULL DEFAULT 0,"
    " UNIQUE (our_jid, message_id), UNIQUE (our_jid, key))",
    "CREATE INDEX IF NOT EXISTS bridge_outbox_state ON bridge_outbox (our_jid, state, seq)",
    "CREATE INDEX IF NOT EXISTS bridge_outbox_acked ON bridge_outbox (our_jid, acked_at)",
    "CREATE TABLE IF NOT EXISTS bridge_outbox_receipts (seq INTEGER NOT NULL,"
    " person TEXT NOT NULL, state INTEGER NOT NULL, PRIMARY KEY (seq, person)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS bridge_sealed_lists (list INTEGER PRIMARY KEY,"
    " our_jid TEXT NOT NULL, hash BLOB NOT NULL, used_at INTEGER NOT NULL, devices TEXT NOT NULL,"
    " UNIQUE (our_jid, hash))",
    "CREATE INDEX IF NOT EXISTS bridge_sealed_lists_used ON bridge_sealed_lists"
    " (our_jid, used_at)",
    "CREATE TABLE IF NOT EXISTS bridge_sealed (seq INTEGER PRIMARY KEY, our_jid TEXT NOT NULL,"
    " message_id TEXT NOT NULL, list INTEGER NOT NULL, sealed_at INTEGER NOT NULL,"
    " UNIQUE (our_jid, message_id))",
    "CREATE INDEX IF NOT EXISTS bridge_sealed_at ON bridge_sealed (our_jid, sealed_at)",
    "CREATE TABLE IF NOT EXISTS bridge_revokes (seq INTEGER PRIMARY KEY, our_jid TEXT NOT NULL,"
    " chat_jid TEXT NOT NULL, message_id TEXT NOT NULL, sender TEXT NOT NULL, sender_alt TEXT,"
    " target_id TEXT NOT NULL, author TEXT, from_me INTEGER NOT NULL,"
    " lid_addressing INTEGER NOT NULL, timestamp INTEGER NOT NULL, noted_at INTEGER NOT NULL,"
    " UNIQUE (our_jid, chat_jid, message_id, sender))",
    "CREATE INDEX IF NOT EXISTS bridge_revokes_chat ON bridge_revokes (our_jid, chat_jid, seq)",
    "CREATE TABLE IF NOT EXISTS bridge_secret_waits (seq INTEGER PRIMARY KEY,"
    " our_jid TEXT NOT NULL, target_id TEXT NOT NULL, chat_jid TEXT NOT NULL,"
    " message_id TEXT NOT NULL, sender TEXT NOT NULL, sender_alt TEXT, from_me INTEGER NOT NULL,"
    " lid_addressing INTEGER NOT NULL, timestamp INTEGER NOT NULL, noted_at INTEGER NOT NULL,"
    " UNIQUE (our_jid, chat_jid, message_id, sender))",
    "CREATE INDEX IF NOT EXISTS bridge_secret_waits_target ON bridge_secret_waits"
    " (our_jid, target_id, seq)",
    "CREATE INDEX IF NOT EXISTS bridge_secret_waits_at ON bridge_secret_waits"
    " (our_jid, noted_at)",
    "CREATE INDEX IF NOT EXISTS bridge_secret_waits_sender ON bridge_secret_waits"
    " (our_jid, chat_jid, sender, seq)",
    "CREATE TABLE IF NOT EXISTS bridge_secrets_none (our_jid TEXT NOT NULL,"
    " chat_jid TEXT NOT NULL, sender TEXT NOT NULL, message_id TEXT NOT NULL,"
    " answered_at INTEGER NOT NULL,"
    " PRIMARY KEY (our_jid, chat_jid, sender, message_id)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS bridge_secrets_none_at ON bridge_secrets_none"
    " (our_jid, answered_at)",
    "CREATE TABLE IF NOT EXISTS bridge_private_address (our_jid TEXT PRIMARY KEY,"
    " address INTEGER NOT NULL, phone_says INTEGER NOT NULL, noted_at INTEGER NOT NULL)"
    " WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS bridge_numbers (our_jid TEXT NOT NULL, typed TEXT NOT NULL,"
    " named TEXT NOT NULL, answered_at INTEGER NOT NULL,"
    " PRIMARY KEY (our_jid, typed)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS bridge_numbers_at ON bridge_numbers (our_jid, answered_at)",
    "CREATE TABLE IF NOT EXISTS bridge_acquaintances (our_jid TEXT NOT NULL,"
    " person TEXT NOT NULL, PRIMARY KEY (our_jid, person)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS bridge_devices (our_jid TEXT NOT NULL, user TEXT NOT NULL,"
    " devices TEXT NOT NULL, hash TEXT NOT NULL DEFAULT '', checked_at INTEGER NOT NULL,"
    " PRIMARY KEY (our_jid, user)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS bridge_groups (our_jid TEXT NOT NULL, jid TEXT NOT NULL,"
    " subject TEXT NOT NULL DEFAULT '', addressing INTEGER NOT NULL DEFAULT 0,"
    " ephemeral_s INTEGER NOT NULL DEFAULT 0, announce INTEGER NOT NULL DEFAULT 0,"
    " left INTEGER NOT NULL DEFAULT 0, version TEXT NOT NULL DEFAULT '',"
    " updated_at INTEGER NOT NULL DEFAULT 0, kind INTEGER NOT NULL DEFAULT 0, parent TEXT,"
    " PRIMARY KEY (our_jid, jid)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS bridge_group_members (our_jid TEXT NOT NULL,"
    " group_jid TEXT NOT NULL, member TEXT NOT NULL, lid TEXT, pn TEXT,"
    " rank INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY (our_jid, group_jid, member)) WITHOUT ROWID",
    /* The other form of a member: the LID, where it is known, is the member itself. */
    "CREATE INDEX IF NOT EXISTS bridge_group_members_pn"
    " ON bridge_group_members (group_jid, pn)",
    "CREATE TABLE IF NOT EXISTS bridge_group_limits (our_jid TEXT NOT NULL,"
    " group_jid TEXT NOT NULL, resend_due INTEGER NOT NULL DEFAULT 0,"
    " resends_held INTEGER NOT NULL DEFAULT 0, refreshed_at INTEGER NOT NULL DEFAULT 0,"
    " refreshed_for TEXT NOT NULL DEFAULT '', devices_at INTEGER NOT NULL DEFAULT 0,"
    " mode_at INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (our_jid, group_jid)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS bridge_skdm (our_jid TEXT NOT NULL, group_jid TEXT NOT NULL,"
    " device TEXT NOT NULL, key_id INTEGER NOT NULL,"
    " PRIMARY KEY (our_jid, group_jid, device)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS bridge_skdm_device ON bridge_skdm (our_jid, device)",
    "CREATE TABLE IF NOT EXISTS bridge_skdm_carriers (our_jid TEXT NOT NULL,"
    " group_jid TEXT NOT NULL, device TEXT NOT NULL, key_id INTEGER NOT NULL,"
    " carrier TEXT NOT NULL, PRIMARY KEY (our_jid, group_jid, device)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS bridge_chat_timers (our_jid TEXT NOT NULL, chat TEXT NOT NULL,"
    " expiration_s INTEGER NOT NULL, set_at INTEGER NOT NULL,"
    " PRIMARY KEY (our_jid, chat)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS bridge_retry_owed (seq INTEGER PRIMARY KEY,"
    " our_jid TEXT NOT NULL, chat_jid TEXT NOT NULL, sender_user TEXT NOT NULL,"
    " message_id TEXT NOT NULL, sender_jid TEXT, stanza_from TEXT, participant TEXT,"
    " recipient TEXT, count INTEGER NOT NULL, timestamp INTEGER NOT NULL,"
    " asked_at INTEGER NOT NULL, phone_asked INTEGER NOT NULL, enc_type TEXT NOT NULL,"
    " reason TEXT NOT NULL, UNIQUE (our_jid, chat_jid, sender_user, message_id))",
    "CREATE INDEX IF NOT EXISTS bridge_retry_owed_phone"
    " ON bridge_retry_owed (our_jid, phone_asked, asked_at)",
    "CREATE INDEX IF NOT EXISTS bridge_retry_owed_again"
    " ON bridge_retry_owed (our_jid, asked_at) WHERE count > 0 AND count < 4",
    "CREATE INDEX IF NOT EXISTS bridge_retry_owed_time ON bridge_retry_owed (our_jid, timestamp)",
    "CREATE TABLE IF NOT EXISTS bridge_retry_peer (our_jid TEXT NOT NULL, device TEXT NOT NULL,"
    " message_id TEXT NOT NULL, count INTEGER NOT NULL, at INTEGER NOT NULL,"
    " PRIMARY KEY (our_jid, device, message_id)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS bridge_retry_peer_at ON bridge_retry_peer (our_jid, at)",
    "CREATE TABLE IF NOT EXISTS bridge_retry_rebuild (our_jid TEXT NOT NULL,"
    " device TEXT NOT NULL, at INTEGER NOT NULL, base_key BLOB NOT NULL,"
    " PRIMARY KEY (our_jid, device)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS bridge_retry_rebuild_at ON bridge_retry_rebuild (our_jid, at)",
    "CREATE TABLE IF NOT EXISTS bridge_history_gaps (our_jid TEXT NOT NULL,"
    " chat_jid TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,"
    " reason TEXT NOT NULL, anchor_id TEXT NOT NULL, request_id TEXT NOT NULL,"
    " asked_at INTEGER NOT NULL, pages INTEGER NOT NULL, filled INTEGER NOT NULL,"
    " closed INTEGER NOT NULL, PRIMARY KEY (our_jid, chat_jid)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS bridge_history_gaps_asked"
    " ON bridge_history_gaps (request_id) WHERE closed = 0 AND request_id <> ''",
    "CREATE TABLE IF NOT EXISTS bridge_history_files (seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " our_jid TEXT NOT NULL, message_id TEXT NOT NULL, notification BLOB NOT NULL,"
    " offered_at INTEGER NOT NULL, next_at INTEGER NOT NULL, tries INTEGER NOT NULL,"
    " UNIQUE (our_jid, message_id))",
    "CREATE INDEX IF NOT EXISTS bridge_history_files_due"
    " ON bridge_history_files (our_jid, next_at)",
    "CREATE TABLE IF NOT EXISTS bridge_history_lost (our_jid TEXT NOT NULL,"
    " kind INTEGER NOT NULL, chunk INTEGER NOT NULL, lost_at INTEGER NOT NULL,"
    " PRIMARY KEY (our_jid, kind, chunk)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS bridge_identity_changes (our_jid TEXT NOT NULL,"
    " user TEXT NOT NULL, changed_at INTEGER NOT NULL, changes INTEGER NOT NULL,"
    " phone_at INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (our_jid, user)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS bridge_phone_requests (our_jid TEXT NOT NULL,"
    " request_id TEXT NOT NULL, chat_jid TEXT NOT NULL, sender_jid TEXT NOT NULL,"
    " message_id TEXT NOT NULL, asked_at INTEGER NOT NULL,"
    " PRIMARY KEY (our_jid, request_id)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS bridge_phone_requests_asked"
    " ON bridge_phone_requests (our_jid, asked_at)",
    /* Any write of a record raises this flag (a trigger); our own commits lower it again in the
     * same transaction. So it is up exactly when another program used the file last. */
    "INSERT INTO bridge_meta (name, value) VALUES ('foreign', 0)"
    " ON CONFLICT DO NOTHING",
    "CREATE TRIGGER IF NOT EXISTS bridge_session_insert AFTER INSERT ON whatsmeow_sessions BEGIN"
    " UPDATE bridge_meta SET value = 1 WHERE name = 'foreign' AND value <> 1; END",
    "CREATE TRIGGER IF NOT EXISTS bridge_session_update AFTER UPDATE ON whatsmeow_sessions BEGIN"
    " UPDATE bridge_meta SET value = 1 WHERE name = 'foreign' AND value <> 1; END",
    "CREATE TRIGGER IF NOT EXISTS bridge_sender_insert AFTER INSERT ON whatsmeow_sender_keys BEGIN"
    " UPDATE bridge_meta SET value = 1 WHERE name = 'foreign' AND value <> 1; END",
    "CREATE TRIGGER IF NOT EXISTS bridge_sender_update AFTER UPDATE ON whatsmeow_sender_keys BEGIN"
    " UPDATE bridge_meta SET value = 1 WHERE name = 'foreign' AND value <> 1; END",
};

/* The tables without which a session cannot go on, and the version that brought each. */
static const struct needed {
    const char *table;
    int since;
} needed[] = {
    {"whatsmeow_device", 1},          {"whatsmeow_identity_keys", 1},  {"whatsmeow_pre_keys", 1},
    {"whatsmeow_sessions", 1},        {"whatsmeow_sender_keys", 1},    {"whatsmeow_contacts", 1},
    {"whatsmeow_message_secrets", 3}, {"whatsmeow_privacy_tokens", 4}, {"whatsmeow_lid_map", 8},
    {"whatsmeow_event_buffer", 9},    {"whatsmeow_retry_buffer", 13},  {"whatsmeow_nct_salt", 14},
};

/* Files of version 6 have no column compat. */
static enum wb_err has_compat(struct db *d, bool *ret)
{
    return db_has_column(d, "whatsmeow_version", "compat", ret);
}

/* The oldest version that may still use the file (P-DB-02). */
static enum wb_err read_compat(struct db *d, int64_t version, int64_t *ret)
{
    bool there = false;
    enum wb_err err;

    TRY(has_compat(d, &there));
    if (there)
        err = db_query_int(d, "SELECT coalesce(nullif(compat, 0), version) FROM whatsmeow_version",
                           ret);
    else
        *ret = version;
out:
    return err;
}

enum wb_err whatsapp_schema_check(struct db *d, int *ret_version)
{
    int64_t version = 0, compat = 0;
    bool there = false, empty = false;
    enum wb_err err;

    TRY(db_is_empty(d, &empty));
    if (empty) {
        *ret_version = 0;
        return WB_OK;
    }
    TRY(db_has_table(d, "whatsmeow_version", &there));
    if (!there) {
        *ret_version = 0;
        return WB_ERR_DB_SCHEMA;
    }
    err = db_query_int(d, "SELECT version FROM whatsmeow_version", &version);
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    *ret_version = version < 0 || version > INT32_MAX ? INT32_MAX : (int)version;
    if (version < SCHEMA_OLDEST)
        return WB_ERR_DB_SCHEMA;
    TRY(read_compat(d, version, &compat));
    if (compat > SCHEMA_VERSION)
        return WB_ERR_DB_SCHEMA;
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (needed[i].since > version)
            continue;
        TRY(db_has_table(d, needed[i].table, &there));
        if (!there)
            return WB_ERR_DB_CORRUPT;
    }
out:
    return err;
}

/* Columns that tables of an older bridge lack. A column may stand here only if older programs, to
 * which the file may go back, need not fill it. */
static const struct {
    const char *table, *column, *add;
} new_columns[] = {
    {"bridge_outbox", "recipients",
     "ALTER TABLE bridge_outbox ADD COLUMN recipients INTEGER NOT NULL DEFAULT 0"},
    {"bridge_outbox", "reopened",
     "ALTER TABLE bridge_outbox ADD COLUMN reopened INTEGER NOT NULL DEFAULT 0"},
    /* The list of groups is asked for again, so that communities are known as such. */
    {"bridge_groups", "kind",
     "ALTER TABLE bridge_groups ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE bridge_groups ADD COLUMN parent TEXT;"
     "DELETE FROM bridge_meta WHERE name = 'groups_at'"},
    {"bridge_identity_changes", "phone_at",
     "ALTER TABLE bridge_identity_changes ADD COLUMN phone_at INTEGER NOT NULL DEFAULT 0"},
};

enum { NAME_MAX_BYTES = 64 /* of a table, an index or a trigger of ours */ };
enum { NEW_COLUMNS = sizeof new_columns / sizeof new_columns[0] };

static enum wb_err add_new_columns(struct db *d)
{
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < NEW_COLUMNS; i++) {
        bool there = false;

        TRY(db_has_column(d, new_columns[i].table, new_columns[i].column, &there));
        if (!there)
            TRY(db_exec(d, new_columns[i].add));
    }
out:
    return err;
}

/* Is the table, index or trigger there that this statement of bridge_tables[] makes? */
static enum wb_err is_made(struct db *d, const char *create, bool *ret)
{
    static const char mark[] = "IF NOT EXISTS ";
    const char *at = strstr(create, mark);
    char name[NAME_MAX_BYTES];

    if (!at) {
        *ret = true;
        return WB_OK;
    }
    at += sizeof mark - 1;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(at, " "), at);
    return db_has_name(d, name, ret);
}

/* Are our tables there, as this program makes them? The number alone does not say so: a program of
 * another day may have left some out, and set it. */
static enum wb_err ours_there(struct db *d, bool *ret)
{
    int64_t ours = 0;
    bool there = false;
    enum wb_err err;

    TRY(db_has_table(d, "bridge_meta", &there));
    if (there) {
        err = db_query_int(d, "SELECT value FROM bridge_meta WHERE name = 'schema'", &ours);
        if (err != WB_OK && err != WB_ERR_NOT_FOUND)
            return err;
    }
    err = WB_OK;
    there = ours >= BRIDGE_SCHEMA;
    for (size_t i = 0; there && i < sizeof bridge_tables / sizeof bridge_tables[0]; i++)
        TRY(is_made(d, bridge_tables[i], &there));
    for (size_t i = 0; there && i < NEW_COLUMNS; i++)
        TRY(db_has_column(d, new_columns[i].table, new_columns[i].column, &there));
    *ret = there;
out:
    return err;
}

enum wb_err whatsapp_schema_taken_over(struct db *d, int version, bool *ret)
{
    bool ours = false;
    enum wb_err err;

    TRY(ours_there(d, &ours));
    *ret = version > 0 && (version < SCHEMA_VERSION || !ours);
out:
    return err;
}

static enum wb_err make_whatsmeows(struct db *d)
{
    enum wb_err err;

    for (size_t i = 0; i < sizeof whatsmeow_tables / sizeof whatsmeow_tables[0]; i++)
        TRY(db_exec(d, whatsmeow_tables[i]));
    err = db_exec(d, SCHEMA_ROW);
out:
    return err;
}

static enum wb_err bring_up(struct db *d, int version)
{
    bool compat = false;
    enum wb_err err;

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        for (size_t j = 0; j < 2 && steps[i].to > version && steps[i].sql[j]; j++)
            TRY(db_exec(d, steps[i].sql[j]));
    }
    TRY(has_compat(d, &compat));
    if (!compat)
        TRY(db_exec(d, "ALTER TABLE whatsmeow_version ADD COLUMN compat INTEGER"));
    err = db_exec(d, "DELETE FROM whatsmeow_version; " SCHEMA_ROW);
out:
    return err;
}

enum wb_err whatsapp_schema_apply(struct db *d, int version)
{
    bool ours = false;
    enum wb_err err;

    TRY(ours_there(d, &ours));
    if (version >= SCHEMA_VERSION && ours)
        return WB_OK;
    TRY(db_begin(d));
    if (version == 0)
        TRY(make_whatsmeows(d));
    else if (version < SCHEMA_VERSION)
        TRY(bring_up(d, version));
    for (size_t i = 0; !ours && i < sizeof bridge_tables / sizeof bridge_tables[0]; i++)
        TRY(db_exec(d, bridge_tables[i]));
    TRY(add_new_columns(d));
    TRY(db_exec(d, "INSERT INTO bridge_meta (name, value) VALUES ('schema', 4)"
                   " ON CONFLICT (name) DO UPDATE SET value = excluded.value"));
    TRY(FAULT_ERROR("schema.whatsapp"));
    TRY(db_commit(d));
out:
    if (err != WB_OK)
        db_rollback(d);
    return err;
}

enum wb_err whatsapp_drop_caches(struct db *d)
{
    enum wb_err err;

    TRY(db_begin(d));
    TRY(db_exec(d, "DELETE FROM bridge_devices; DELETE FROM bridge_skdm;"
                   "DELETE FROM bridge_skdm_carriers;"
                   "DELETE FROM bridge_meta WHERE name = 'groups_at';"
                   "UPDATE bridge_meta SET value = 0 WHERE name = 'foreign'"));
    TRY(db_commit(d));
out:
    if (err != WB_OK)
        db_rollback(d);
    return err;
}

enum wb_err whatsapp_used_without_us(struct db *d, bool *ret_used)
{
    int64_t foreign = 0;
    enum wb_err err =
        db_query_int(d, "SELECT value FROM bridge_meta WHERE name = 'foreign'", &foreign);

    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return err;
    err = WB_OK;
    if (foreign != 0)
        TRY(whatsapp_drop_caches(d));
    *ret_used = foreign != 0;
out:
    return err;
}
