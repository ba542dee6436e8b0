/* options.h - the command line of bridge-backup. */
#ifndef TOOLS_BACKUP_OPTIONS_H
#define TOOLS_BACKUP_OPTIONS_H

#include <stdbool.h>

#include "store/core/store.h"

enum { /* exit statuses */
       EXIT_DONE = 0,
       EXIT_FAILED = 1,
       EXIT_USAGE = 2,
       EXIT_LOCKED = 3,
       EXIT_BAD_BACKUP = 4,
       EXIT_WRONG_NUMBER = 5,
};

struct options {
    char whatsapp_path[STORE_PATH_MAX], messages_path[STORE_PATH_MAX], dir[STORE_PATH_MAX];
    const char *store; /* --store, in which the three paths above are by default */
    bool dir_given;    /* --backups */
    const char *command;
    const char *argument[2]; /* NULL when absent */
    const char *phone, *reason, *messages, *only;
    const char *public_key_file, *secret_key_file, *passphrase_file;
    unsigned keep, days;
    bool dry_run, json;
};

/* false: the options are wrong, and standard error says how. */
bool options_read(int argc, char **argv, struct options *o);
void options_help(void);

#endif
