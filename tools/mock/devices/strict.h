/* strict.h - what the server can see of the encryption without keys: message keys used twice,
 * devices left out, sender keys still used after a member left. */
#ifndef MOCK_DEVICES_STRICT_H
#define MOCK_DEVICES_STRICT_H

#include "tools/mock/core/mock.h"

/* Checks one <enc>. to: the device that the <enc> is for; NULL for a skmsg, then group is the
 * group. */
void strict_enc(struct mock *m, const struct device *from, const char *label,
                const struct device *to, const struct group *group, const struct node *enc);
/* Notes who was given the sender key of this stanza, and flags the members whom the sender
 * forgot. */
void strict_group_key(struct mock *m, const struct device *from, const char *label, struct group *g,
                      const struct node *n);
/* Notes that a re-sent message gave the sender key to one device. */
void strict_group_given(struct group *g, const struct device *from, const struct device *to);
/* All members are now called by their other address: nobody can find the earlier sender keys. */
void strict_keys_unknown(struct group *g);
/* Notes that a member or device left: sender keys must change before the next message (P-SD-36). */
void strict_member_left(struct group *g);
/* Checks <device-identity> of a stanza with a pkmsg (P-SD-17). False: it is missing, or not the one
 * signed at pairing. */
bool strict_device_identity(struct mock *m, const struct device *from, const char *label,
                            const struct node *n);
/* Whether this device has sent the id before: 0 no, 1 with the same bytes, 2 with others. Notes the
 * id. */
int strict_seen_id(struct mock *m, const struct device *from, const char *id, const struct node *n);

#endif
