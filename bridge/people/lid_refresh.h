/* lid_refresh.h - the server says that the LID which we wrote to is not the person's any more
 * (<ack refresh_lid=true>, P-X2-14): it is asked for again, by the phone number. */
#ifndef BRIDGE_PEOPLE_LID_REFRESH_H
#define BRIDGE_PEOPLE_LID_REFRESH_H

#include "bridge/people/limits.h"
#include "proto/jid.h"
#include <stddef.h>

struct bridge;
struct lid_refresh;

enum wb_err lid_refresh_new(struct lid_refresh **ret_r) WB_MUST_CHECK;
void lid_refresh_free(struct lid_refresh *r); /* NULL-safe */

/* from: of the ack, the person written to, in either form. Of whom we know no number there is
 * nothing to ask by, and a group has no LID: WB_OK, nothing is asked; nor is it twice within
 * LID_REFRESH_MS, for every ack to that person says it until the answer is here. The pair in the
 * answer is learned (identity.h). Errors of the store. */
enum wb_err lid_refresh(struct bridge *b, const struct jid *from) WB_MUST_CHECK;

#endif
