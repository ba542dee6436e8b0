/* store_tool.h - the command line of the programs that change a store and then end: which options
 * they take, which mistakes they report, where the store's files are. Knows nothing of databases.
 */
#ifndef TOOLS_STORE_TOOL_H
#define TOOLS_STORE_TOOL_H

#include <stdbool.h>

#include "store/files/files.h"

enum { TOOL_FAILED = 1, TOOL_USAGE = 2, TOOL_LOCKED = 3 }; /* exit statuses */

struct store_tool {
    const char *name;  /* of the program */
    const char *usage; /* for --help */
    bool takes_to;     /* --to integer|text, which must be given then */
};

struct store_tool_args {
    const char *store, *to; /* to: "integer" or "text"; NULL without takes_to */
    const char *messages;   /* --db-path; NULL: not given */
    const char *whatsapp;   /* --whatsapp-db-path; NULL: not given */
    bool dry_run;
    char messages_path[STORE_PATH_MAX], whatsapp_path[STORE_PATH_MAX], backups[STORE_PATH_MAX];
};

/* True: *ret_args is complete. False: everything has been said (--help and --version on standard
 * output, one line of what is wrong on standard error), and the program ends with *ret_status. The
 * texts point into argv. */
bool store_tool_args(const struct store_tool *t, int argc, char **argv,
                     struct store_tool_args *ret_args, int *ret_status);

#endif
