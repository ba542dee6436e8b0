/* tctoken.h - privacy tokens: the token that a contact gave us goes along with our messages to
 * them, and we give them ours (P-SD-27..31). */
#ifndef BRIDGE_PEOPLE_TCTOKEN_H
#define BRIDGE_PEOPLE_TCTOKEN_H

#include "bridge/people/limits.h"
#include "proto/node.h"

struct bridge;
struct tctokens;

enum wb_err tctokens_new(struct bridge *b, struct tctokens **ret_s) WB_MUST_CHECK;
void tctokens_free(struct tctokens *s); /* NULL-safe; after iq_free() */

/* Adds a last child to a 1:1 message: <tctoken> when a fresh token of this person is stored, else
 * <cstoken> when the salt for it is known, else nothing. lid: bare, the LID (or the PN, which has
 * no cstoken). Errors of the store. */
enum wb_err tctoken_add(struct bridge *b, struct arena *a, struct node *message,
                        const struct jid *lid) WB_MUST_CHECK;
/* 32 bytes: HMAC-SHA256(salt, "<user>@lid"). */
void cstoken_make(struct span salt, const struct jid *lid, uint8_t out[static 32]);

/* After a message was accepted, or refused with 463: gives the person our token, once per bucket of
 * seven days. If it cannot be sent now, the next message tries again. */
void tctoken_issue(struct tctokens *s, const struct jid *lid);
/* This person's phone was installed anew: the token that we gave them and that is still good is
 * given again, with its time (P-NT-04). Does nothing when there is no such token. */
void tctoken_reissue(struct tctokens *s, const struct jid *lid);

#endif
