/* file_name.h - the names of the files in a Baileys directory: `<kind>-<id>.json`, where Baileys
 * has replaced '/' by "__" and ':' by '-' in the id. */
#ifndef IMPORT_FILE_NAME_H
#define IMPORT_FILE_NAME_H

#include "proto/jid.h"

/* In the order in which the files are taken over: a kind that others need comes first. */
enum file_kind {
    FILE_CREDS,
    FILE_LID_MAPPING,
    FILE_PREKEY,
    FILE_IDENTITY,
    FILE_APPSTATE_KEY,
    FILE_APPSTATE_VERSION,
    FILE_TOKEN,
    FILE_SESSION,
    FILE_SENDER_KEY,
    FILE_SENDER_KEY_MEMORY,
    FILE_DEVICE_LIST, /* known, and not taken over */
    FILE_OTHER,       /* none of Baileys' */
    FILE_KIND_COUNT,
};

struct file_name {
    enum file_kind kind;
    uint32_t number;   /* PREKEY */
    struct jid person; /* IDENTITY, SESSION, SENDER_KEY: a device; TOKEN: a user;
                        * LID_MAPPING: the user that the file is named after */
    struct jid group;  /* SENDER_KEY, SENDER_KEY_MEMORY */
    struct span id; /* APPSTATE_KEY: base64 with "__" for '/'; APPSTATE_VERSION: the collection */
};

/* Takes a file's name apart. A known kind with an unreadable id is FILE_OTHER. Spans borrow from
 * name. */
struct file_name file_name_read(const char *name);
/* The word for people: "sessions", "prekeys". */
const char *file_kind_word(enum file_kind kind);

#endif
