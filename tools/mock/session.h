/* session.h - what a client's stanzas mean: the first level of dispatch. */
#ifndef MOCK_SESSION_H
#define MOCK_SESSION_H

#include "tools/mock/wire/conn.h"

void session_stanza(struct conn *c, const struct node *n);
/* The connection ends. */
void session_gone(struct conn *c);

/* iq.c: a request, or the answer to one of ours. */
void session_iq(struct conn *c, const struct node *iq);
/* receipt.c */
void session_receipt(struct conn *c, const struct node *receipt);
/* ack.c */
void session_ack(struct conn *c, const struct node *ack);
/* presence.c */
void session_presence(struct conn *c, const struct node *presence);
/* chatstate.c */
void session_chatstate(struct conn *c, const struct node *chatstate);

#endif
