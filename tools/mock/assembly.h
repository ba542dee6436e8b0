/* assembly.h - puts the rooms of the mock together and takes them apart. Only this file knows all
 * rooms, so that no room has to know those above it. */
#ifndef MOCK_ASSEMBLY_H
#define MOCK_ASSEMBLY_H

#include "tools/mock/core/mock.h"

/* Takes random numbers and keys from cfg. NOMEM, IO (trace file). The struct must not move
 * afterwards. */
enum wb_err mock_init(struct mock *m, const struct mock_config *cfg,
                      const struct clock *clock) WB_MUST_CHECK;
void mock_free(struct mock *m);
/* Makes the people and groups of --contacts and --groups. */
enum wb_err mock_populate(struct mock *m) WB_MUST_CHECK;

#endif
