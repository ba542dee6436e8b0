/* appstate.h - app state collections: the server keeps patches it cannot read (P-AS-04..06). */
#ifndef MOCK_APPSTATE_H
#define MOCK_APPSTATE_H

#include "tools/mock/mock.h"

void appstate_free(struct account *a);

#endif
