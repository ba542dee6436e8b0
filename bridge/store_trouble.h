/* store_trouble.h - why the store could not be opened, and what to do, for people. */
#ifndef BRIDGE_STORE_TROUBLE_H
#define BRIDGE_STORE_TROUBLE_H

#include "base/buf.h"
#include "bridge/config.h"
#include "store/store.h"

/* Appends one sentence that names the culprit, and a way out, to out. info: of the open that failed
 * with err. */
void store_trouble_text(const struct config *c, enum wb_err err, const struct store_open_info *info,
                        struct buf *out);

#endif
