/* mention.h - whom an outgoing text mentions: the form that the chat's addressing needs, in the
 * list and in the text (P-SD-39..41). Pure but for the LID map. */
#ifndef BRIDGE_SEND_MENTION_H
#define BRIDGE_SEND_MENTION_H

#include "base/arena.h"
#include "proto/jid.h"
#include "store/session/groups.h"

struct bridge;

/* A mention as callers write it: a phone number, a phone JID or a LID, with or without a device.
 * INVALID for anything else. Bare digits are taken for a phone number here; if no member has that
 * number but one has that LID, mention_compile() means that member. *ret_person is bare (without a
 * device). */
enum wb_err mention_parse(struct span text, struct jid *ret_person) WB_MUST_CHECK;

/* Who can be mentioned in a chat, and how they are written there. */
struct mention_chat {
    const struct store_group_member *members; /* of a 1:1 chat: the two who talk */
    size_t nmembers;
    enum store_addressing addressing; /* of a 1:1 chat: private_address.h */
};

struct mention_request {
    struct span text;      /* valid UTF-8 */
    const struct jid *who; /* bare PNs or LIDs, as the caller gave them */
    size_t nwho;
    bool all;          /* everybody but us is mentioned too; no "@" is added to the text for them */
    bool allow_absent; /* people who are not members are mentioned in the best form that is known */
};

/* The result; everything in it lives in the arena. */
struct mention_result {
    struct span text;             /* "@digits" of the wire form for each mention */
    const struct span *mentioned; /* JID texts, without doubles */
    size_t nmentioned;
    bool all;
    /* Positions in `who` of people who are not members (when !allow_absent). Nothing else is filled
     * then. */
    const size_t *absent;
    size_t nabsent;
};

/* The people in `who` who are no members as far as we know, but might be by their LID: phone
 * numbers for which the map has no LID. Asking the server for those LIDs first keeps a member from
 * being refused. *ret_pns lies in the arena. */
enum wb_err mention_unknown(struct bridge *b, struct arena *a, const struct mention_chat *chat,
                            const struct mention_request *r, struct jid **ret_pns,
                            size_t *ret_n) WB_MUST_CHECK;

/* Rewrites the text and makes the list. Errors of the store, NOMEM. */
enum wb_err mention_compile(struct bridge *b, struct arena *a, const struct mention_chat *chat,
                            const struct mention_request *r,
                            struct mention_result *ret) WB_MUST_CHECK;

/* Room for the part of a sentence that names people; one address and a count always fit. */
enum { MENTION_NAMES_MAX = 160 };
/* Writes "A, B" or, when not all fit, "A, B and 3 more": the people at these n > 0 positions of
 * `who`. */
void mention_names(const struct jid *who, const size_t *positions, size_t n,
                   char ret_text[static MENTION_NAMES_MAX]);

#endif
