/* passkey.h - the passkey that WhatsApp demands of some accounts when they are linked
 * (P-PR-27..35), as api/ sees it. The account's owner answers the challenge in a browser at
 * WhatsApp Web. */
#ifndef BRIDGE_PAIR_PASSKEY_H
#define BRIDGE_PAIR_PASSKEY_H

#include "base/arena.h"
#include "bridge/core/command.h"

/* X(name, word in the JSON): who must act, or what is waited for. */
#define PASSKEY_PHASE_LIST(X)                                                                      \
    X(NONE, "none")           /* no passkey was asked for */                                       \
    X(FETCHING, "preparing")  /* the challenge is being fetched */                                 \
    X(ASKED, "requested")     /* the owner: the challenge waits for bridge_passkey_response() */   \
    X(SENDING, "sending")     /* WhatsApp checks the answer */                                     \
    X(PHONE, "phone")         /* the phone continues */                                            \
    X(COMPARE, "confirm")     /* the owner: bridge_passkey_confirm() */                            \
    X(FINISHING, "finishing") /* the phone links this device */

enum passkey_phase {
#define X(name, word) PASSKEY_##name,
    PASSKEY_PHASE_LIST(X)
#undef X
};
const char *passkey_phase_word(enum passkey_phase p);

struct passkey_view {
    enum passkey_phase phase;
    struct span options;  /* ASKED: PublicKeyCredentialRequestOptions as JSON; else SPAN_NULL. Lives
                             until the loop goes on */
    int64_t expires_in_s; /* of the phase; 0 in NONE */
    char code[10];        /* COMPARE: "XXXX-XXXX"; else "" */
    const char *problem;  /* how the last attempt ended, one sentence; "" */
};
void bridge_passkey(struct bridge *b, struct passkey_view *ret_v);

/* server_code: WhatsApp's error code with REFUSED, else 0. text: one sentence that says what is
 * wrong and what to do. */
typedef void passkey_done_fn(void *ctx, enum cmd_result r, uint32_t server_code, const char *text);
/* credential: JSON of the browser's PublicKeyCredential; borrowed until the call returns. done is
 * called when WhatsApp has accepted or refused it. compare_code: the phone's code must be confirmed
 * in any case. BAD_REQUEST: the JSON is no credential; BAD_PASSKEY: the credential does not answer
 * this challenge; CONFLICT: WhatsApp asks for none now. */
void bridge_passkey_response(struct bridge *b, struct span credential, bool compare_code,
                             passkey_done_fn *done, void *ctx);
/* code: the one that the phone shows, with or without dash. WRONG_CODE: it differs from ours; after
 * PASSKEY_CODE_TRIES wrong codes pairing starts anew. */
void bridge_passkey_confirm(struct bridge *b, struct span code, passkey_done_fn *done, void *ctx);

#endif
