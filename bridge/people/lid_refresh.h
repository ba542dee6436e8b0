/* lid_refresh.h - asks for a person's LID again, by the phone number, when the server says that the
 * LID which we wrote to is out of date (<ack refresh_lid=true>, P-X2-14). */
#ifndef BRIDGE_PEOPLE_LID_REFRESH_H
#define BRIDGE_PEOPLE_LID_REFRESH_H

#include "bridge/people/limits.h"
#include "proto/jid.h"
#include <stddef.h>

struct bridge;
struct lid_refresh;

enum wb_err lid_refresh_new(struct lid_refresh **ret_r) WB_MUST_CHECK;
void lid_refresh_free(struct lid_refresh *r); /* NULL-safe */

/* from: the `from` of the ack, which is the person written to, in either form. Asks nothing (WB_OK)
 * for a group or a person whose number we do not know, and not twice within LID_REFRESH_MS, because
 * every ack of that person repeats refresh_lid until the answer is here. The pair in the answer is
 * learned (identity.h). Errors of the store. */
enum wb_err lid_refresh(struct bridge *b, const struct jid *from) WB_MUST_CHECK;

#endif
