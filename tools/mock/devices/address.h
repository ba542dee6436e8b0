/* address.h - private messages and the two addresses of a person, LID and number: accounts whose
 * chats have not been moved to LIDs, numbers that lead to another number, LIDs that are out of
 * date, devices that nobody was told of (P-X2-01, P-X2-14, P-X2-22, P-X2-23, P-X2-25). */
#ifndef MOCK_DEVICES_ADDRESS_H
#define MOCK_DEVICES_ADDRESS_H

#include "tools/mock/wire/client.h"

/* <client-props> of pair-success: is the account LID-migrated? Nothing for an account whose phone
 * does not say. */
void address_props(struct mock *m, struct node *pair_success, const struct mock_account *a);
/* 400 for a private message from an account that is not LID-migrated, if it goes by LID or to
 * devices in two forms; else 0. A refused message reaches nobody. */
int address_refuses(struct mock *m, const char *label, const struct device *from,
                    const struct mock_account *peer, const struct node *n);
/* Puts refresh_lid=true into the ack for a message to a LID that the person no longer has. */
void address_ack(struct mock *m, struct node *ack, const struct node *n);
/* The account of a number as somebody types it: its own, or one that leads to it. */
struct mock_account *address_account_typed(const struct world *w, const char *digits);

/* Notes that a private message left devices out: it may be sent to them later under the same id,
 * once. */
void address_note_missing(struct mock *m, const struct device *from, const char *id,
                          struct device *const *missing, size_t n);
/* Whether this second stanza of the id is for the devices that the first left out; if so, the note
 * is removed. Flags a device that already had a copy. False: it is another message. */
bool address_completes(struct mock *m, const char *label, const struct device *from, const char *id,
                       const struct node *n);

#endif
