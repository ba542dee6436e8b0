#include "store/backup/backup_check.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/secret.h"
#include "crypto/prim_xeddsa.h"
#include "store/db/db_check.h"
#include "store/db/db_schema.h"
#include "store/db/dialect.h"
#include "store/db/stmt.h"
#include "store/files/limits.h"

/* One device: identity_key, signed_pre_key, signed_pre_key_sig, noise_key (P-DB-04). */
static enum wb_err keys_of_row(struct stmt *q)
{
    uint8_t identity[X25519_KEY_BYTES], prekey[X25519_KEY_BYTES], sig[XEDDSA_SIG_BYTES];
    uint8_t noise[X25519_KEY_BYTES], signed_bytes[DJB_KEY_BYTES];
    struct x25519_pair id, spk;
    enum wb_err err;

    TRY(stmt_col_bytes(q, 1, identity, sizeof identity));
    TRY(stmt_col_bytes(q, 2, prekey, sizeof prekey));
    TRY(stmt_col_bytes(q, 3, sig, sizeof sig));
    TRY(stmt_col_bytes(q, 4, noise, sizeof noise));
    x25519_from_private(identity, &id);
    x25519_from_private(prekey, &spk);
    djb_encode(spk.pub, signed_bytes);
    err = xeddsa_verify(id.pub, SPAN_ARRAY(signed_bytes), sig);
    if (err != WB_OK)
        err = WB_ERR_DB_CORRUPT;
out:
    secret_wipe(identity, sizeof identity);
    secret_wipe(prekey, sizeof prekey);
    secret_wipe(noise, sizeof noise);
    secret_wipe(&id, sizeof id);
    secret_wipe(&spk, sizeof spk);
    return err;
}

enum wb_err backup_check_keys(struct db *d, struct backup_manifest *m)
{
    struct stmt q;
    enum wb_err err;

    m->accounts = 0;
    TRY(stmt_read(&q, d,
                  "SELECT jid, identity_key, signed_pre_key, signed_pre_key_sig, noise_key"
                  " FROM whatsmeow_device ORDER BY " SQL_ROW_NUMBER));
    while ((err = stmt_step(&q)) == WB_OK) {
        struct jid jid = stmt_col_jid(&q, 0);

        err = jid_is_none(&jid) ? WB_ERR_DB_CORRUPT : keys_of_row(&q);
        if (err != WB_OK) {
            snprintf(d->error, sizeof d->error, "the keys of a device are no keys");
            break;
        }
        if (m->accounts++ == 0)
            memcpy(m->phone, jid.user, sizeof m->phone);
    }
    stmt_end(&q);
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
out:
    return err;
}

static enum wb_err check_tables(struct db *d, const char *const *names, size_t want)
{
    size_t n = 0;
    enum wb_err err = db_count_tables(d, names, &n);

    if (err == WB_OK && n != want) {
        snprintf(d->error, sizeof d->error, "tables are missing");
        err = WB_ERR_DB_CORRUPT;
    }
    return err;
}

/* Damaged indexes are no reason to give a set up: all rows are there. */
static enum wb_err pages_and_indexes(struct db *d, struct backup_manifest *m)
{
    struct db_found found;
    enum wb_err err = db_check(d, false, &found);

    m->indexes = m->indexes || found.indexes;
    return found.indexes ? WB_OK : err;
}

static enum wb_err whatsapp(struct db *d, struct backup_manifest *m)
{
    static const char *const names[] = {"whatsmeow_version",
                                        "whatsmeow_device",
                                        "whatsmeow_identity_keys",
                                        "whatsmeow_pre_keys",
                                        "whatsmeow_sessions",
                                        "whatsmeow_sender_keys",
                                        NULL};
    enum wb_err err;

    TRY(pages_and_indexes(d, m));
    TRY(check_tables(d, names, sizeof names / sizeof names[0] - 1));
    TRY(db_query_int(d, "SELECT coalesce(max(version), 0) FROM whatsmeow_version", &m->schema));
    TRY(db_query_int(d, "SELECT count(*) FROM whatsmeow_sessions", &m->sessions));
    TRY(db_query_int(d, "SELECT count(*) FROM whatsmeow_pre_keys", &m->prekeys));
    err = backup_check_keys(d, m);
out:
    return err;
}

static enum wb_err messages(struct db *d, struct backup_manifest *m)
{
    static const char *const names[] = {"messages", "chats", NULL};
    bool ours = false; /* the Go bridge's table has no such column */
    enum wb_err err;

    TRY(pages_and_indexes(d, m));
    TRY(check_tables(d, names, sizeof names / sizeof names[0] - 1));
    TRY(db_query_int(d, "SELECT count(*) FROM messages", &m->message_rows));
    TRY(db_query_int(d, "SELECT count(*) FROM chats", &m->chat_rows));
    TRY(db_has_column(d, "messages", "server_time", &ours));
    if (ours)
        err = db_query_int(d, "SELECT coalesce(max(server_time), 0) FROM messages",
                           &m->newest_message);
out:
    return err;
}

static bool log_is_there(const char *path)
{
    char log[STORE_PATH_MAX + 8];
    struct stat st;

    snprintf(log, sizeof log, "%s-wal", path);
    return stat(log, &st) == 0 && st.st_size > 0;
}

static enum wb_err check(const char *path, struct backup_manifest *m,
                         enum wb_err (*look)(struct db *, struct backup_manifest *), char why[512])
{
    struct db d;
    enum wb_err err;
    /* A log with something in it stays as it is. A log that the reading makes is removed again. */
    bool has_log = log_is_there(path);

    TRY(db_open(&d, path));
    db_keep_log(&d, has_log);
    err = look(&d, m);
    /* An account's row of wrong types, a table without its columns: no database of ours. */
    if (err == WB_ERR_DB || err == WB_ERR_NOT_FOUND)
        err = WB_ERR_DB_CORRUPT;
out:
    if (err != WB_OK)
        snprintf(why, 512, "%s: %s", strrchr(path, '/') ? strrchr(path, '/') + 1 : path,
                 d.error[0] ? d.error : wb_err_text(err));
    db_close(&d);
    return err;
}

enum wb_err backup_check_whatsapp(const char *path, struct backup_manifest *m, char why[512])
{
    return check(path, m, whatsapp, why);
}

enum wb_err backup_check_messages(const char *path, struct backup_manifest *m, char why[512])
{
    return check(path, m, messages, why);
}
