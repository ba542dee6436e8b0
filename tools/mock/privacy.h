/* privacy.h - privacy tokens (P-SD-27..31) and who may write to whom. */
#ifndef MOCK_PRIVACY_H
#define MOCK_PRIVACY_H

#include "tools/mock/mock.h"

/* 0, or the error of the ack for a 1:1 message of one account to another. */
int privacy_refuses(struct mock *m, struct account *from, struct account *to,
                    const struct node *message);
/* `giver` trusts `peer`: makes a token, tells the peer's devices. */
void privacy_issue(struct mock *m, struct account *giver, struct account *peer, uint64_t t);

#endif
