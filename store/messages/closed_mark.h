/* closed_mark.h - is messages.db still as we left it? A large file is read through at a start only
 * when it is not. Private to store/. */
#ifndef STORE_MESSAGES_CLOSED_MARK_H
#define STORE_MESSAGES_CLOSED_MARK_H

#include "store/core/store.h"

/* Notes in whatsapp.db, which is still open, how messages.db is, which is closed. */
enum wb_err messages_closed_put(struct store *s) WB_MUST_CHECK;
/* Is messages.db still as noted? No for a small one, which is always checked. */
bool messages_closed_holds(struct store *s);

#endif
