/* signal_wire.h - the protobuf bodies of the Signal messages, without version byte, MAC and
 * signature, which crypto/ adds (P-SG-10, 12, 25, 26).
 *
 * Encoding is canonical (P-SG-19): every field, ascending, minimal varints, zeros included, because
 * peers serialise a parsed message again before they check its MAC. Decoding is strict on sizes and
 * takes unknown fields and any order. Spans borrow from the input; no memory is allocated. */
#ifndef PROTO_SIGNAL_WIRE_H
#define PROTO_SIGNAL_WIRE_H

#include "base/buf.h"

enum {
    SIGNAL_WIRE_KEY_BYTES = 33,   /* 05 || X25519 (P-SG-01) */
    SIGNAL_WIRE_CHAIN_BYTES = 32, /* chain key of a sender key */
};

struct signal_wire_message {
    const uint8_t *ratchet_key; /* 33 B, begins with 05 */
    uint32_t counter;
    uint32_t previous_counter; /* up to 4294967295 from Go peers (P-SG-20) */
    struct span ciphertext;
};
/* MALFORMED: a field is missing, of the wrong wire type or over 32 bits; BAD_KEY: a key that is
 * not 05 || 32 bytes. Absent counters read as 0 (proto2 writers may leave zeros out). */
enum wb_err signal_wire_message_decode(struct span in,
                                       struct signal_wire_message *ret_m) WB_MUST_CHECK;
enum wb_err signal_wire_message_encode(const struct signal_wire_message *m,
                                       struct buf *out) WB_MUST_CHECK;

struct signal_wire_prekey_message {
    bool has_prekey_id; /* false when absent or 0 (P-SG-12); then not written */
    uint32_t prekey_id;
    const uint8_t *base_key; /* 33 B */
    const uint8_t *identity; /* 33 B */
    struct span message;     /* a whole SignalMessage with version and MAC */
    uint32_t registration_id;
    uint32_t signed_prekey_id;
};
enum wb_err
signal_wire_prekey_message_decode(struct span in,
                                  struct signal_wire_prekey_message *ret_m) WB_MUST_CHECK;
enum wb_err signal_wire_prekey_message_encode(const struct signal_wire_prekey_message *m,
                                              struct buf *out) WB_MUST_CHECK;

struct signal_wire_sender_message {
    uint32_t key_id;
    uint32_t iteration;
    struct span ciphertext;
};
enum wb_err
signal_wire_sender_message_decode(struct span in,
                                  struct signal_wire_sender_message *ret_m) WB_MUST_CHECK;
enum wb_err signal_wire_sender_message_encode(const struct signal_wire_sender_message *m,
                                              struct buf *out) WB_MUST_CHECK;

struct signal_wire_distribution {
    uint32_t key_id;
    uint32_t iteration;
    const uint8_t *chain_key;   /* 32 B */
    const uint8_t *signing_key; /* 33 B */
};
enum wb_err signal_wire_distribution_decode(struct span in,
                                            struct signal_wire_distribution *ret_m) WB_MUST_CHECK;
enum wb_err signal_wire_distribution_encode(const struct signal_wire_distribution *m,
                                            struct buf *out) WB_MUST_CHECK;

#endif
