/* look.h - is there what a command was pointed at? Looked at before it begins, so that a wrong path
 * is told by its name and never taken for a store without backups. */
#ifndef TOOLS_BACKUP_LOOK_H
#define TOOLS_BACKUP_LOOK_H

#include "tools/backup/options.h"

enum looked {
    LOOKED_THERE,
    LOOKED_NONE,  /* a store that has no directory of backups, or an empty one */
    LOOKED_WRONG, /* no such store, no directory, or it may not be read */
};

/* Where backups are looked for. why gets a sentence unless they are there. */
enum looked look_for_backups(const struct options *o, char why[512]);
/* A plain file that may be read: else false, and why says what it is. */
bool look_at_file(const char *path, char why[512]);
/* Can something be made by this name, as far as its directory goes? */
bool look_for_place(const char *path, char why[512]);

#endif
