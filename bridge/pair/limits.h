/* limits.h - the sizes and times of bridge/pair/ that a peer or an operator controls, with the
 * reason of each. */
#ifndef BRIDGE_PAIR_LIMITS_H
#define BRIDGE_PAIR_LIMITS_H

enum {
    /* Pairing (P-PR-03: the server gives refs, each shown for a while). Six refs are usual. */
    QR_REFS_MAX = 16,
    QR_REF_BYTES_MAX = 512,
    QR_TEXT_MAX = 1024, /* with keys in base64 and the URL: some 250 characters */
    QR_FIRST_MS = 60 * 1000,
    QR_NEXT_MS = 20 * 1000,
    PAIR_CODE_MS = 160 * 1000, /* life of a link code: as long as a set of QR codes */
    /* From companion_finish to pair-success: the phone answers within seconds, or its owner has
     * cancelled, which we are not told. */
    PAIR_FINISH_MS = 60 * 1000,
    /* At most so many codes in PAIR_CODES_WINDOW_MS: each costs a worker some 50 ms when it is made
     * and when it is used. People need one or two; a server that offers pairing again and again
     * gets no more. */
    PAIR_CODES_MAX = 10,
    PAIR_CODES_WINDOW_MS = 10 * 60 * 1000,

    /* The passkey step. Its JSON texts are some 500 bytes to 2 kB; an attestation or a long list of
     * credentials would be more. */
    WEBAUTHN_JSON_MAX = 64 * 1024,
    WEBAUTHN_ID_MAX = 1023, /* WebAuthn's own limit */
    WEBAUTHN_ALLOWED_MAX = 64,
    /* Text, challenge and ids of a request, or of an answer: a few copies of twice the JSON. */
    PASSKEY_ARENA_MAX = 1 << 20,
    PASSKEY_FETCH_MS = 60 * 1000,
    /* How long the owner has to answer: WhatsApp's time, but at least and at most this. */
    PASSKEY_ASKED_MS = 5 * 60 * 1000,
    PASSKEY_ASKED_MAX_MS = 15 * 60 * 1000,
    PASSKEY_SENDING_MS = 3 * 60 * 1000, /* two requests to the server, of 75 s at most */
    PASSKEY_PHONE_MS = 3 * 60 * 1000,   /* the phone may ask its owner */
    PASSKEY_COMPARE_MS = 3 * 60 * 1000, /* the owner compares two codes */
    PASSKEY_FINISHING_MS = 2 * 60 * 1000,
    PASSKEY_HANDOFF_MS = 5 * 60 * 1000, /* the key from the old ADV secret is valid (P-PR-30) */
    PASSKEY_CODE_TRIES = 3,             /* then another person's phone may be at the other end */
};

#endif
