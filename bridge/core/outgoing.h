/* outgoing.h - stanzas on their way to the server: at once, or after the commit of the batch that
 * they acknowledge (design rules 1 and 3: message, then ratchet, then ack, a batch at a time). */
#ifndef BRIDGE_CORE_OUTGOING_H
#define BRIDGE_CORE_OUTGOING_H

#include "bridge/core/limits.h"
#include "proto/node.h"

struct bridge;
struct stanza;

struct outgoing {
    struct buf queue; /* packed stanzas, each behind its u32be length, waiting for the commit */
    size_t nqueued;   /* of them, stanzas whose batch is open */
    size_t released;  /* bytes at the front whose batch is committed; they wait for room in the
                         socket */
};

void outgoing_init(struct outgoing *o);
void outgoing_free(struct outgoing *o);

/* Packs, encrypts and hands to the socket now, in call order. STATE when there is no encrypted
 * stream (the stanza is not kept: the caller decides whether to send it after a reconnect); NOMEM;
 * TOO_LARGE: the stanza is larger than any may be, or too much waits for the socket. After an error
 * the connection goes on. */
enum wb_err outgoing_send(struct bridge *b, const struct node *n) WB_MUST_CHECK;
/* The same for bytes made by node_pack() earlier: a sealed message from the outbox (rule 2: every
 * re-send is the same bytes). */
enum wb_err outgoing_send_packed(struct bridge *b, struct span packed) WB_MUST_CHECK;

/* Packs now, leaves after the commit of the open batch; dropped when the batch fails or the
 * connection goes away (the server delivers again what the stanza answers). NOMEM/TOO_LARGE: the
 * caller fails the stanza. */
enum wb_err outgoing_after_commit(struct bridge *b, const struct node *n) WB_MUST_CHECK;

/* <ack class=<tag> id to=<from> [participant] [recipient] [type]> of a received stanza (P-RC-27):
 * type is copied for everything but messages. error: a nack code of P-RC-29, 0 for none. */
struct node *outgoing_ack_node(struct arena *a, const struct node *stanza, unsigned error);
/* The node above through outgoing_after_commit(). */
enum wb_err outgoing_ack(struct bridge *b, const struct stanza *s, unsigned error) WB_MUST_CHECK;

/* Do so many bytes wait that the batch should be committed now? */
bool outgoing_is_full(const struct bridge *b);

/* For batch.c and conn.c. */
/* The batch is committed: stanzas that waited for it leave as the socket has room. */
enum wb_err outgoing_release(struct bridge *b) WB_MUST_CHECK;
/* The socket has room again: sends more of the released stanzas. */
void outgoing_more(struct bridge *b);
void outgoing_drop(struct bridge *b);

#endif
