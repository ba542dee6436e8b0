/* whatsmeow_versions.c - see whatsmeow_versions.h. */
#include "tests/unit/store/whatsmeow_versions.h"

#include <sodium.h>

#include "base/buf.h"

#define FOREIGN(column)                                                                            \
    " FOREIGN KEY (" column ") REFERENCES whatsmeow_device(jid)"                                   \
    " ON DELETE CASCADE ON UPDATE CASCADE)"
#define OUR_FK FOREIGN("our_jid")
#define JID_FK FOREIGN("jid")

/* What a whatsmeow of version 6 leaves: its tables, in the order in which whatsmeow makes them. */
static const char version_6[] =
    "CREATE TABLE whatsmeow_version (version INTEGER);"
    "INSERT INTO whatsmeow_version (version) VALUES (6);"
    "CREATE TABLE whatsmeow_device (jid TEXT PRIMARY KEY, registration_id BIGINT NOT NULL, "
    "noise_key bytea NOT NULL, identity_key bytea NOT NULL, signed_pre_key bytea NOT NULL, "
    "signed_pre_key_id INTEGER NOT NULL, signed_pre_key_sig bytea NOT NULL, adv_key bytea NOT "
    "NULL, adv_details bytea NOT NULL, adv_account_sig bytea NOT NULL, adv_device_sig bytea NOT "
    "NULL, platform TEXT NOT NULL DEFAULT '', business_name TEXT NOT NULL DEFAULT '', push_name "
    "TEXT NOT NULL DEFAULT '');"
    "CREATE TABLE whatsmeow_identity_keys (our_jid TEXT, their_id TEXT, identity bytea NOT NULL, "
    "PRIMARY KEY (our_jid, their_id)," OUR_FK ";"
    "CREATE TABLE whatsmeow_pre_keys (jid TEXT, key_id INTEGER, key bytea NOT NULL, uploaded "
    "BOOLEAN NOT NULL, PRIMARY KEY (jid, key_id)," JID_FK ";"
    "CREATE TABLE whatsmeow_sessions (our_jid TEXT, their_id TEXT, session bytea, PRIMARY KEY "
    "(our_jid, their_id)," OUR_FK ";"
    "CREATE TABLE whatsmeow_sender_keys (our_jid TEXT, chat_id TEXT, sender_id TEXT, sender_key "
    "bytea NOT NULL, PRIMARY KEY (our_jid, chat_id, sender_id)," OUR_FK ";"
    "CREATE TABLE whatsmeow_app_state_sync_keys (jid TEXT, key_id bytea, key_data bytea NOT NULL, "
    "timestamp BIGINT NOT NULL, fingerprint bytea NOT NULL, PRIMARY KEY (jid, key_id)," JID_FK ";"
    "CREATE TABLE whatsmeow_app_state_version (jid TEXT, name TEXT, version BIGINT NOT NULL, hash "
    "bytea NOT NULL, PRIMARY KEY (jid, name)," JID_FK ";"
    "CREATE TABLE whatsmeow_app_state_mutation_macs (jid TEXT, name TEXT, version BIGINT, "
    "index_mac bytea, value_mac bytea NOT NULL, PRIMARY KEY (jid, name, version, index_mac), "
    "FOREIGN KEY (jid, name) REFERENCES whatsmeow_app_state_version(jid, name) ON DELETE CASCADE "
    "ON UPDATE CASCADE);"
    "CREATE TABLE whatsmeow_contacts (our_jid TEXT, their_jid TEXT, first_name TEXT, full_name "
    "TEXT, push_name TEXT, business_name TEXT, PRIMARY KEY (our_jid, their_jid)," OUR_FK ";"
    "CREATE TABLE whatsmeow_chat_settings (our_jid TEXT, chat_jid TEXT, muted_until BIGINT NOT "
    "NULL DEFAULT 0, pinned BOOLEAN NOT NULL DEFAULT false, archived BOOLEAN NOT NULL DEFAULT "
    "false, PRIMARY KEY (our_jid, chat_jid)," OUR_FK ";"
    "ALTER TABLE whatsmeow_device ADD COLUMN adv_account_sig_key bytea;"
    "CREATE TABLE whatsmeow_message_secrets (our_jid TEXT, chat_jid TEXT, sender_jid TEXT, "
    "message_id TEXT, key bytea NOT NULL, PRIMARY KEY (our_jid, chat_jid, sender_jid, "
    "message_id)," OUR_FK ";"
    "CREATE TABLE whatsmeow_privacy_tokens (our_jid TEXT, their_jid TEXT, token bytea NOT NULL, "
    "timestamp BIGINT NOT NULL, PRIMARY KEY (our_jid, their_jid));"
    "ALTER TABLE whatsmeow_device ADD COLUMN facebook_uuid uuid;";

