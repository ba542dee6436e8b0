/* messages_summary.h - rows of version 1 of messages.db, which had descriptions in `content`;
 * private to store/. */
#ifndef STORE_MESSAGES_MESSAGES_SUMMARY_H
#define STORE_MESSAGES_MESSAGES_SUMMARY_H

#include "store/core/store.h"

/* One slice: STORE_SUMMARY_ROWS rows are looked at. How far it got is written together with its
 * changes. *moved rises by the rows that it changed. *ret_more: rows are left. */
enum wb_err messages_move_summaries(struct store *s, size_t *moved, bool *ret_more) WB_MUST_CHECK;

#endif
