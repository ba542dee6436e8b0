/* identity.h - of the room people/ (who people are: addresses, devices, trust, limits; it knows
 * nothing of encryption, groups, and how messages are received and sent): the one place where the
 * bridge learns that a LID and a phone number are one person (P-RC-07, P-US-14, rule 4: one session
 * per person). */
#ifndef BRIDGE_PEOPLE_IDENTITY_H
#define BRIDGE_PEOPLE_IDENTITY_H

#include "proto/jid.h"

struct bridge;

/* one, other: the two forms in either order; device numbers are ignored. An impossible pair (two
 * PNs, an empty JID, no second form) is passed over, and so is a pair that joins somebody else to
 * us: only login and pairing tell our own pair. A new pair moves sessions to the LID and the 1:1
 * chat and its rows to the phone number, all in the open batch. Errors of the store. */
enum wb_err identity_learn(struct bridge *b, const struct jid *one,
                           const struct jid *other) WB_MUST_CHECK;

/* The other form of a person, with the same device number; JID_NONE when it is not known, or when
 * `who` is no person. Errors of the store. */
enum wb_err identity_other_form(struct bridge *b, const struct jid *who,
                                struct jid *ret_other) WB_MUST_CHECK;

/* The form under which sessions are kept: the LID when it is known (rule 4: one identity). Sessions
 * under the PN are moved to the LID first (P-SG-34). */
enum wb_err identity_session_address(struct bridge *b, const struct jid *device,
                                     struct jid *ret_address) WB_MUST_CHECK;

#endif
