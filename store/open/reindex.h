/* reindex.h - new indexes for a file in which nothing else is wrong; private to store/.
 *
 * An index that lacks rows hides them: a session is not found and made twice, a message is not
 * listed. A write that a disk lost, or another program, causes this. The rows are all there, so the
 * file need not be replaced by an older one. (store/backup/indexes_anew.h makes the indexes; this
 * file is what store_open() does around that.) */
#ifndef STORE_OPEN_REINDEX_H
#define STORE_OPEN_REINDEX_H

#include "store/open/open.h"

/* Stands behind a file's name in the name of its copy while that is being made. */
#define REINDEX_UNFINISHED ".damaged-unfinished"

/* For the files whose indexes were found damaged (s->wa_indexes, s->msg_indexes); both files are
 * locked and not yet used. First makes a copy of the file as it is (`<file>.damaged-<UTC time>`,
 * flushed; not in a store that is a copy itself), then REINDEX and a full check, in one
 * transaction: a file that cannot be mended stays as it is. Of rows with the same key, which an
 * index that lacked one of them could not refuse, only the newest stays
 * (store/session/same_keys.h). info->mended says what was done. Indexes of messages.db that cannot
 * be made anew even so stay as they are; where none can, nothing is changed, no copy is kept, and
 * info->ignored says so. DB_CORRUPT: new indexes do not make the file whole, or whatsapp.db has two
 * sessions or keys under one address, or an index entry whose row is gone or is another: its
 * sessions may be older than they were, and old sessions must not send (rule 9). A copy of a store
 * is made harmless (store/open/restored.h), so it is mended even then. Such an entry in messages.db
 * is that of a lost message: s->lost_rows. NO_SPACE, IO: of the copy, or of the transaction. info
 * tells which file and why. */
enum wb_err store_reindex(struct store *s, const struct store_config *config,
                          struct store_open_info *info) WB_MUST_CHECK;
/* Says in info->ignored that the file is used although the full check has this finding ("": none).
 */
void store_note_ignored(struct store_open_info *info, const char *path, const char *finding);
#endif
