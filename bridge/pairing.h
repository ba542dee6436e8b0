/* pairing.h - what is shown while unpaired: the current QR and the current link code. Private to
 * conn_pair.c and pair_code.c. */
#ifndef BRIDGE_PAIRING_H
#define BRIDGE_PAIRING_H

#include "bridge/conn_private.h"
#include "crypto/pair_crypt.h"

enum { PAIR_REF_MAX = 256 /* the link code's ref; some 50 bytes are usual */ };

struct pairing {
    char refs[QR_REFS_MAX][QR_REF_BYTES_MAX + 1];
    size_t nrefs, at; /* at == nrefs: none is shown */
    char qr[QR_TEXT_MAX];

    /* The link code. */
    bool code_wanted; /* as soon as refs have come */
    bool code_asked;  /* companion_hello is under way */
    struct jid code_phone;
    char code[LINK_CODE_CHARS + 1]; /* "": none */
    int64_t code_until_ms;          /* monotonic */
    struct x25519_pair ephemeral;
    uint8_t ref[PAIR_REF_MAX];
    size_t nref;
    uint64_t attempt; /* names the request whose answer counts */
    pair_code_fn *done;
    void *done_ctx;
};

/* Asks for a code, on a connection that shows a QR. */
void pair_code_ask(struct conn *c);
/* No code is valid any more; who waits for one is told. */
void pair_code_reset(struct conn *c, const char *why);
/* "XXXX-XXXX". */
void pair_code_format(const char *code, char out[static 10]);

#endif
