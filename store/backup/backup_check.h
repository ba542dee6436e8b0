/* backup_check.h - is a copy that nobody uses a good database of ours? Private to store/. */
#ifndef STORE_BACKUP_BACKUP_CHECK_H
#define STORE_BACKUP_BACKUP_CHECK_H

#include "store/backup/backup_manifest.h"
#include "store/db/db.h"

/* db_check(), whatsmeow's tables, and that each account's keys are keys: right sizes, and the
 * signed prekey carries a signature of the identity. Fills schema, accounts, sessions, prekeys,
 * phone. Any schema version is good: an older one is brought up to date when the set is used.
 * Damaged indexes are only noted (m->indexes). */
enum wb_err backup_check_whatsapp(const char *path, struct backup_manifest *m,
                                  char why[512]) WB_MUST_CHECK;
/* db_check() and the two tables. Fills message_rows, chat_rows. */
enum wb_err backup_check_messages(const char *path, struct backup_manifest *m,
                                  char why[512]) WB_MUST_CHECK;
/* The check of the keys alone, in an open file: DB_CORRUPT with d->error. */
enum wb_err backup_check_keys(struct db *d, struct backup_manifest *m) WB_MUST_CHECK;

#endif
