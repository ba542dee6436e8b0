/* messages_schema.h - the tables of messages.db, and how it keeps its times; private to store/. */
#ifndef STORE_MESSAGES_MESSAGES_SCHEMA_H
#define STORE_MESSAGES_MESSAGES_SCHEMA_H

#include "store/core/store.h"
#include "store/db/db.h"

/* Makes or extends the tables; existing rows are not rewritten but for
 * change_seq. */
enum wb_err messages_schema_check(struct db *d) WB_MUST_CHECK;
enum wb_err messages_schema_apply(struct db *d) WB_MUST_CHECK;
/* *ret: the tables are another program's, and messages_schema_apply() would extend them. */
enum wb_err messages_schema_taken_over(struct db *d, bool *ret) WB_MUST_CHECK;
/* How the file keeps its times: in the form that was asked for, else in the one that it remembers,
 * else (once) in that of its first row, or without a row that of the program that made its tables.
 * From then on the file remembers the form, whoever writes in it. *ret_changed: the form that was
 * asked for is not the one that the file had. After messages_schema_apply(). */
enum wb_err messages_time_format(struct db *d, enum store_time_format asked,
                                 enum store_time_format *ret, bool *ret_changed) WB_MUST_CHECK;
/* Makes the file remember this form: for a caller that has brought all of its times to it. The
 * table for that must be there. */
enum wb_err messages_remember_format(struct db *d, enum store_time_format f) WB_MUST_CHECK;

#endif
