/* fork_columns.h - columns of messages that a fork of the Go bridge has, for its readers; private
 * to store/. They are filled where a file that was taken over has them, and never added. */
#ifndef STORE_MESSAGES_FORK_COLUMNS_H
#define STORE_MESSAGES_FORK_COLUMNS_H

#include "store/core/store.h"

/* Notes in s->fork which of these columns the file has. */
enum wb_err fork_columns_look(struct store *s) WB_MUST_CHECK;
/* Copies the id of the message that this row answers from quoted_id into quoted_message_id. */
enum wb_err fork_columns_quoted(struct store *s, int64_t rowid) WB_MUST_CHECK;
/* Writes into deleted_at when the row's message was deleted for everyone (t, unix seconds), in the
 * file's form of times. */
enum wb_err fork_columns_deleted(struct store *s, int64_t rowid, int64_t t) WB_MUST_CHECK;

#endif
