/* privacy.h - privacy tokens and who may write to whom (P-SD-27..31: people who have a token of
 * somebody may write to them first). */
#ifndef MOCK_DEVICES_PRIVACY_H
#define MOCK_DEVICES_PRIVACY_H

#include "tools/mock/core/mock.h"

/* The account's salt, the same for all its companions, who make the tokens of first contacts of it
 * (P-SD-29). */
enum { PRIVACY_SALT_BYTES = 32 };
void privacy_salt(const struct mock_account *a, uint8_t out[static PRIVACY_SALT_BYTES]);

/* The error of the ack for a 1:1 message from one account to another; 0: it is allowed. */
int privacy_refuses(struct mock *m, struct mock_account *from, struct mock_account *to,
                    const struct node *message);
/* Whether `who` may see what `of` shows of itself. A restricted account shows it to people to whom
 * it gave a token; they send the token as a child of `ask`. */
bool privacy_shows(const struct mock_account *of, const struct mock_account *who,
                   const struct node *ask);
/* Whether `giver` has given `peer` a token. */
bool privacy_gave(const struct mock_account *giver, const struct mock_account *peer);
/* `giver` trusts `peer`: makes a token and tells the peer's devices. */
void privacy_issue(struct mock *m, struct mock_account *giver, struct mock_account *peer,
                   uint64_t t);
/* The same without telling the peer's devices. NULL: no memory. */
struct token *privacy_give(struct mock *m, struct mock_account *giver, struct mock_account *peer,
                           uint64_t t);

#endif
