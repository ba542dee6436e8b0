/* messages_tidy.h - brings rows that another program wrote in messages.db to the form of that file
 * (store/messages/messages_tidy.h): at the start, and later once a minute, if another program has
 * written in it. */
#ifndef BRIDGE_RECOVERY_MESSAGES_TIDY_H
#define BRIDGE_RECOVERY_MESSAGES_TIDY_H

#include "base/err.h"

struct bridge;
struct messages_tidy;

enum wb_err messages_tidy_new(struct bridge *b, struct messages_tidy **ret) WB_MUST_CHECK;
void messages_tidy_free(struct messages_tidy *t);
/* Begins the tidying. NULL-safe. */
void messages_tidy_start(struct messages_tidy *t);

#endif
