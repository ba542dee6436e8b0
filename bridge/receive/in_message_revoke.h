/* in_message_revoke.h - messages that are deleted for everyone: by their author, or by an admin of
 * the group. Only our own list of the group's members says who is an admin: the stanza's claim
 * (edit=8, P-SD-18: deleted by an admin) is written by its sender. */
#ifndef BRIDGE_RECEIVE_IN_MESSAGE_REVOKE_H
#define BRIDGE_RECEIVE_IN_MESSAGE_REVOKE_H

#include "bridge/receive/in_message_private.h"

/* Makes the deletion that c asks for. REFUSED: the sender may not delete that message. WB_OK also
 * when the deletion waits: if we do not have the group's list, or only an old one that does not
 * name the sender as an admin, the list is asked for. */
enum wb_err in_message_revoke(struct bridge *b, const struct in_message *m,
                              const struct content *c) WB_MUST_CHECK;

/* At a login: asks for the lists that are still missing, one after the other. */
void in_message_revokes_resume(struct bridge *b);

#endif
