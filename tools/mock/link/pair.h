/* pair.h - a new device: QR refs, the phone that scans them or is given a code, pair-success
 * (P-PR-01..24). This room links devices to accounts. It knows nothing of what they write, nor of
 * the people that the mock plays. */
#ifndef MOCK_LINK_PAIR_H
#define MOCK_LINK_PAIR_H

#include "crypto/pair_crypt.h"
#include "tools/mock/wire/iq_handler.h"

/* Checks the registration payload and sends pair-device. */
void pair_start(struct client *c, struct span client_payload);

/* The result of a pairing, which an admin call returns. */
struct pair_answer {
    int status;          /* HTTP */
    const char *message; /* static; what went wrong, or "paired" */
    struct jid jid, lid; /* of the new device when status is 200 */
};

/* The phone of account `digits` (made if unknown; NULL: the default account) scans a QR text. The
 * text may have the URL prefix and client type, or the old form (P-PR-04). */
struct pair_answer pair_scan_qr(struct mock *m, struct span qr, const char *digits);
/* Links c to the account: signs, sends pair-success. */
struct pair_answer pair_link(struct client *c, struct mock_account *a,
                             const uint8_t adv_secret[static ADV_SECRET_BYTES]);
/* The client's answer to pair-success: pair-device-sign, or an error. True: the iq was this
 * answer. */
bool pair_answered(struct client *c, const struct node *iq);
/* The connection ends: forgets a device whose pairing was not completed. */
void pair_gone(struct client *c);

/* xmlns=md: another ref for the QR; both stages of link codes (pair_code.c). */
iq_handler iq_pair_ref, iq_pair_code;
/* The owner of the phone types the code. */
struct pair_answer pair_enter_code(struct mock *m, const char *code, const char *digits);
/* WhatsApp withdraws the code that waits to be typed: the code is no longer good, and the client is
 * told (P-X2-16). */
struct pair_answer pair_refresh_code(struct mock *m, const char *digits);
void pair_codes_free(struct mock *m);
void pair_codes_forget(struct client *c);

#endif
