/* store_trouble.h - why the store could not be opened, and what to do, for people. */
#ifndef BRIDGE_CORE_STORE_TROUBLE_H
#define BRIDGE_CORE_STORE_TROUBLE_H

#include <stdbool.h>

#include "base/buf.h"
#include "bridge/settings/config.h"
#include "store/open/open.h"

/* Appends one sentence that names the culprit, and a way out, to out. info: of the open that failed
 * with err. */
void store_trouble_text(const struct config *c, enum wb_err err, const struct store_open_info *info,
                        struct buf *out);

/* Is a database to lie elsewhere (db_path, whatsapp_db_path), but only the one in the store
 * directory is there? A start would begin a new file, or restore an old one, and leave that one
 * behind. Then out gets a sentence that says which, and the commands that move it. */
bool store_left_behind(const struct config *c, struct buf *out);

#endif
