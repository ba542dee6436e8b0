/* whatsapp_schema.h - the tables of whatsapp.db: whatsmeow's and ours; private to store/. */
#ifndef STORE_SESSION_WHATSAPP_SCHEMA_H
#define STORE_SESSION_WHATSAPP_SCHEMA_H

#include "store/db/db.h"

/* Checks the version (DB_SCHEMA; *ret_version is what was found, 0: an empty
 * file) without writing. */
enum wb_err whatsapp_schema_check(struct db *d, int *ret_version) WB_MUST_CHECK;
/* *ret: a file of another program, which whatsapp_schema_apply() would change. */
enum wb_err whatsapp_schema_taken_over(struct db *d, int version, bool *ret) WB_MUST_CHECK;
/* Makes what is missing: whatsmeow's tables in an empty file, the steps from an older version, ours
 * in any. In one transaction. */
enum wb_err whatsapp_schema_apply(struct db *d, int version) WB_MUST_CHECK;
/* Forgets what is only true while nobody else uses the file (device lists, who has our sender
 * keys), in a transaction of its own. */
enum wb_err whatsapp_drop_caches(struct db *d) WB_MUST_CHECK;
/* Rule 9: *ret_used, and the caches that have become worthless are dropped. */
enum wb_err whatsapp_used_without_us(struct db *d, bool *ret_used) WB_MUST_CHECK;

#endif