/* What each later version of whatsmeow adds, and a row or a value in it. */
struct version {
    const char *change;
    const char *row;
};
static const struct version versions[] = {
    [7] = {"ALTER TABLE whatsmeow_device ADD COLUMN lid TEXT;"
           "ALTER TABLE whatsmeow_version ADD COLUMN compat INTEGER;",
           "UPDATE whatsmeow_device SET lid = '111000111:7@lid' WHERE jid = '" JID1 "';"},
    [8] = {"CREATE TABLE whatsmeow_lid_map (lid TEXT PRIMARY KEY, pn TEXT UNIQUE NOT NULL);",
           "INSERT INTO whatsmeow_lid_map VALUES ('111000222', '27820000022');"},
    [9] = {"CREATE TABLE whatsmeow_event_buffer (our_jid TEXT NOT NULL, ciphertext_hash bytea NOT "
           "NULL, plaintext bytea, server_timestamp BIGINT NOT NULL, insert_timestamp BIGINT NOT "
           "NULL, PRIMARY KEY (our_jid, ciphertext_hash)," OUR_FK ";",
           "INSERT INTO whatsmeow_event_buffer VALUES ('" JID1 "', randomblob(32), x'aa', 5, 6);"},
    [10] = {"ALTER TABLE whatsmeow_device ADD COLUMN lid_migration_ts BIGINT NOT NULL DEFAULT 0;",
            "UPDATE whatsmeow_device SET lid_migration_ts = 1750000000;"},
    [11] = {"ALTER TABLE whatsmeow_contacts ADD COLUMN redacted_phone TEXT;",
            "UPDATE whatsmeow_contacts SET redacted_phone = '+27*******22';"},
    [12] = {"ALTER TABLE whatsmeow_privacy_tokens ADD COLUMN sender_timestamp BIGINT;"
            "CREATE INDEX idx_whatsmeow_privacy_tokens_our_jid_timestamp ON "
            "whatsmeow_privacy_tokens (our_jid, timestamp);",
            "UPDATE whatsmeow_privacy_tokens SET sender_timestamp = 1700000001;"},
    [13] = {"CREATE TABLE whatsmeow_retry_buffer (our_jid TEXT NOT NULL, chat_jid TEXT NOT NULL, "
            "message_id TEXT NOT NULL, format TEXT NOT NULL, plaintext bytea NOT NULL, timestamp "
            "BIGINT NOT NULL, PRIMARY KEY (our_jid, chat_jid, message_id)," OUR_FK ";"
            "CREATE INDEX whatsmeow_retry_buffer_timestamp_idx ON whatsmeow_retry_buffer (our_jid, "
            "timestamp);",
            "INSERT INTO whatsmeow_retry_buffer VALUES ('" JID1
            "', '27820000022@s.whatsapp.net', 'M1', 'wa', x'0a01', 7);"},
    [14] = {"CREATE TABLE whatsmeow_nct_salt (our_jid TEXT PRIMARY KEY, salt bytea NOT NULL," OUR_FK
            ";",
            "INSERT INTO whatsmeow_nct_salt VALUES ('" JID1 "', randomblob(32));"},
};

