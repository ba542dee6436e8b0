/* pair.h - a new device: refs, the phone that scans them or is given a code, pair-success
 * (P-PR-01..24). This room links devices to accounts. It knows nothing of what they write, nor of
 * the people that the mock plays. */
#ifndef MOCK_LINK_PAIR_H
#define MOCK_LINK_PAIR_H

#include "crypto/pair_crypt.h"
#include "tools/mock/wire/iq_handler.h"

/* The registration payload: checks it, sends pair-device. */
void pair_start(struct client *c, struct span client_payload);

/* What an admin call gets back. */
struct pair_answer {
    int status;          /* HTTP */
    const char *message; /* static; what went wrong, or "paired" */
    struct jid jid, lid; /* of the new device when status is 200 */
};

/* The phone of account `digits` (made if unknown; NULL: the default) scans a QR text, in the form
 * with the URL prefix and client type or the old one (P-PR-04). */
struct pair_answer pair_scan_qr(struct mock *m, struct span qr, const char *digits);
/* Links c to the account: signs, sends pair-success. */
struct pair_answer pair_link(struct client *c, struct mock_account *a,
                             const uint8_t adv_secret[static ADV_SECRET_BYTES]);
/* The client's answer to pair-success: pair-device-sign, or an error. True: it was ours. */
bool pair_answered(struct client *c, const struct node *iq);
/* The connection goes: forget a device that was not completed. */
void pair_gone(struct client *c);

/* xmlns=md: another ref for the QR; link codes (pair_code.c), of either stage. */
iq_handler iq_pair_ref, iq_pair_code;
/* The owner of the phone types the code. */
struct pair_answer pair_enter_code(struct mock *m, const char *code, const char *digits);
/* WhatsApp takes the code back that is waited for: it is no good any more, the client is told
 * (P-X2-16). */
struct pair_answer pair_refresh_code(struct mock *m, const char *digits);
void pair_codes_free(struct mock *m);
void pair_codes_forget(struct client *c);

#endif
