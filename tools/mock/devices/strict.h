/* strict.h - what the server can see of the encryption without keys: message keys used twice,
 * devices left out, sender keys that outlive a member. */
#ifndef MOCK_DEVICES_STRICT_H
#define MOCK_DEVICES_STRICT_H

#include "tools/mock/core/mock.h"

/* Looks at one <enc>. to: the device it is for; NULL for a skmsg, then group is the group. */
void strict_enc(struct mock *m, const struct device *from, const char *label,
                const struct device *to, const struct group *group, const struct node *enc);
/* Notes who was given the sender key of this stanza, and flags whom the sender forgot. */
void strict_group_key(struct mock *m, const struct device *from, const char *label, struct group *g,
                      const struct node *n);
/* A re-sent message gave the sender key to one device. */
void strict_group_given(struct group *g, const struct device *from, const struct device *to);
/* Everybody is called by another identity: nobody can find the sender keys of before. */
void strict_keys_unknown(struct group *g);
/* A member or device went: sender keys must change before the next message (P-SD-36). */
void strict_member_left(struct group *g);
/* <device-identity> of a stanza with a pkmsg (P-SD-17). False: missing or not the one signed at
 * pairing. */
bool strict_device_identity(struct mock *m, const struct device *from, const char *label,
                            const struct node *n);
/* Has this device sent the id before? 0 no, 1 the same bytes, 2 others. Notes it. */
int strict_seen_id(struct mock *m, const struct device *from, const char *id, const struct node *n);

#endif
