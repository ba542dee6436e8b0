/* first_contact.h - first messages to people are spaced out: a number that writes to many new
 * people quickly is restricted by WhatsApp (P-SD-25, P-SD-26). A restricted number sends no first
 * messages before the restriction ends (people/time_lock.h). Private to send/. */
#ifndef BRIDGE_SEND_FIRST_CONTACT_H
#define BRIDGE_SEND_FIRST_CONTACT_H

#include <stdbool.h>
#include <stdint.h>

struct bridge;
struct jid;
struct out_item;
struct out_outcome;

struct first_contact {
    int64_t due_ms;      /* monotonic; when all first messages so far would have left, one per
                          * interval */
    unsigned lock_round; /* of first_contact_look(), which looks at each item once a round */
    /* A new round begins when the restriction has changed since the last round
     * (time_lock_changes()), or when `news` says so: what waited for us at the server has been
     * read. */
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
 * says why it waits. Once an item may start (it->admitted), only the restriction can make it wait
 * again. Groups, people with whom anything was ever exchanged (also by our phone before we were
 * linked), and people who gave us a token do not wait. */
int64_t first_contact_wait_ms(struct out_item *it);

/* Seconds until the account's restriction ends, if this chat must wait for that; 0: the account is
 * not restricted, or the person knows us. */
int64_t first_contact_lock_s(struct bridge *b, const struct jid *chat);
/* Whether a message that is under way may not go on now because of the restriction. */
bool first_contact_locked(const struct out_item *it);
/* The answer to a caller whose message would wait in vain: RESTRICTED, with the restriction's
 * end. */
void first_contact_say(struct bridge *b, struct out_outcome *ret_o);
/* After news of the restriction: queued items go on, or are refused if the restriction outlasts
 * their time or their caller's wait. False: more items must be looked at; nothing may be started
 * before the next call. */
bool first_contact_look(struct bridge *b);

#endif
