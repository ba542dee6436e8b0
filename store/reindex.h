/* reindex.h - new indexes for a file of which nothing else is wrong; private to store/.
 *
 * An index that lacks rows hides them: a session is not found and made twice, a message is not
 * listed. How it comes: a write that a disk lost, or another program. The rows are all there, so
 * the file need not give way to an older one. */
#ifndef STORE_REINDEX_H
#define STORE_REINDEX_H

#include "store/store.h"

/* For the files that were found so (s->wa_indexes, s->msg_indexes); both are locked and not yet
 * used. First a copy of the file as it is (`<file>.damaged-<UTC time>`, flushed; not in a store
 * that is a copy itself), then REINDEX and a full check, in one transaction: a file that cannot be
 * mended stays as it is. info->mended says what was done.
 * DB_CORRUPT: new indexes do not make it whole (two rows with one key), or whatsapp.db has an entry
 * whose row is gone or is another: its sessions may be older than they were, and what is old must
 * not send (rule 7). A copy is harmless by other means (store/restored.h) and is mended all the
 * same. NO_SPACE, IO: for the copy, or the transaction. info tells which file and why. */
enum wb_err store_reindex(struct store *s, const struct store_config *config,
                          struct store_open_info *info) WB_MUST_CHECK;

#endif
