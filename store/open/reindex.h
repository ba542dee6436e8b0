/* reindex.h - new indexes for a file of which nothing else is wrong; private to store/.
 *
 * An index that lacks rows hides them: a session is not found and made twice, a message is not
 * listed. How it comes: a write that a disk lost, or another program. The rows are all there, so
 * the file need not give way to an older one.
 * (How they are made is store/backup/indexes_anew.h's; this is what an open makes of it.) */
#ifndef STORE_OPEN_REINDEX_H
#define STORE_OPEN_REINDEX_H

#include "store/open/open.h"

/* Behind a file's name: a copy of it that is being made. */
#define REINDEX_UNFINISHED ".damaged-unfinished"

/* For the files that were found so (s->wa_indexes, s->msg_indexes); both are locked and not yet
 * used. First a copy of the file as it is (`<file>.damaged-<UTC time>`, flushed; not in a store
 * that is a copy itself), then REINDEX and a full check, in one transaction: a file that cannot be
 * mended stays as it is. Rows that stand twice under one key, which an index that lacked one of
 * them could not refuse, go but for the newest (store/session/same_keys.h). info->mended says what
 * was done. Indexes of messages.db that cannot be made anew all the same stay as they are; where
 * none could, nothing is changed, no copy is kept, and info->ignored says so. DB_CORRUPT: new
 * indexes do not make it whole, or whatsapp.db has two sessions or keys under one address, or an
 * entry whose row is gone or is another: its sessions may be older than they were, and what is old
 * must not send (rule 7). A copy is harmless by other means (store/open/restored.h) and is mended
 * all the same. Such an entry in messages.db is that of a message that was lost: s->lost_rows.
 * NO_SPACE, IO: for the copy, or the transaction. info tells which file and why. */
enum wb_err store_reindex(struct store *s, const struct store_config *config,
                          struct store_open_info *info) WB_MUST_CHECK;
/* Says in info->ignored that the file is used although the full check has this finding ("": none).
 */
void store_note_ignored(struct store_open_info *info, const char *path, const char *finding);
#endif
