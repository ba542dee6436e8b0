/* pair_calls.h - the QR and the code that link this device, as api/ sees them. */
#ifndef BRIDGE_PAIR_PAIR_CALLS_H
#define BRIDGE_PAIR_PAIR_CALLS_H

#include "base/span.h"
#include "bridge/core/command.h"

struct bridge;

struct qr_current {
    const char *code; /* the text in the QR; lives until the next BRIDGE_EV_QR */
    int64_t expires_in_s;
};
/* False when none is shown; bridge_no_qr_reason() then says why in one sentence. */
bool bridge_qr(struct bridge *b, struct qr_current *ret_qr);
const char *bridge_no_qr_reason(struct bridge *b);
/* Why there is no code to type, in one sentence, for when bridge_pair_code() is false. */
const char *bridge_no_code_reason(struct bridge *b);

/* "XXXX-XXXX", NUL-terminated; false when there is none. */
bool bridge_pair_code(struct bridge *b, char out[static 10]);
int64_t bridge_pair_code_expires_in_s(const struct bridge *b); /* of the current code */
/* Asks for a new code for `phone` (SPAN_NULL: the configured number). code: "XXXX-XXXX" when r is
 * OK; text: otherwise the reason. */
typedef void pair_code_fn(void *ctx, enum cmd_result r, const char *code, const char *text);
void bridge_pair_code_request(struct bridge *b, struct span phone, pair_code_fn *done, void *ctx);

#endif
