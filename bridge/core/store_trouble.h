/* store_trouble.h - texts for people: why the store could not be opened, and what to do. */
#ifndef BRIDGE_CORE_STORE_TROUBLE_H
#define BRIDGE_CORE_STORE_TROUBLE_H

#include <stdbool.h>

#include "base/buf.h"
#include "bridge/settings/config.h"
#include "store/open/open.h"

/* Appends to out one sentence that names the cause and a way out. info: from the open that failed
 * with err. */
void store_trouble_text(const struct config *c, enum wb_err err, const struct store_open_info *info,
                        struct buf *out);

/* Do the settings name another place for a database (db_path, whatsapp_db_path), but the file is in
 * the store directory only? A start would begin a new file, or restore an old one, and leave the
 * real one behind. Then out gets a sentence that names the file, and the commands that move it. */
bool store_left_behind(const struct config *c, struct buf *out);

#endif
