/* in_message_private.h - what the parts of in_message share; not for others. */
#ifndef BRIDGE_RECEIVE_IN_MESSAGE_PRIVATE_H
#define BRIDGE_RECEIVE_IN_MESSAGE_PRIVATE_H

#include "bridge/core/message_log.h"
#include "bridge/core/stanza.h"
#include "bridge/receive/in_message.h"
#include "bridge/receive/retry_owed.h"
#include "proto/content.h"
#include "store/core/limits.h"

enum { PUSH_NAME_SLOTS = 512 };

/* News that is told when the batch is durable. */
struct in_message_news {
    struct jid chat, sender;
    char id[STORE_MESSAGE_ID_MAX + 1];
    bool from_me;
    struct message_said said;
};

struct in_message_state {
    struct bridge *b;
    struct in_message_news *news;
    size_t nnews, news_cap;
    int64_t newest_arrival_ms;            /* of the open batch */
    uint64_t push_names[PUSH_NAME_SLOTS]; /* hashes of (person, name) that the store has */
    struct buf plain;                     /* one plaintext at a time; wiped with buf_clear() */
    /* Does anything wait for the secret of another message (in_message_sealed.c)? */
    enum { WAITS_UNKNOWN, WAITS_NONE, WAITS_SOME } secret_waits;
    struct buf text, mentions, names;
    struct message_said said; /* by the row that was written last */
    struct retry_owed owed;
    struct jid revokes_at; /* in_message_revoke.c: the group that was asked for last */
};

/* ---- in_message_store.c: content to rows ---- */

/* Stores what c says, or changes what it is about. *ret_row: its id is in messages.db now, so a
 * copy of it can be recognised by that. */
enum wb_err in_message_store(struct bridge *b, struct in_message *m, const struct content *c,
                             bool *ret_row) WB_MUST_CHECK;
/* The same for what in_message_sealed_open() opened. */
enum wb_err in_message_store_opened(struct bridge *b, struct in_message *m, const struct content *c,
                                    bool *ret_row) WB_MUST_CHECK;
/* What was opened late: the row that told of it says now what it says. NOT_FOUND: there is none. */
enum wb_err in_message_store_fill_opened(struct bridge *b, const struct in_message *m,
                                         const struct content *c) WB_MUST_CHECK;
/* A change that its sender may not make: the message that it is about stays as it is, and what was
 * wanted becomes a row of its own. Logged and counted. */
enum wb_err in_message_store_refused(struct bridge *b, struct in_message *m,
                                     const struct content *c) WB_MUST_CHECK;
/* A row for what cannot be read yet. */
enum wb_err in_message_store_placeholder(struct bridge *b, struct in_message *m) WB_MUST_CHECK;
/* A row for a plaintext that is no Message: its bytes are kept. */
enum wb_err in_message_store_unreadable(struct bridge *b, struct in_message *m,
                                        struct span plain) WB_MUST_CHECK;
/* A row for a Message with nothing in it: its sender meant something. */
enum wb_err in_message_store_empty(struct bridge *b, struct in_message *m) WB_MUST_CHECK;

/* ---- in_message_keys.c ---- */

/* Keeps the sender key that came along, if any. A sender key that names another chat
 * than the stanza, or came outside of a group, is logged and ignored. */
enum wb_err in_message_keys(struct bridge *b, const struct in_message *m,
                            const struct content *c) WB_MUST_CHECK;

/* ---- in_message_sealed.c: what is sealed with the secret of another message ---- */

struct in_message_opened {
    struct content c; /* what it says; or as it was, with the reason in c.unopened */
    struct arena a;   /* what c borrows from, besides what it was made of */
    struct buf plain;
};
/* Opens c (content_is_sealed()). What waits for a message that we do not have is remembered, and
 * our phone is asked for that message, unless it is already, or has answered without a secret. The
 * caller ends with in_message_sealed_free(), also
 * after an error. */
enum wb_err in_message_sealed_open(struct bridge *b, struct in_message *m, const struct content *c,
                                   struct in_message_opened *ret) WB_MUST_CHECK;
void in_message_sealed_free(struct in_message_opened *o);
/* After the row of m, if it has one, was made: keeps the secret of m, and opens what has waited for
 * it. secret: any bytes of a peer's; nothing happens unless they are MESSAGE_SECRET_BYTES. */
enum wb_err in_message_sealed_secret(struct bridge *b, const struct in_message *m,
                                     struct span secret) WB_MUST_CHECK;
/* Our phone has answered a request for that message, and what it handed on is stored. If the secret
 * has not come with it, that is remembered; and when the message is here, nothing waits for it any
 * longer. */
enum wb_err in_message_sealed_phone_answered(struct bridge *b, const struct jid *chat,
                                             const struct jid *sender,
                                             struct span id) WB_MUST_CHECK;

/* ---- in_message_bot.c: what bots seal with the secret of the message that asked them ---- */

/* Opens an <enc type=msmsg> into out. NOT_FOUND: that message, or its secret, is not known; other
 * errors of class PEER: it does not open. */
enum wb_err in_message_bot_open(struct bridge *b, const struct in_message *m,
                                const struct in_enc *e, struct buf *out) WB_MUST_CHECK;
/* Is it the rest of an answer that has begun, so that it takes the place of m->bot_edit_target? */
bool in_message_bot_edits(const struct in_message *m);

/* ---- in_message_peer.c: what our own devices tell us ---- */

/* A protocol message that is from us (P-RC-51, 54, P-AS-02, P-HI-01). */
enum wb_err in_message_peer(struct bridge *b, const struct stanza *s, struct in_message *m,
                            const struct content *c) WB_MUST_CHECK;

/* Is it a copy of what we sent from another device? The server ends its delivery at a receipt of
 * type sender, and at nothing else: after an ack alone it comes again at each login, until the
 * server closes the stream because of it (P-X2-08). */
bool in_message_is_own_copy(const struct in_message *m);

/* ---- in_message_refuse.c: what cannot be dealt with ---- */

/* After its mark was undone because of `why`, which does not stop us (wb_err_stops_us()): answers
 * that it is refused, so that it does not come again and again, and leaves a placeholder where a
 * person should know that there was a message. */
enum wb_err in_message_refuse(struct bridge *b, const struct stanza *s, struct in_message *m,
                              enum wb_err why) WB_MUST_CHECK;

/* ---- in_message.c ---- */

/* BRIDGE_EV_MESSAGE for this one when the batch is durable. */
enum wb_err in_message_state_news_add(struct bridge *b, const struct in_message *m,
                                      int64_t received_ms) WB_MUST_CHECK;

#endif
