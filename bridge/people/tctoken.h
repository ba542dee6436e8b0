/* tctoken.h - privacy tokens: the one a contact gave us goes along with what we write to them, and
 * we give them ours (P-SD-27..31). */
#ifndef BRIDGE_PEOPLE_TCTOKEN_H
#define BRIDGE_PEOPLE_TCTOKEN_H

#include "bridge/people/limits.h"
#include "proto/node.h"

struct bridge;
struct tctokens;

enum wb_err tctokens_new(struct bridge *b, struct tctokens **ret_s) WB_MUST_CHECK;
void tctokens_free(struct tctokens *s); /* NULL-safe; after iq_free() */

/* <tctoken> when a fresh one of this person is stored, else <cstoken> when the salt for it is
 * known, else nothing; as the last child of a 1:1 message. lid: bare, the LID (or the PN, which has
 * no cstoken). Errors of the store. */
enum wb_err tctoken_add(struct bridge *b, struct arena *a, struct node *message,
                        const struct jid *lid) WB_MUST_CHECK;
/* 32 bytes: HMAC-SHA256(salt, "<user>@lid"). */
void cstoken_make(struct span salt, const struct jid *lid, uint8_t out[static 32]);

/* After a message was accepted, or refused with 463: gives the person our token, once per bucket of
 * seven days. What cannot be sent now is left to the next message. */
void tctoken_issue(struct tctokens *s, const struct jid *lid);
/* This person's phone was installed anew: the token that we gave them and that is still good is
 * given again, with its time (P-NT-04). Nothing when there is none. */
void tctoken_reissue(struct tctokens *s, const struct jid *lid);

#endif
