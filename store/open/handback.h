/* handback.h - a store goes to a program that knows no LIDs, and comes back.
 *
 * whatsmeow from before April 2025 (schema 6, the Go bridge's pinned build) files a session, an
 * identity and a sender key under whatever address a stanza names, and looks nowhere else; it
 * writes to numbers. Our records are all under LIDs (rule 4, P-DB-22). So each record is filed
 * under the number too, with all its states. The copy that stays under the LID reads messages that
 * still come addressed to the LID; its sending chains are spent, because no key may seal messages
 * of two programs. */
#ifndef STORE_OPEN_HANDBACK_H
#define STORE_OPEN_HANDBACK_H

#include "store/core/store.h"

struct handback_counts {
    size_t sessions, identities, sender_keys; /* filed under numbers */
    size_t no_number;  /* sessions and sender keys that stay under LIDs whose number nobody knows */
    size_t unreadable; /* records that nobody can read: left as they are */
    size_t
        receive_only; /* sessions that cannot send, after a restore: whatsmeow cannot read them */
};

/* Files everything of the selected account under numbers, in the open batch, and notes that it was
 * done. May be repeated on a store that was handed back. STATE without an account. */
enum wb_err store_handback(struct store *s, const struct rng *rng,
                           struct handback_counts *ret) WB_MUST_CHECK;

/* *ret: the store was handed back, and whatsapp-bridge has not taken it again since. */
enum wb_err store_handed_back(struct store *s, bool *ret) WB_MUST_CHECK;

/* Undoes store_handback(): records under numbers move to the LIDs, and of two copies of a record
 * the one whose ratchet is further on wins. Commits from time to time, and in the end; may be
 * interrupted and begun again. *ret_moved: rows moved. */
enum wb_err store_take_again(struct store *s, size_t *ret_moved) WB_MUST_CHECK;

#endif
