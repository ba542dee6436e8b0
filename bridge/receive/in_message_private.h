/* in_message_private.h - what the in_message_*.c files share; no other file includes it. */
#ifndef BRIDGE_RECEIVE_IN_MESSAGE_PRIVATE_H
#define BRIDGE_RECEIVE_IN_MESSAGE_PRIVATE_H

#include "bridge/core/message_log.h"
#include "bridge/core/stanza.h"
#include "bridge/receive/in_message.h"
#include "bridge/receive/retry_owed.h"
#include "proto/content.h"
#include "store/core/limits.h"

enum { PUSH_NAME_SLOTS = 512 };

/* A stored message that BRIDGE_EV_MESSAGE tells of when the batch is durable. */
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
    int64_t newest_arrival_ms;            /* the latest arrival among the open batch's messages */
    uint64_t push_names[PUSH_NAME_SLOTS]; /* hashes of (person, name) that the store has */
    struct buf plain;                     /* one plaintext at a time; wiped with buf_clear() */
    /* Does any row wait for the secret of another message (in_message_sealed.c)? */
    enum { WAITS_UNKNOWN, WAITS_NONE, WAITS_SOME } secret_waits;
    struct buf text, mentions, names;
    struct message_said said; /* what the row written last says, for its log line */
    struct retry_owed owed;
    struct jid revokes_at; /* in_message_revoke.c: the group whose list was asked for last */
};

/* ---- in_message_store.c: content to rows ---- */

/* Stores c as a row, or makes the change that c asks for. *ret_row: the message's id is in
 * messages.db now, so that a second copy is recognised by it. */
enum wb_err in_message_store(struct bridge *b, struct in_message *m, const struct content *c,
                             bool *ret_row) WB_MUST_CHECK;
/* The same for content that in_message_sealed_open() opened. */
enum wb_err in_message_store_opened(struct bridge *b, struct in_message *m, const struct content *c,
                                    bool *ret_row) WB_MUST_CHECK;
/* Content that was opened late replaces the text of the row that stood for it. NOT_FOUND: there is
 * no such row. */
enum wb_err in_message_store_fill_opened(struct bridge *b, const struct in_message *m,
                                         const struct content *c) WB_MUST_CHECK;
/* Content asks for a change that its sender may not make: the other message stays as it is, and a
 * row of its own tells what the sender wanted. Logged and counted. */
enum wb_err in_message_store_refused(struct bridge *b, struct in_message *m,
                                     const struct content *c) WB_MUST_CHECK;
/* Makes a row for a message that cannot be read yet. */
enum wb_err in_message_store_placeholder(struct bridge *b, struct in_message *m) WB_MUST_CHECK;
/* Makes a row for a plaintext that is no Message; the row keeps its bytes. */
enum wb_err in_message_store_unreadable(struct bridge *b, struct in_message *m,
                                        struct span plain) WB_MUST_CHECK;
/* Makes a row for an empty Message: its sender meant to say something. */
enum wb_err in_message_store_empty(struct bridge *b, struct in_message *m) WB_MUST_CHECK;

/* ---- in_message_keys.c ---- */

/* Keeps the sender key that came along, if any. A sender key that names another chat
 * than the stanza, or came outside of a group, is logged and ignored. */
enum wb_err in_message_keys(struct bridge *b, const struct in_message *m,
                            const struct content *c) WB_MUST_CHECK;

/* ---- in_message_sealed.c: content that is sealed with the secret of another message ---- */

struct in_message_opened {
    struct content c; /* the opened content; or the sealed one, with the reason in c.unopened */
    struct arena a;   /* c borrows from it, and from the sealed content */
    struct buf plain;
};
/* Opens c (content_is_sealed()). If the message with the secret is not here, that c waits for it is
 * remembered, and our phone is asked for that message, unless the phone has been asked or has
 * answered without a secret. The caller ends with in_message_sealed_free(), also after an error. */
enum wb_err in_message_sealed_open(struct bridge *b, struct in_message *m, const struct content *c,
                                   struct in_message_opened *ret) WB_MUST_CHECK;
void in_message_sealed_free(struct in_message_opened *o);
/* Keeps the secret of m and opens the rows that have waited for it; call it after the row of m, if
 * m has one, was made. secret: bytes from a peer; nothing happens unless they are
 * MESSAGE_SECRET_BYTES long. */
enum wb_err in_message_sealed_secret(struct bridge *b, const struct in_message *m,
                                     struct span secret) WB_MUST_CHECK;
/* Our phone has answered a request for that message, and its answer is stored. If the answer held
 * no secret, that is remembered; if the message is here all the same, nothing waits for its secret
 * any longer. */
enum wb_err in_message_sealed_phone_answered(struct bridge *b, const struct jid *chat,
                                             const struct jid *sender,
                                             struct span id) WB_MUST_CHECK;

/* ---- in_message_bot.c: answers that bots seal with the secret of the question ---- */

/* Opens an <enc type=msmsg> into out. NOT_FOUND: the question, or its secret, is not known; other
 * errors of class PEER: the answer does not open. */
enum wb_err in_message_bot_open(struct bridge *b, const struct in_message *m,
                                const struct in_enc *e, struct buf *out) WB_MUST_CHECK;
/* Does m continue an answer that has begun, so that it replaces the row m->bot_edit_target? */
bool in_message_bot_edits(const struct in_message *m);

/* ---- in_message_peer.c: what our own devices tell us ---- */

/* Handles a protocol message of our own account (P-RC-51, 54: what our phone tells; P-AS-02: app
 * state keys; P-HI-01: history). */
enum wb_err in_message_peer(struct bridge *b, const struct stanza *s, struct in_message *m,
                            const struct content *c) WB_MUST_CHECK;

/* Is it a copy of a message that we sent from another device? The server ends its delivery at a
 * receipt of type sender, and at nothing else: after an ack alone it comes again at each login,
 * until the server closes the stream because of it (P-X2-08). */
bool in_message_is_own_copy(const struct in_message *m);

/* ---- in_message_refuse.c: messages that cannot be dealt with ---- */

/* Handling m failed because of `why`, which does not stop us (wb_err_stops_us()), and its mark was
 * undone. Refuses the stanza, so that the server does not send it again and again, and leaves a
 * placeholder where a person should know that there was a message. */
enum wb_err in_message_refuse(struct bridge *b, const struct stanza *s, struct in_message *m,
                              enum wb_err why) WB_MUST_CHECK;

/* ---- in_message_state.c ---- */

/* Tells BRIDGE_EV_MESSAGE for m when the batch is durable. */
enum wb_err in_message_state_news_add(struct bridge *b, const struct in_message *m,
                                      int64_t received_ms) WB_MUST_CHECK;

#endif
