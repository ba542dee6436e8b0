/* prim_seal.h - seals bytes for places that are not ours: libsodium's secretstream
 * (XChaCha20-Poly1305) under a fresh key, which is itself sealed to a public key (crypto_box_seal)
 * or made from a passphrase (Argon2id). */
#ifndef CRYPTO_PRIM_SEAL_H
#define CRYPTO_PRIM_SEAL_H

#include "base/buf.h"
#include "crypto/prim_x25519.h"

enum {
    SEAL_PIECE_BYTES = 16 * 1024, /* of plaintext; the last may be shorter */
    SEAL_OVERHEAD_BYTES = 17,     /* so much each piece grows */
    /* magic, kind, recipient and sealed key, the stream's own header */
    SEAL_HEADER_MAX = 8 + 1 + 32 + 80 + 24,
    SEAL_PASSPHRASE_MIN = 12,
    SEAL_PASSPHRASE_MAX = 1024,
};

enum seal_kind { SEAL_TO_KEY = 1, SEAL_TO_PASSPHRASE = 2 };

struct seal_stream {
    _Alignas(16) uint8_t opaque[64];
    bool first;
    uint8_t header[SEAL_HEADER_MAX]; /* authenticated with the first piece */
    size_t header_n;
};

/* Begins a stream; the header goes in front of the pieces. */
enum wb_err seal_to_key(struct seal_stream *s, const uint8_t pub[static X25519_KEY_BYTES],
                        struct buf *header) WB_MUST_CHECK;
/* NOMEM: Argon2id takes 64 MiB. INVALID: the passphrase is too short or too long. */
enum wb_err seal_to_passphrase(struct seal_stream *s, struct span passphrase,
                               struct buf *header) WB_MUST_CHECK;
/* in.n <= SEAL_PIECE_BYTES; out: in.n + SEAL_OVERHEAD_BYTES bytes. */
void seal_piece(struct seal_stream *s, struct span in, bool last, uint8_t *out);

/* Looks how long the header is that begins with these bytes, and of which kind. TRUNCATED: more
 * bytes are needed to tell. MALFORMED: not a sealed file. */
enum wb_err seal_header_look(struct span start, enum seal_kind *ret_kind,
                             size_t *ret_n) WB_MUST_CHECK;
/* header: the whole header. BAD_KEY: sealed to another key. BAD_MAC: damaged. */
enum wb_err seal_open_with_key(struct seal_stream *s, struct span header,
                               const struct x25519_pair *pair) WB_MUST_CHECK;
/* A wrong passphrase shows at the first piece. TOO_LARGE: the header asks for more work than we
 * ever ask for. */
enum wb_err seal_open_with_passphrase(struct seal_stream *s, struct span header,
                                      struct span passphrase) WB_MUST_CHECK;
/* out: in.n - SEAL_OVERHEAD_BYTES bytes. BAD_MAC: damaged, out of order, or the wrong key. */
enum wb_err seal_open_piece(struct seal_stream *s, struct span in, uint8_t *out,
                            bool *ret_last) WB_MUST_CHECK;

#endif
