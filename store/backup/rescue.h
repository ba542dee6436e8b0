/* rescue.h - brings back files whose names were taken while they were open. Nothing
 * more is stored into what is open; the caller rescues, closes, and opens again with
 * store_config.thorough. */
#ifndef STORE_BACKUP_RESCUE_H
#define STORE_BACKUP_RESCUE_H

#include "store/core/store.h"

/* Brings what is only open any more back under its name, complete and flushed: a removed database
 * is written anew; one that another file took the place of, too, and that file is set aside as
 * `<file>.replaced-<time>`; a removed log is written into its database. Where another process has
 * the newcomer open or took the lock, ours is left beside it as `<file>.rescued-<time>`.
 * The batch is rolled back. May take as long as a backup. ret_text: what was done, for people.
 * Afterwards the store can only be closed. After a failure it can be tried again, and has to be:
 * what is not rescued is gone when the store is closed. */
enum wb_err store_rescue(struct store *s, char ret_text[512]) WB_MUST_CHECK;

#endif
