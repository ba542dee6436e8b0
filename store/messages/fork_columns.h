/* fork_columns.h - columns of messages that a fork of the Go bridge has, for its readers; private
 * to store/. They are filled where a file that was taken over has them, and never added. */
#ifndef STORE_MESSAGES_FORK_COLUMNS_H
#define STORE_MESSAGES_FORK_COLUMNS_H

#include "store/core/store.h"

/* Which of them the file has, into s->fork. */
enum wb_err fork_columns_look(struct store *s) WB_MUST_CHECK;
/* The message that this row answers, as quoted_id has it, into quoted_message_id. */
enum wb_err fork_columns_quoted(struct store *s, int64_t rowid) WB_MUST_CHECK;
/* When it was deleted for everyone, in the file's form of times, into deleted_at. */
enum wb_err fork_columns_deleted(struct store *s, int64_t rowid, int64_t t) WB_MUST_CHECK;

#endif
