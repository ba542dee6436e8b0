/* identity.h - the one place where the bridge learns that a LID and a phone number are one person
 * (P-RC-07, P-US-14, rule 4). */
#ifndef BRIDGE_PEOPLE_IDENTITY_H
#define BRIDGE_PEOPLE_IDENTITY_H

#include "proto/jid.h"

struct bridge;

/* a and b are the two forms in either order, devices ignored; a pair that is none (two PNs, an
 * empty JID, a person without a second form) is passed over, and so is one that makes somebody else
 * ourselves; our own pair is the login's and the pairing's to tell. A new pair moves sessions to
 * the LID and the 1:1 chat and its rows to the phone number, all in the open batch. Errors of the
 * store. */
enum wb_err identity_learn(struct bridge *b, const struct jid *one,
                           const struct jid *other) WB_MUST_CHECK;

/* The other form of a person, with the same device number; JID_NONE when it is not known, or when
 * this is no person. Errors of the store. */
enum wb_err identity_other_form(struct bridge *b, const struct jid *who,
                                struct jid *ret_other) WB_MUST_CHECK;

/* The form that sessions are kept under: the LID when it is known (rule 4). PN sessions that are
 * still there move first (P-SG-34). */
enum wb_err identity_session_address(struct bridge *b, const struct jid *device,
                                     struct jid *ret_address) WB_MUST_CHECK;

#endif
