/* secret_waits.h - edits, votes, reactions and the like that are sealed with the secret of a
 * message which has not come (P-RC-52): each is a row of messages.db by itself, and is remembered
 * here until that message, or our phone's copy of it, brings the secret. */
#ifndef STORE_MESSAGES_SECRET_WAITS_H
#define STORE_MESSAGES_SECRET_WAITS_H

#include "proto/jid.h"
#include "store/core/store.h"

struct store_secret_wait {
    int64_t seq;                              /* set by the store */
    char id[STORE_MESSAGE_ID_MAX + 1];        /* of the sealed edit, vote or reaction */
    char target_id[STORE_MESSAGE_ID_MAX + 1]; /* of the message whose secret is missing */
    struct jid chat;
    struct jid sender, sender_alt; /* of the edit, vote or reaction; alt: JID_NONE when unknown */
    bool from_me, lid_addressing;
    int64_t timestamp; /* of the stanza, unix seconds */
    int64_t noted_at;  /* unix seconds */
};

enum store_secret_wait_outcome {
    STORE_WAIT_REFUSED, /* so many wait for that message already (STORE_SECRET_WAITS_TARGET_MAX) */
    STORE_WAIT_KEPT,    /* w waits now, or did before */
    STORE_WAIT_INSTEAD, /* the sender's oldest entry in this chat was removed for w */
};
/* The device of w->sender is not kept. Over STORE_SECRET_WAITS_MAX the oldest of all goes. */
enum wb_err store_secret_wait_put(struct store *s, const struct store_secret_wait *w,
                                  enum store_secret_wait_outcome *ret) WB_MUST_CHECK;
/* The next one that waits for a message of this id (in whatever chat) behind seq `after` (0: the
 * first). NOT_FOUND. */
enum wb_err store_secret_wait_next(struct store *s, struct span target_id, int64_t after,
                                   struct store_secret_wait *ret) WB_MUST_CHECK;
enum wb_err store_secret_wait_done(struct store *s, int64_t seq) WB_MUST_CHECK;
/* Does anything wait at all? */
enum wb_err store_secret_wait_any(struct store *s, bool *ret_any) WB_MUST_CHECK;
/* Removes those noted before `before`, STORE_PRUNE_ROWS at most; *ret_more: there may be more. */
enum wb_err store_secret_wait_prune(struct store *s, int64_t before, bool *ret_more) WB_MUST_CHECK;

/* ---- messages whose secret our phone does not have either ---- */

/* answered_at: unix seconds. Chat and sender in either form; an entry made before a person's LID
 * was known is not found by the LID afterwards. */
enum wb_err store_secret_none_put(struct store *s, const struct jid *chat, const struct jid *sender,
                                  struct span id, int64_t answered_at) WB_MUST_CHECK;
enum wb_err store_secret_none_known(struct store *s, const struct jid *chat,
                                    const struct jid *sender, struct span id,
                                    bool *ret_known) WB_MUST_CHECK;
/* Removes those answered before `before`, STORE_PRUNE_ROWS at most; *ret_more: there may be more.
 */
enum wb_err store_secret_none_prune(struct store *s, int64_t before, bool *ret_more) WB_MUST_CHECK;

#endif
