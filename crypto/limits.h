/* limits.h - every size in crypto/ that a peer controls, with its reason. Those of the Signal
 * protocol are in signal_types.h. */
#ifndef CRYPTO_LIMITS_H
#define CRYPTO_LIMITS_H

enum {
    /* Payload of a handshake message: the Noise paper (section 3) allows messages of 65,535 bytes.
     * Real ones carry a certificate chain or a client payload, under 1 kB. */
    NOISE_PAYLOAD_MAX = 65535,
    /* A decoded certificate chain: the payload above once, and the structs of unknown fields. */
    NOISE_CERT_ARENA_MAX = 1 << 20,
    /* The server's ref in the passkey step; a pairing ref has some 50 characters. */
    PASSKEY_REF_MAX = 256,
};

#endif
