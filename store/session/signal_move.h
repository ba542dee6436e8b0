/* signal_move.h - what handback.c needs of signal_migrate.c; private to store/. */
#ifndef STORE_SESSION_SIGNAL_MOVE_H
#define STORE_SESSION_SIGNAL_MOVE_H

#include "proto/jid.h"
#include "store/core/store.h"

/* The sender key of a device from its number to its LID; nothing there: WB_OK. Adds to *moved. */
enum wb_err signal_move_sender_key(struct store *s, const struct jid *group, const struct jid *from,
                                   const struct jid *to, size_t *moved) WB_MUST_CHECK;

#endif
