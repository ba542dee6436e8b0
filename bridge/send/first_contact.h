/* first_contact.h - first messages to people are spaced out: a number that writes to many new
 * people quickly is restricted by WhatsApp (P-SD-25, P-SD-26). One that is restricted sends none at
 * all before the end of that (time_lock.h). Private to send/. */
#ifndef BRIDGE_SEND_FIRST_CONTACT_H
#define BRIDGE_SEND_FIRST_CONTACT_H

#include <stdbool.h>
#include <stdint.h>

struct bridge;
struct jid;
struct out_item;
struct out_outcome;

struct first_contact {
    int64_t due_ms;      /* monotonic; when all that have left would have left one by one */
    unsigned lock_round; /* of first_contact_look() */
    /* A new round begins when the restriction has changed since the last one (time_lock_changes()),
     * or when news says so: what waited for us at the server is read. */
    uint64_t lock_changes;
    bool news;
};

/* Why a message waited when it would have been its turn. */
enum out_held {
    OUT_HELD_NOT,
    OUT_HELD_SPACED,     /* first messages are spaced out */
    OUT_HELD_RESTRICTED, /* the account may not write to people first */
    OUT_HELD_BEHIND,     /* what waited for us at the server is not read yet */
};

/* Milliseconds that the item must wait before its preparation starts; 0: it may start now. it->held
 * says why. That is asked once for each item that may (admitted), but for the restriction. Groups,
 * people with whom anything was ever exchanged, also by our phone before we were linked, and people
 * who gave us a token do not wait. */
int64_t first_contact_wait_ms(struct out_item *it);

/* Seconds that a message to this chat must wait for the end of the account's restriction; 0: it is
 * not restricted, or they know us. */
int64_t first_contact_lock_s(struct bridge *b, const struct jid *chat);
/* The same of a message that is under way: may it not go on now? */
bool first_contact_locked(const struct out_item *it);
/* What a caller is told whose message would wait in vain: RESTRICTED, with the end. */
void first_contact_say(struct bridge *b, struct out_outcome *ret_o);
/* After news of the restriction: what is queued goes on, or is refused if it would be over its time
 * before the end, or its caller gone. False: there is more of it; nothing may be started before the
 * next look. */
bool first_contact_look(struct bridge *b);

#endif
