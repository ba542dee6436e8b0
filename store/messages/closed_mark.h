/* closed_mark.h - was messages.db left as it is now by us? A large one is not read through at every
 * start, only when it is not as we left it. Private to store/. */
#ifndef STORE_MESSAGES_CLOSED_MARK_H
#define STORE_MESSAGES_CLOSED_MARK_H

#include "store/core/store.h"

/* With messages.db closed and whatsapp.db still open: notes how it is. */
enum wb_err messages_closed_put(struct store *s) WB_MUST_CHECK;
/* Is messages.db still as noted? No for a small one. */
bool messages_closed_holds(struct store *s);

#endif
