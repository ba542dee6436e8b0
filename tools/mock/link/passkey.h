/* passkey.h - accounts that demand a passkey at linking (P-PR-27..35): the server's part and the
 * phone's. */
#ifndef MOCK_LINK_PASSKEY_H
#define MOCK_LINK_PASSKEY_H

#include "tools/mock/core/webauthn.h"
#include "tools/mock/link/pair.h"

/* The phone has scanned the QR or taken the code: links c, or asks for the passkey first. */
struct pair_answer passkey_or_link(struct client *c, struct mock_account *a,
                                   const uint8_t adv_secret[static ADV_SECRET_BYTES]);
/* The requests of xmlns=md that belong to passkeys. */
iq_handler iq_passkey_options, iq_passkey_prologue, iq_passkey_nonce, iq_passkey_request;
/* Puts a fresh ref for the passkey's part of the linking into result. False: this client has no
 * such part. */
bool passkey_ref(struct client *c, struct node *result);
/* The account registers its only credential and demands it from now on. False: bad id or key. */
bool passkey_register(struct mock_account *a, struct span id, struct span key);
/* Sends another challenge on the same connection, as after an error of the server. */
bool passkey_ask_again(struct client *c);
/* The connection ends: forgets its link. */
void passkey_gone(struct client *c);

/* For GET /admin/mock-phone/passkey. */
struct passkey_link_view {
    const char *stage;   /* asked, answered, revealed, finished */
    const char *refused; /* why the last assertion was refused; "" */
    const char *code;    /* what the phone shows; "" before the companion's nonce is known */
    bool proof;          /* the companion proved that it is the one that was scanned */
};
bool passkey_view(const struct mock *m, const struct mock_account *a,
                  struct passkey_link_view *ret_v);
/* The client of the account's link that waits for a passkey; NULL when there is none. */
struct client *passkey_client(const struct mock *m, const struct mock_account *a);

#endif
