/* saved_file.h - media that the Go bridge has saved beside messages.db before this one took over.
 */
#ifndef BRIDGE_MEDIA_SAVED_FILE_H
#define BRIDGE_MEDIA_SAVED_FILE_H

#include "base/arena.h"
#include "bridge/core/command.h"

struct bridge;

struct saved_file {
    struct span media_type, filename; /* as the row of `messages` has them */
    const char *path;                 /* absolute */
};

/* The file of that message, if it is there: <store>/<chat>/<filename>, <store> being the store or
 * the directory of a messages.db elsewhere, where <chat> is the chat's JID with '_' for ':'
 * (whatsapp-mcp, main.go: downloadMedia()), in whichever form the Go bridge knew the chat. Only a
 * plain file there, whatever the row's filename says: it is a peer's. chat may be given in either
 * form. BAD_REQUEST: it is no JID of a chat; NOT_FOUND: no such message, none with media, or no
 * such file; INTERNAL: the databases cannot be read. All in the arena. */
enum cmd_result bridge_saved_file(struct bridge *b, struct span message_id, struct span chat,
                                  struct arena *a, struct saved_file *ret) WB_MUST_CHECK;

#endif
