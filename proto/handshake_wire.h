/* handshake_wire.h - the protobufs of the Noise handshake: three messages and the certificate chain
 * (P-HS-05..10, P-HS-16). Both directions: wa-mock plays the server.
 *
 * Decoding ignores unknown fields (the post-quantum ones), checks sizes, and borrows from the given
 * arena; encoding appends to a buf. */
#ifndef PROTO_HANDSHAKE_WIRE_H
#define PROTO_HANDSHAKE_WIRE_H

#include "base/arena.h"
#include "base/buf.h"

enum {
    HANDSHAKE_KEY_BYTES = 32,    /* raw X25519, no 05 in front (P-HS-05) */
    HANDSHAKE_SEALED_BYTES = 48, /* a sealed key: 32 + GCM tag */
    HANDSHAKE_TAG_BYTES = 16,
    HANDSHAKE_SIG_BYTES = 64,
};

/* Message 1. XX has only the ephemeral key; IK (P-HS-14) also static_ct and payload_ct, which are
 * SPAN_NULL otherwise. */
struct handshake_client_hello {
    uint8_t ephemeral[HANDSHAKE_KEY_BYTES];
    struct span static_ct; /* 48 B */
    struct span payload_ct;
};
enum wb_err handshake_client_hello_encode(const struct handshake_client_hello *h,
                                          struct buf *out) WB_MUST_CHECK;
/* MALFORMED on wrong sizes, PROTOCOL when the bytes are another handshake message. */
enum wb_err handshake_client_hello_decode(struct span in, struct arena *a,
                                          struct handshake_client_hello *ret_h) WB_MUST_CHECK;

/* Message 2. static_ct is SPAN_NULL only in an answer to IK; payload_ct is at least a tag. */
struct handshake_server_hello {
    uint8_t ephemeral[HANDSHAKE_KEY_BYTES];
    struct span static_ct; /* 48 B */
    struct span payload_ct;
};
enum wb_err handshake_server_hello_encode(const struct handshake_server_hello *h,
                                          struct buf *out) WB_MUST_CHECK;
enum wb_err handshake_server_hello_decode(struct span in, struct arena *a,
                                          struct handshake_server_hello *ret_h) WB_MUST_CHECK;

/* Message 3. */
struct handshake_client_finish {
    struct span static_ct; /* 48 B */
    struct span payload_ct;
};
enum wb_err handshake_client_finish_encode(const struct handshake_client_finish *h,
                                           struct buf *out) WB_MUST_CHECK;
enum wb_err handshake_client_finish_decode(struct span in, struct arena *a,
                                           struct handshake_client_finish *ret_h) WB_MUST_CHECK;

/* ---- certificate chain (P-HS-07) ---- */

struct cert_wire_details {
    uint32_t serial;
    uint32_t issuer_serial;
    uint8_t key[HANDSHAKE_KEY_BYTES];
    uint64_t not_before; /* unix seconds */
    uint64_t not_after;
};
/* The signature covers the details as received, so they stay raw here. */
struct cert_wire_signed {
    struct span details;
    uint8_t signature[HANDSHAKE_SIG_BYTES];
};
struct cert_wire_chain {
    struct cert_wire_signed leaf;
    struct cert_wire_signed intermediate;
};

enum wb_err cert_wire_chain_decode(struct span in, struct arena *a,
                                   struct cert_wire_chain *ret_c) WB_MUST_CHECK;
enum wb_err cert_wire_chain_encode(const struct cert_wire_chain *c, struct buf *out) WB_MUST_CHECK;
/* Absent numbers read as 0; the key must be there with 32 bytes (MALFORMED). */
enum wb_err cert_wire_details_decode(struct span in, struct arena *a,
                                     struct cert_wire_details *ret_d) WB_MUST_CHECK;
enum wb_err cert_wire_details_encode(const struct cert_wire_details *d,
                                     struct buf *out) WB_MUST_CHECK;

#endif
