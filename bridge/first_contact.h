/* first_contact.h - first messages to people are spaced out: a number that writes to many new
 * people quickly is restricted by WhatsApp (P-SD-25, P-SD-26). Inside of out_message*.c. */
#ifndef BRIDGE_FIRST_CONTACT_H
#define BRIDGE_FIRST_CONTACT_H

#include <stdint.h>

struct out_item;

struct first_contact {
    int64_t due_ms; /* monotonic; when all that have left would have left one by one */
};

/* Milliseconds that the item must wait before its preparation starts; 0: it may start now. That is
 * asked once for each item that may (admitted). Groups and people with whom anything was ever
 * exchanged do not wait. */
int64_t first_contact_wait_ms(struct out_item *it);

#endif
