/* messages_tidy.h - brings what another program wrote in messages.db to the form of that file
 * (store/messages/messages_tidy.h): at the start, and once a minute where somebody has written in
 * it while we run. */
#ifndef BRIDGE_RECOVERY_MESSAGES_TIDY_H
#define BRIDGE_RECOVERY_MESSAGES_TIDY_H

#include "base/err.h"

struct bridge;
struct messages_tidy;

enum wb_err messages_tidy_new(struct bridge *b, struct messages_tidy **ret) WB_MUST_CHECK;
void messages_tidy_free(struct messages_tidy *t);
/* From now on. NULL-safe. */
void messages_tidy_start(struct messages_tidy *t);

#endif
