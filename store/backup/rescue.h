/* rescue.h - brings back files that were removed or replaced while they were open.
 * Nothing more is stored into the open files; the caller rescues, closes, and opens again with
 * store_config.thorough. */
#ifndef STORE_BACKUP_RESCUE_H
#define STORE_BACKUP_RESCUE_H

#include "store/core/store.h"

/* Brings files that no longer have their names, but are still open, back under their names,
 * complete and flushed:
 * - a removed database is written anew;
 * - a replaced database is written anew, and the new file is set aside as
 *   `<file>.replaced-<time>`; where another process has the new file open or took its lock, our
 * file stays beside it as `<file>.rescued-<time>`;
 * - a removed log is written into its database.
 * The batch is rolled back. May take as long as a backup. ret_text:
 * what was done, for people. Afterwards the store can only be closed. After a failure call it
 * again: what is not rescued is gone when the store is closed. */
enum wb_err store_rescue(struct store *s, char ret_text[512]) WB_MUST_CHECK;

#endif
