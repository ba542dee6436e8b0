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

/* The file of that message, if it is there: <store>/<chat>/<filename>. <store> is the store, or the
 * directory of a messages.db elsewhere; <chat> is the chat's JID with '_' for ':' (whatsapp-mcp,
 * main.go: downloadMedia()), in the form in which the Go bridge knew the chat. Only a plain file in
 * that directory is returned, because the row's filename comes from a peer. chat may be given in
 * either form. BAD_REQUEST: chat is no JID of a chat; NOT_FOUND: no such message, a message without
 * media, or no such file; INTERNAL: the databases cannot be read. All results are in the arena. */
enum cmd_result bridge_saved_file(struct bridge *b, struct span message_id, struct span chat,
                                  struct arena *a, struct saved_file *ret) WB_MUST_CHECK;

#endif
