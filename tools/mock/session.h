/* session.h - what a client's payload and stanzas mean: the first level of dispatch. */
#ifndef MOCK_SESSION_H
#define MOCK_SESSION_H

#include "tools/mock/wire/conn.h"

/* One stanza of a client that logged in or registers. */
void session_stanza(struct conn *c, const struct node *n);
/* The connection ends. */
void session_gone(struct conn *c);

#endif
