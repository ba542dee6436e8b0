/* retry_owed.h - messages that we could not read: they are asked for, from the sender and then from
 * our phone, until they come or the tries are used up; also after a restart (design rule 1). */
#ifndef BRIDGE_RECEIVE_RETRY_OWED_H
#define BRIDGE_RECEIVE_RETRY_OWED_H

#include "bridge/core/msgid.h"
#include "bridge/platform/timers.h"
#include "bridge/receive/in_message.h"
#include "store/core/limits.h"

struct bridge;

/* Requests that the server has not acked: the next ones wait, however many messages are owed. */
enum { RETRY_REQUESTS_KEPT = 64 };

/* A request to our phone on this connection, which the server has not acked. */
struct retry_request {
    char request_id[MSGID_BYTES]; /* "": none */
    char id[STORE_MESSAGE_ID_MAX + 1];
    struct jid chat, sender;
    uint64_t number; /* they are counted from 1 */
};

struct retry_owed {
    struct bridge *b;
    struct timer timer;
    enum { OWED_UNKNOWN, OWED_NONE, OWED_SOME } some; /* are there rows at all? */
    struct retry_request requests[RETRY_REQUESTS_KEPT];
    uint64_t noted;       /* the number of the last one */
    bool lost;            /* rows may say ASKED of requests of another connection or process */
    int64_t again_before; /* who was asked before that is asked again; 0: that is done */
    int64_t prune_before; /* older rows are removed; 0: that is done */
    int64_t secrets_asked_until_ms; /* requests for secrets, each for its time; monotonic */
};

void retry_owed_init(struct retry_owed *r, struct bridge *b);
void retry_owed_stop(struct retry_owed *r);

/* e could not be decrypted (why), or NULL: it never had a part for us (unavailable), or was lost.
 * Remembers it and adds the answers to m: a retry receipt while tries are left (not for e NULL), a
 * request to the phone when that is the only way. In the open batch. */
enum wb_err retry_owed_add(struct bridge *b, struct arena *a, struct in_message *m,
                           const struct in_enc *e, enum wb_err why) WB_MUST_CHECK;
/* What m says is sealed with the secret of another message: our phone is asked for that one (chat,
 * sender, id and time of original), and its request becomes an answer to m. Nothing happens when it
 * is owed already: then whoever has it is asked in its own time; nor when our phone was asked for
 * so many that it may rest (PHONE_SECRETS_BURST). In the open batch. */
enum wb_err retry_owed_for_secret(struct bridge *b, struct in_message *m,
                                  const struct in_message *original) WB_MUST_CHECK;
/* Is this one owed, and for nothing but its secret? */
enum wb_err retry_owed_is_for_secret(struct bridge *b, const struct jid *chat,
                                     const struct jid *sender, struct span id,
                                     bool *ret_only) WB_MUST_CHECK;
/* What goes with a mark of the store: the requests that were noted since retry_owed_mark() never
 * leave, so that no ack of theirs would free their places. */
uint64_t retry_owed_mark(const struct bridge *b);
void retry_owed_undo(struct bridge *b, uint64_t mark);
/* It came. Cheap when nothing is owed. */
enum wb_err retry_owed_done(struct bridge *b, const struct in_message *m) WB_MUST_CHECK;

/* The server's <ack> of some message of ours. Cheap when it is none of the requests. */
enum wb_err retry_owed_acked(struct retry_owed *r, struct span request_id) WB_MUST_CHECK;

/* The batch was rolled back, and with it the connection: look again what the store has. */
void retry_owed_forget(struct retry_owed *r);
/* The connection is over: what the server has not acked may be lost. */
void retry_owed_offline(struct retry_owed *r);
/* The offline queue is through: what is still owed is asked for again. */
void retry_owed_resume(struct retry_owed *r);
/* There is a session with our phone now. */
void retry_owed_phone_ready(struct retry_owed *r);

#endif
