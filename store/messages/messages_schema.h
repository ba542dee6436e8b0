/* messages_schema.h - the tables of messages.db, and how it keeps its times; private to store/. */
#ifndef STORE_MESSAGES_MESSAGES_SCHEMA_H
#define STORE_MESSAGES_MESSAGES_SCHEMA_H

#include "store/core/store.h"
#include "store/db/db.h"

/* Makes or extends the tables; existing rows are not rewritten but for
 * change_seq. */
enum wb_err messages_schema_check(struct db *d) WB_MUST_CHECK;
enum wb_err messages_schema_apply(struct db *d) WB_MUST_CHECK;
/* *ret: tables of another program, which messages_schema_apply() would extend. */
enum wb_err messages_schema_taken_over(struct db *d, bool *ret) WB_MUST_CHECK;
/* How the file keeps its times: as was asked for, else as it remembers, else (once) as its first
 * row has it, or where there is none the program that made its tables. From then on the file
 * remembers it, whoever writes in it. *ret_changed: what was asked for is not what the file had.
 * After messages_schema_apply(). */
enum wb_err messages_time_format(struct db *d, enum store_time_format asked,
                                 enum store_time_format *ret, bool *ret_changed) WB_MUST_CHECK;
/* For whoever has brought the whole file to the other form. The table must be there. */
enum wb_err messages_remember_format(struct db *d, enum store_time_format f) WB_MUST_CHECK;

#endif
