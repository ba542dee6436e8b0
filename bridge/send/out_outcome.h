/* out_outcome.h - how a send ended, as a caller is told and as the outbox keeps it. */
#ifndef BRIDGE_SEND_OUT_OUTCOME_H
#define BRIDGE_SEND_OUT_OUTCOME_H

#include "bridge/core/command.h"
#include "store/outbox/outbox.h"

struct bridge;

enum { OUT_TEXT_MAX = 240 };

/* How a send ended; also what a row in the outbox remembers for callers that ask again. */
struct out_outcome {
    enum cmd_result result;
    int64_t timestamp_s;
    uint32_t server_code;
    int64_t restricted_s; /* until when (unix) the account is restricted; only in answers given at
                           * once; time_lock.h */
    char text[OUT_TEXT_MAX];
};

/* Fills *o with this kind of outcome and its text. */
void out_outcome_say(struct out_outcome *o, enum cmd_result result, const char *text);
/* Writes an outcome to the outbox, and reads it back. */
enum wb_err out_outcome_store(struct bridge *b, const char *id,
                              const struct out_outcome *o) WB_MUST_CHECK;
void out_outcome_of_row(const struct store_outbox_row *row, struct out_outcome *ret);

#endif