#define DESK_ROW DEVICE_ROW(JID1, "Desk")

static const char version_6_rows[] = DESK_ROW
    "INSERT INTO whatsmeow_identity_keys VALUES ('" JID1 "', '27820000022:0', randomblob(32)),"
    " ('" JID1 "', '111000333_1:4', randomblob(32));"
    "INSERT INTO whatsmeow_pre_keys VALUES ('" JID1 "', 40, randomblob(32), 1),"
    " ('" JID1 "', 41, randomblob(32), 0);"
    "INSERT INTO whatsmeow_sessions VALUES ('" JID1 "', '27820000022:0', x'7b7d');"
    "INSERT INTO whatsmeow_sender_keys VALUES"
    " ('" JID1 "', '120363000000000001@g.us', '27820000022:0', x'7b7d');"
    "INSERT INTO whatsmeow_app_state_sync_keys VALUES"
    " ('" JID1 "', x'000000001234', randomblob(32), 1700000000123, x'0a02');"
    "INSERT INTO whatsmeow_app_state_version VALUES ('" JID1 "', 'regular', 17, randomblob(128));"
    "INSERT INTO whatsmeow_app_state_mutation_macs VALUES"
    " ('" JID1 "', 'regular', 17, randomblob(32), randomblob(32));"
    "INSERT INTO whatsmeow_contacts VALUES"
    " ('" JID1 "', '27820000022@s.whatsapp.net', 'Thandi', 'Thandi N', NULL, '');"
    "INSERT INTO whatsmeow_chat_settings VALUES ('" JID1 "', '120363000000000001@g.us', -1, 1, 0);"
    "INSERT INTO whatsmeow_message_secrets VALUES"
    " ('" JID1 "', 'c', 's', 'M0', randomblob(32));"
    "INSERT INTO whatsmeow_privacy_tokens VALUES"
    " ('" JID1 "', '27820000022@s.whatsapp.net', x'0102', 1700000000);";

void make_keys(const char *path)
{
    uint8_t seed[32] = {9}, sig[XEDDSA_SIG_BYTES], signed_bytes[DJB_KEY_BYTES];
    struct rng_seeded state;
    struct rng rng = rng_from_seed(&state, seed);
    struct x25519_pair identity, prekey;
    char sql[1024], hex[3][2 * XEDDSA_SIG_BYTES + 1];

    x25519_generate(&rng, &identity);
    x25519_generate(&rng, &prekey);
    djb_encode(prekey.pub, signed_bytes);
    OK(xeddsa_sign(identity.priv, SPAN_ARRAY(signed_bytes), &rng, sig));
    sodium_bin2hex(hex[0], sizeof hex[0], identity.priv, sizeof identity.priv);
    sodium_bin2hex(hex[1], sizeof hex[1], prekey.priv, sizeof prekey.priv);
    sodium_bin2hex(hex[2], sizeof hex[2], sig, sizeof sig);
    snprintf(sql, sizeof sql,
             "UPDATE whatsmeow_device SET identity_key = x'%s', signed_pre_key = x'%s',"
             " signed_pre_key_sig = x'%s'",
             hex[0], hex[1], hex[2]);
    poke_sql(path, sql);
}

void make_version(const char *path, int version)
{
    struct buf sql = buf_new(1 << 16);

    buf_printf(&sql, "PRAGMA synchronous = OFF; BEGIN; %s %s", version_6, version_6_rows);
    for (int v = 7; v <= version && v < LATEST; v++)
        buf_printf(&sql, "%s %s", versions[v].change, versions[v].row);
    if (version > OLDEST)
        buf_printf(&sql,
                   "DELETE FROM whatsmeow_version; INSERT INTO whatsmeow_version VALUES (%d, %d);",
                   version, version >= 8 ? 8 : 6);
    buf_printf(&sql, "COMMIT");
    OK(buf_err(&sql));
    poke_sql(path, buf_cstr(&sql));
    buf_free(&sql);
    make_keys(path);
}
