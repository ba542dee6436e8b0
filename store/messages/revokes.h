/* revokes.h - deletions of others' messages in groups that we know too little of: they wait,
 * durably, until the list of members says whether their sender is an admin
 * (bridge/receive/in_message_revoke.h). */
#ifndef STORE_MESSAGES_REVOKES_H
#define STORE_MESSAGES_REVOKES_H

#include "proto/jid.h"
#include "store/core/store.h"

/* A <message> that deletes another one. */
struct store_revoke {
    int64_t seq;                              /* set by the store */
    char id[STORE_MESSAGE_ID_MAX + 1];        /* of the stanza */
    char target_id[STORE_MESSAGE_ID_MAX + 1]; /* what is to be deleted */
    struct jid chat;
    struct jid sender, sender_alt; /* who wants it; alt: JID_NONE when unknown */
    struct jid author;             /* whose message it is */
    bool from_me, lid_addressing;
    int64_t timestamp; /* of the stanza */
    int64_t noted_at;  /* unix seconds */
};

/* *ret_kept: it waits now (or did before). False: so many wait in that group, or in all, that this
 * one is not taken (STORE_REVOKES_CHAT_MAX, STORE_REVOKES_MAX). */
enum wb_err store_revoke_put(struct store *s, const struct store_revoke *r,
                             bool *ret_kept) WB_MUST_CHECK;
/* The next one of that chat behind seq `after` (0: the first). NOT_FOUND. */
enum wb_err store_revoke_next(struct store *s, const struct jid *chat, int64_t after,
                              struct store_revoke *ret) WB_MUST_CHECK;
/* The next chat behind `after` (JID_NONE: the first) in which some wait. NOT_FOUND. */
enum wb_err store_revoke_next_chat(struct store *s, const struct jid *after,
                                   struct jid *ret) WB_MUST_CHECK;
enum wb_err store_revoke_done(struct store *s, int64_t seq) WB_MUST_CHECK;

#endif
