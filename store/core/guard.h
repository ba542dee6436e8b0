/* guard.h - what others may do with a store's directories and files. Made for store/ and tools/;
 * bridge/main.c uses store_shut_out_text() alone.
 *
 * Whoever may write in the directory of a database can put another one there, or a journal that
 * SQLite would play back into it; whoever may read the files has the keys. A mode that allows more
 * than was asked for is taken back; what cannot be taken back is refused. */
#ifndef STORE_CORE_GUARD_H
#define STORE_CORE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* Guards the directory that `path` lies in, which must exist. mode: 0700, or with the bits of
 * `group` that are wanted (02770). Others lose the right to write there in any case, the right to
 * read only if the directory holds nothing but a store's files: it may be one of the system.
 * INVALID: it belongs to somebody else, or is one for everybody (/tmp), and others may write there.
 * What was done, or why the directory is refused, is appended to text (of STORE_TIGHTENED_MAX). */
enum wb_err guard_dir_of(const char *path, mode_t mode, gid_t group, char *text) WB_MUST_CHECK;
/* Can other users than its owner read this file, by its mode and that of its directory? */
bool guard_others_read(const char *path);
/* A directory for readers that was there before the bridge: gives it to their group, if it is ours
 * and holds nothing but this messages.db (2770), or beside whatsapp.db nothing but a store (2750).
 * Before guard_whatsapp(). Any other directory is left as it is: guard_readers_kept_out() tells of
 * it. text as above. */
void guard_let_readers_in(const char *whatsapp_path, const char *messages_path, gid_t group,
                          char *text);
/* Is there a directory above messages.db that the group cannot enter? Then text (of size) gets a
 * sentence about it, and what to do. Further up only directories count that let nobody in but this
 * process's user. */
bool guard_readers_kept_out(const char *whatsapp_path, const char *messages_path, gid_t group,
                            char *text, size_t size);
/* Guards whatsapp.db: its directory, then the file with its log, index, journal and lock, as far as
 * they are there; guard_messages() does the same for messages.db. group: of the readers, 0: there
 * are none. To be called before the locks are taken, and while this process does not have the
 * database open: the files are opened here, and closing a descriptor drops SQLite's locks. INVALID
 * as above, or a file may be read or written by others and is not ours to change. */
enum wb_err guard_whatsapp(const char *path, const char *messages_path, gid_t group,
                           char *text) WB_MUST_CHECK;
enum wb_err guard_messages(const char *path, gid_t group, char *text) WB_MUST_CHECK;
/* For tools, which do not know the bridge's settings: the group that messages.db is shared with, by
 * its modes; 0: none. What everybody may read says nothing about a group, unless the directory was
 * made for readers (02770). */
gid_t guard_readers_group(const char *messages_path);
/* Puts more (may be "") behind what stands in text (of STORE_TIGHTENED_MAX). */
void guard_append(char *text, const char *more);

/* Appends the sentence for people, without a full stop, that other users are shut out of this
 * messages.db now (readers_shut_out), and what lets them in again. */
void store_shut_out_text(const char *messages_path, struct buf *out);

#endif
