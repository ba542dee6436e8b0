/* look.h - do the paths that a command was given lead to what it needs? Checked before the command
 * begins, so that a wrong path is named and never taken for a store without backups. */
#ifndef TOOLS_BACKUP_LOOK_H
#define TOOLS_BACKUP_LOOK_H

#include "tools/backup/options.h"

enum looked {
    LOOKED_THERE,
    LOOKED_NONE,  /* a store that has no directory of backups, or an empty one */
    LOOKED_WRONG, /* no such store, no directory, or it may not be read */
};

/* Checks the directory in which backups are looked for. why gets a sentence unless backups are
 * there. */
enum looked look_for_backups(const struct options *o, char why[512]);
/* Is this a plain file that may be read? If not, why says what is wrong with it. */
bool look_at_file(const char *path, char why[512]);
/* Does the directory exist in which something of this name is to be made? If not, why says so. */
bool look_for_place(const char *path, char why[512]);

#endif
