/* retry_owed.h - messages that we could not read: we ask the sender and then our phone for them,
 * until they come or the tries are used up; also after a restart, as rule 1 lets no message get
 * lost. */
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
    uint64_t number; /* requests are counted from 1 */
};

struct retry_owed {
    struct bridge *b;
    struct timer timer;
    enum { OWED_UNKNOWN, OWED_NONE, OWED_SOME } some; /* are there rows at all? */
    struct retry_request requests[RETRY_REQUESTS_KEPT];
    uint64_t noted;       /* the number of the last request */
    bool lost;            /* rows may say ASKED of requests of another connection or process */
    int64_t again_before; /* rows asked for before this time are asked again; 0: done */
    int64_t prune_before; /* rows older than this time are removed; 0: done */
    int64_t secrets_asked_until_ms; /* monotonic: when their bucket is full again */
};

void retry_owed_init(struct retry_owed *r, struct bridge *b);
void retry_owed_stop(struct retry_owed *r);

/* m could not be read: e could not be decrypted (why), or e is NULL because m has no part for us
 * (unavailable) or was lost. Remembers m and adds answers to it: a retry receipt while tries are
 * left (not for e NULL), or a request to the phone when that is the only way. In the open batch. */
enum wb_err retry_owed_add(struct bridge *b, struct arena *a, struct in_message *m,
                           const struct in_enc *e, enum wb_err why) WB_MUST_CHECK;
/* m is sealed with the secret of another message: our phone is asked for that message (chat,
 * sender, id and time of original), and the request becomes an answer to m. Nothing happens when
 * the original is owed already, because it is then asked for in its turn, or when our phone was
 * asked for too many secrets lately (PHONE_SECRETS_BURST). In the open batch. */
enum wb_err retry_owed_for_secret(struct bridge *b, struct in_message *m,
                                  const struct in_message *original) WB_MUST_CHECK;
/* Is this message owed, and only for its secret? */
enum wb_err retry_owed_is_for_secret(struct bridge *b, const struct jid *chat,
                                     const struct jid *sender, struct span id,
                                     bool *ret_only) WB_MUST_CHECK;
/* For use with a mark of the store that is undone: retry_owed_undo() forgets the requests noted
 * since retry_owed_mark(). They never leave, so no ack would free their places. */
uint64_t retry_owed_mark(const struct bridge *b);
void retry_owed_undo(struct bridge *b, uint64_t mark);
/* m has come: it is not owed any more. Cheap when nothing is owed. */
enum wb_err retry_owed_done(struct bridge *b, const struct in_message *m) WB_MUST_CHECK;

/* The server has acked a message of ours. Cheap when that message is none of the requests. */
enum wb_err retry_owed_acked(struct retry_owed *r, struct span request_id) WB_MUST_CHECK;

/* The batch was rolled back and the connection closed: what the store has is read again. */
void retry_owed_forget(struct retry_owed *r);
/* The connection is over: requests that the server has not acked may be lost. */
void retry_owed_offline(struct retry_owed *r);
/* The offline queue is delivered: messages that are still owed are asked for again. */
void retry_owed_resume(struct retry_owed *r);
/* There is a session with our phone now. */
void retry_owed_phone_ready(struct retry_owed *r);

#endif
