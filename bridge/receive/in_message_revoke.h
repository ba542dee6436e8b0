/* in_message_revoke.h - messages that are deleted for everyone: by their author, or by an admin of
 * the group. Who is an admin is in our own list of the group's members and nowhere else: what the
 * stanza says of itself (edit=8, P-SD-18) its sender has written. */
#ifndef BRIDGE_RECEIVE_IN_MESSAGE_REVOKE_H
#define BRIDGE_RECEIVE_IN_MESSAGE_REVOKE_H

#include "bridge/receive/in_message_private.h"

/* Applies it. REFUSED: the sender may not. WB_OK also when it waits: in a group whose list we do
 * not have, or only an old one that does not name the sender as an admin, the list is asked for. */
enum wb_err in_message_revoke(struct bridge *b, const struct in_message *m,
                              const struct content *c) WB_MUST_CHECK;

/* Asks for the lists that are still missing, one after the other; at a login. */
void in_message_revokes_resume(struct bridge *b);

#endif
