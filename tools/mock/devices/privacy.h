/* privacy.h - privacy tokens (P-SD-27..31) and who may write to whom. */
#ifndef MOCK_DEVICES_PRIVACY_H
#define MOCK_DEVICES_PRIVACY_H

#include "tools/mock/core/mock.h"

/* The account's salt, of which its companions make the tokens of first contacts (P-SD-29): the same
 * for all of them. */
enum { PRIVACY_SALT_BYTES = 32 };
void privacy_salt(const struct mock_account *a, uint8_t out[static PRIVACY_SALT_BYTES]);

/* 0, or the error of the ack for a 1:1 message of one account to another. */
int privacy_refuses(struct mock *m, struct mock_account *from, struct mock_account *to,
                    const struct node *message);
/* May `who` see what `of` shows of itself? A restricted account shows it to those whom it gave a
 * token, which they send along as a child of `ask`. */
bool privacy_shows(const struct mock_account *of, const struct mock_account *who,
                   const struct node *ask);
/* Has `giver` given `peer` a token? */
bool privacy_gave(const struct mock_account *giver, const struct mock_account *peer);
/* `giver` trusts `peer`: makes a token, tells the peer's devices. */
void privacy_issue(struct mock *m, struct mock_account *giver, struct mock_account *peer,
                   uint64_t t);
/* The same without a word to peer's devices. NULL: no memory. */
struct token *privacy_give(struct mock *m, struct mock_account *giver, struct mock_account *peer,
                           uint64_t t);

#endif
