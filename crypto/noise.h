/* noise.h - Noise_XX_25519_AESGCM_SHA256 as WhatsApp uses it, both roles (the bridge initiates,
 * wa-mock responds). Objects are named as in the Noise paper, section 5. */
#ifndef CRYPTO_NOISE_H
#define CRYPTO_NOISE_H

#include "base/buf.h"
#include "crypto/prim_aead.h"
#include "crypto/prim_hash.h"
#include "crypto/prim_x25519.h"

/* Noise 5.1: key and nonce. IV = 8 zero bytes || counter u32 BE (P-HS-04). */
struct noise_cipher_state {
    struct gcm *gcm; /* NULL: no key yet */
    uint32_t n;
};
/* Overwrites c unread: free a used one first. The counter starts at 0. */
enum wb_err noise_cipher_init(struct noise_cipher_state *c,
                              const uint8_t key[static AES_KEY_BYTES]) WB_MUST_CHECK;
void noise_cipher_free(struct noise_cipher_state *c); /* wipes; usable again after init */
/* Append to out. STATE without a key, or when the counter would wrap. BAD_MAC leaves the counter
 * unchanged. */
enum wb_err noise_cipher_encrypt(struct noise_cipher_state *c, struct span ad, struct span in,
                                 struct buf *out) WB_MUST_CHECK;
enum wb_err noise_cipher_decrypt(struct noise_cipher_state *c, struct span ad, struct span in,
                                 struct buf *out) WB_MUST_CHECK;

/* Noise 5.2: chaining key ck and handshake hash h. */
struct noise_symmetric_state {
    struct noise_cipher_state cipher;
    uint8_t ck[SHA256_BYTES];
    uint8_t h[SHA256_BYTES];
};

/* Noise 5.3 for XX; each step is named for what we do next. Any error moves to FAILED. */
enum noise_handshake_step {
    NOISE_INIT_WRITE_1, /* initiator: -> e */
    NOISE_INIT_READ_2,  /* initiator: <- e, ee, s, es */
    NOISE_INIT_WRITE_3, /* initiator: -> s, se */
    NOISE_RESP_READ_1,
    NOISE_RESP_WRITE_2,
    NOISE_RESP_READ_3,
    NOISE_COMPLETE, /* split is possible */
    NOISE_SPLIT,    /* the transport has the keys; rs stays readable */
    NOISE_FAILED,
};

struct noise_handshake {
    enum noise_handshake_step step;
    bool initiator;
    struct noise_symmetric_state sym;
    struct x25519_pair s, e;
    uint8_t rs[X25519_KEY_BYTES], re[X25519_KEY_BYTES];
};

/* s is our static pair; rng draws the ephemeral. prologue is mixed into h (P-HS-02). Overwrites hs
 * unread; always follow with noise_handshake_free(). BAD_KEY when the halves of s do not belong
 * together: otherwise a damaged key would only show when the server silently closes. */
enum wb_err noise_handshake_init(struct noise_handshake *hs, bool initiator, struct span prologue,
                                 const struct x25519_pair *s, const struct rng *rng) WB_MUST_CHECK;
void noise_handshake_free(struct noise_handshake *hs); /* wipes */

/* The three messages, split into their wire fields (P-HS-05..10). Message 1 has no payload: unlike
 * the paper, not even an empty one is mixed into h (docs/protocol/noise.md). Outputs append to bufs
 * and are untouched on failure. STATE: wrong order. MALFORMED: a key or static ciphertext of the
 * wrong size (48 bytes). TOO_LARGE: payload over NOISE_PAYLOAD_MAX. BAD_KEY: a small-order point.
 * BAD_MAC: wrong keys or altered bytes. */
enum { NOISE_STATIC_CT_BYTES = X25519_KEY_BYTES + GCM_TAG_BYTES };
enum wb_err noise_write_1(struct noise_handshake *hs,
                          uint8_t ret_e[static X25519_KEY_BYTES]) WB_MUST_CHECK;
enum wb_err noise_read_1(struct noise_handshake *hs, struct span e) WB_MUST_CHECK;
enum wb_err noise_write_2(struct noise_handshake *hs, struct span payload,
                          uint8_t ret_e[static X25519_KEY_BYTES], struct buf *static_ct,
                          struct buf *payload_ct) WB_MUST_CHECK;
/* After this function hs->rs is the server's static key. payload gets the decrypted certificate
 * chain. */
enum wb_err noise_read_2(struct noise_handshake *hs, struct span e, struct span static_ct,
                         struct span payload_ct, struct buf *payload) WB_MUST_CHECK;
enum wb_err noise_write_3(struct noise_handshake *hs, struct span payload, struct buf *static_ct,
                          struct buf *payload_ct) WB_MUST_CHECK;
enum wb_err noise_read_3(struct noise_handshake *hs, struct span static_ct, struct span payload_ct,
                         struct buf *payload) WB_MUST_CHECK;

/* Transport after the split: one cipher each way, no associated data (P-HS-11, P-HS-12). */
struct noise_transport {
    struct noise_cipher_state send, receive;
};
/* After NOISE_COMPLETE, once; it wipes the handshake's keys. STATE otherwise. */
enum wb_err noise_split(struct noise_handshake *hs, struct noise_transport *ret_t) WB_MUST_CHECK;
void noise_transport_free(struct noise_transport *t);
enum wb_err noise_transport_seal(struct noise_transport *t, struct span plain,
                                 struct buf *out) WB_MUST_CHECK;
/* BAD_MAC: the stream is lost, close the connection. */
enum wb_err noise_transport_open(struct noise_transport *t, struct span frame,
                                 struct buf *out) WB_MUST_CHECK;

#endif
