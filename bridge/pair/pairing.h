/* pairing.h - what is shown while unpaired: the current QR, the current link code, and the passkey
 * step that may follow both. Private to pair/. */
#ifndef BRIDGE_PAIR_PAIRING_H
#define BRIDGE_PAIR_PAIRING_H

#include "bridge/conn/conn_private.h"
#include "bridge/pair/pair_calls.h"
#include "bridge/pair/passkey.h"
#include "bridge/pair/qr_terminal.h"
#include "bridge/pair/webauthn.h"
#include "crypto/limits.h"
#include "crypto/passkey_crypt.h"
#include "store/session/private_address.h"

enum {
    PAIR_REF_MAX = 256,       /* the link code's ref; some 50 bytes are usual */
    PAIR_SUCCESS_ID_MAX = 128 /* the server's ids are some 10 to 36 characters */
};

/* The QR as it stands on the terminal (qr_show.c). */
struct qr_drawn {
    struct timer timer;
    struct qr_terminal window;
    char code[10];              /* the link code at the QR's side; "": none */
    unsigned spare;             /* free rows of the window below the picture */
    uint64_t lines, lines_seen; /* log lines when it was drawn, and at the last look */
};

/* The passkey step (P-PR-27..35). */
struct passkey {
    enum passkey_phase phase;
    uint64_t attempt; /* names the requests whose answers count */
    struct arena arena;
    struct webauthn_request request; /* in arena; valid since ASKED */
    int64_t asked_until_ms;          /* monotonic: the challenge's end */

    bool secret_renewed; /* the ADV secret of the QR or the code was replaced */
    bool handoff_live;
    int64_t handoff_until_ms; /* monotonic */
    uint8_t handoff_key[PASSKEY_KEY_BYTES];

    /* Since the answer was given. */
    struct arena answer_arena;
    struct webauthn_assertion answer;
    bool compare_code;  /* the owner wants to see the codes */
    bool prologue_sent; /* the phone may continue */
    bool revealed;      /* the phone has continued, and our nonce is sent */
    bool proved; /* we have proved that we are the device that was scanned: no code to compare
                    (P-PR-35) */
    char ref[PASSKEY_REF_MAX + 1];
    struct x25519_pair ephemeral;
    uint8_t nonce[PASSKEY_NONCE_BYTES];
    uint8_t request_key[PASSKEY_KEY_BYTES];
    char code[LINK_CODE_CHARS + 1]; /* since COMPARE */
    unsigned wrong_codes;

    passkey_done_fn *done;
    void *done_ctx;
    char problem[160]; /* how the last attempt ended; survives passkey_reset() */
};

struct pairing {
    char refs[QR_REFS_MAX][QR_REF_BYTES_MAX + 1];
    size_t nrefs, at; /* at == nrefs: none is shown */
    char qr[QR_TEXT_MAX];
    struct qr_drawn drawn;

    /* The link code. */
    bool code_wanted; /* ask for a code as soon as refs have come */
    bool code_asked;  /* companion_hello is under way */
    struct jid code_phone;
    char code[LINK_CODE_CHARS + 1]; /* "": there is none, or it was used */
    int64_t code_until_ms;          /* monotonic */
    int64_t codes_since_ms;         /* monotonic: begin of the time in which `codes` were made */
    unsigned codes;
    struct x25519_pair ephemeral;
    uint8_t ref[PAIR_REF_MAX];
    size_t nref;
    uint64_t attempt; /* names the request whose answer counts */
    pair_code_fn *done;
    void *done_ctx;

    /* Until this time (monotonic) pair-success will be checked with the secret that
     * companion_finish has sent; 0: none was sent, or it has failed. */
    int64_t finishing_until_ms;
    bool refresh_owed; /* WhatsApp has declared the secret invalid while a phone was linking us */

    struct passkey passkey;

    /* The proven account waits in conn.account for a backup of the session before it. */
    bool storing;
    char success_id[PAIR_SUCCESS_ID_MAX + 1]; /* id of the iq that we must answer */
    uint32_t key_index;
    enum store_private_by private_by; /* what the phone says of its chats */
};

/* <tag>bytes</tag> into parent. */
static inline void pairing_add(struct arena *a, struct node *parent, const char *tag,
                               struct span bytes)
{
    node_set_bytes(a, node_child_new(a, parent, tag), bytes);
}

/* Writes and draws the QR again after a change of the ADV secret, which it contains. The time until
 * the next QR runs on. */
void pairing_redraw_qr(struct conn *c);
/* Draws the current QR if standard output is a terminal, and again when log lines have pushed it
 * out of the window, the window has another size, or there is another code to type; until
 * qr_show_stop(). */
void qr_show(struct conn *c);
void qr_show_stop(struct conn *c);
/* Makes a new ADV secret if WhatsApp has declared the old one invalid while a phone was linking us,
 * and no phone does so any more. True: the secret has changed, and the caller must redraw the
 * QR. */
bool pair_refresh_owed(struct conn *c);
/* Asks for a code, on a connection that shows a QR. */
void pair_code_ask(struct conn *c);
/* No code is valid any more; a caller that waits for a code is told. */
void pair_code_reset(struct conn *c, const char *why);
/* For the end of the program: a caller that waits for a code is told. */
void pair_code_forget(struct pairing *p);
/* Handler of the connection's table: a phase of the passkey step has lasted too long. */
conn_handler passkey_on_timer;
/* The passkey step is over: problem says how it failed; NULL: the phone has linked us. */
void passkey_reset(struct conn *c, const char *problem);
/* "XXXX-XXXX". */
void pair_code_format(const char *code, char out[static 10]);

#endif
