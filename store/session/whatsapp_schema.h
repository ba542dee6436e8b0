/* whatsapp_schema.h - the tables of whatsapp.db: whatsmeow's and ours; private to store/. */
#ifndef STORE_SESSION_WHATSAPP_SCHEMA_H
#define STORE_SESSION_WHATSAPP_SCHEMA_H

#include "store/db/db.h"

/* Checks the version (DB_SCHEMA; *ret_version is what was found, 0: an empty
 * file) without writing. */
enum wb_err whatsapp_schema_check(struct db *d, int *ret_version) WB_MUST_CHECK;
/* *ret: the file is another program's, and whatsapp_schema_apply() would change it. */
enum wb_err whatsapp_schema_taken_over(struct db *d, int version, bool *ret) WB_MUST_CHECK;
/* Makes what is missing, in one transaction: whatsmeow's tables in an empty file, the steps up from
 * an older version, and our tables in any file. */
enum wb_err whatsapp_schema_apply(struct db *d, int version) WB_MUST_CHECK;
/* Forgets what is only true while nobody else uses the file (device lists, who has our sender
 * keys), in a transaction of its own. */
enum wb_err whatsapp_drop_caches(struct db *d) WB_MUST_CHECK;
/* Has another program written records since our last commit (*ret_used)? Then drops the caches,
 * which are worthless now. */
enum wb_err whatsapp_used_without_us(struct db *d, bool *ret_used) WB_MUST_CHECK;

#endif
