/* passkey_wire.h - the protobufs of the passkey step of pairing (P-PR-31..35). All keys, nonces,
 * hashes and secrets in them have 32 bytes. */
#ifndef PROTO_PASSKEY_WIRE_H
#define PROTO_PASSKEY_WIRE_H

#include "base/arena.h"
#include "base/buf.h"

enum { PASSKEY_FIELD_BYTES = 32 };

/* The identity I of P-PR-31: our ephemeral key, DeviceProps.platformType, and the server's ref
 * (text). */
enum wb_err passkey_identity_encode(const uint8_t pub[static PASSKEY_FIELD_BYTES],
                                    uint32_t device_type, const char *ref,
                                    struct buf *out) WB_MUST_CHECK;
/* The prologue P of P-PR-31: I as bytes, and the commitment that binds us to our nonce. */
enum wb_err passkey_prologue_encode(struct span identity,
                                    const uint8_t commitment[static PASSKEY_FIELD_BYTES],
                                    struct buf *out) WB_MUST_CHECK;

/* <primary_ephemeral_identity> (P-PR-33). MALFORMED when a part is missing or of another size. */
struct passkey_phone_identity {
    uint8_t pub[PASSKEY_FIELD_BYTES];
    uint8_t nonce[PASSKEY_FIELD_BYTES];
};
enum wb_err passkey_phone_identity_decode(struct span in, struct arena *a,
                                          struct passkey_phone_identity *ret_v) WB_MUST_CHECK;

/* The plaintext of the pairing request (P-PR-35). It holds the ADV secret: the owner of out wipes
 * it. */
enum wb_err passkey_request_encode(const uint8_t noise_pub[static PASSKEY_FIELD_BYTES],
                                   const uint8_t identity_pub[static PASSKEY_FIELD_BYTES],
                                   const uint8_t adv_secret[static PASSKEY_FIELD_BYTES],
                                   struct buf *out) WB_MUST_CHECK;
/* The sealed request as it is sent: ciphertext with tag, and its IV. */
enum wb_err passkey_sealed_encode(struct span ciphertext, struct span iv,
                                  struct buf *out) WB_MUST_CHECK;

#endif
