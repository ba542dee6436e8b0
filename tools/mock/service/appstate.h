/* appstate.h - app state collections: the server keeps patches it cannot read (P-AS-04..06). */
#ifndef MOCK_SERVICE_APPSTATE_H
#define MOCK_SERVICE_APPSTATE_H

#include "tools/mock/core/mock.h"

uint64_t appstate_version(const struct mock_account *a, const char *name);
/* Adds a patch without a version as the collection's next one and tells the other companions. by:
 * the device that wrote it, NULL: the phone. False: no such collection, no protobuf, no memory. */
bool appstate_add(struct mock *m, struct mock_account *a, const struct device *by, const char *name,
                  struct span patch);

#endif
