#include "crypto/prim_seal.h"

#include <sodium.h>
#include <string.h>

#include "base/reader.h"
#include "base/secret.h"

#define MAGIC "WBSEAL1\n"

enum {
    MAGIC_BYTES = 8,
    KEY_BYTES = crypto_secretstream_xchacha20poly1305_KEYBYTES,
    STREAM_HEADER_BYTES = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    SALT_BYTES = crypto_pwhash_argon2id_SALTBYTES,
    /* 64 MiB and three passes: about a tenth of a second, once an hour at most. */
    WORK_PASSES = 3,
    WORK_KIB = 64 * 1024,
    KEY_HEADER =
        MAGIC_BYTES + 1 + X25519_KEY_BYTES + KEY_BYTES + crypto_box_SEALBYTES + STREAM_HEADER_BYTES,
    PASSPHRASE_HEADER = MAGIC_BYTES + 1 + 4 + 4 + SALT_BYTES + STREAM_HEADER_BYTES,
};

typedef crypto_secretstream_xchacha20poly1305_state stream_state;

_Static_assert(sizeof(stream_state) <= sizeof((struct seal_stream){0}.opaque), "stream state");
_Static_assert((int)SEAL_OVERHEAD_BYTES == (int)crypto_secretstream_xchacha20poly1305_ABYTES,
               "overhead");
_Static_assert((int)KEY_HEADER == (int)SEAL_HEADER_MAX, "header");

static stream_state *state_of(struct seal_stream *s)
{
    return (stream_state *)(void *)s->opaque;
}

/* The stream begins with key; the whole header is kept to authenticate it with the first piece. */
static enum wb_err begin(struct seal_stream *s, const uint8_t key[KEY_BYTES], struct buf *header,
                         size_t start)
{
    uint8_t *own = buf_extend(header, STREAM_HEADER_BYTES);

    if (!own)
        return buf_err(header);
    crypto_secretstream_xchacha20poly1305_init_push(state_of(s), own, key);
    s->first = true;
    s->header_n = header->n - start;
    memcpy(s->header, header->p + start, s->header_n);
    return WB_OK;
}

enum wb_err seal_to_key(struct seal_stream *s, const uint8_t pub[static X25519_KEY_BYTES],
                        struct buf *header)
{
    uint8_t key[KEY_BYTES], sealed[KEY_BYTES + crypto_box_SEALBYTES];
    size_t start = header->n;
    enum wb_err err;

    crypto_secretstream_xchacha20poly1305_keygen(key);
    if (crypto_box_seal(sealed, key, sizeof key, pub) != 0) {
        secret_wipe(key, sizeof key);
        return WB_ERR_BAD_KEY;
    }
    buf_append(header, SPAN_LIT(MAGIC));
    buf_u8(header, SEAL_TO_KEY);
    buf_append(header, SPAN(pub, X25519_KEY_BYTES));
    buf_append(header, SPAN_ARRAY(sealed));
    err = begin(s, key, header, start);
    secret_wipe(key, sizeof key);
    return err;
}

static enum wb_err derive(struct span passphrase, const uint8_t salt[SALT_BYTES], uint32_t passes,
                          uint32_t kib, uint8_t key[KEY_BYTES])
{
    if (passphrase.n < SEAL_PASSPHRASE_MIN || passphrase.n > SEAL_PASSPHRASE_MAX)
        return WB_ERR_INVALID;
    int rc =
        crypto_pwhash_argon2id(key, KEY_BYTES, (const char *)passphrase.p, passphrase.n, salt,
                               passes, (size_t)kib * 1024, crypto_pwhash_argon2id_ALG_ARGON2ID13);
    return rc == 0 ? WB_OK : WB_ERR_NOMEM;
}

enum wb_err seal_to_passphrase(struct seal_stream *s, struct span passphrase, struct buf *header)
{
    uint8_t key[KEY_BYTES], salt[SALT_BYTES];
    size_t start = header->n;
    enum wb_err err;

    randombytes_buf(salt, sizeof salt);
    TRY(derive(passphrase, salt, WORK_PASSES, WORK_KIB, key));
    buf_append(header, SPAN_LIT(MAGIC));
    buf_u8(header, SEAL_TO_PASSPHRASE);
    buf_u32be(header, WORK_PASSES);
    buf_u32be(header, WORK_KIB);
    buf_append(header, SPAN_ARRAY(salt));
    err = begin(s, key, header, start);
out:
    secret_wipe(key, sizeof key);
    return err;
}

static struct span first_ad(struct seal_stream *s)
{
    bool first = s->first;

    s->first = false;
    return first ? SPAN(s->header, s->header_n) : SPAN_NULL;
}

void seal_piece(struct seal_stream *s, struct span in, bool last, uint8_t *out)
{
    struct span ad = first_ad(s);
    uint8_t tag = last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                       : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;

    crypto_secretstream_xchacha20poly1305_push(state_of(s), out, NULL, in.p, in.n, ad.p, ad.n, tag);
}

enum wb_err seal_header_look(struct span start, enum seal_kind *ret_kind, size_t *ret_n)
{
    size_t n = start.n < MAGIC_BYTES ? start.n : MAGIC_BYTES;

    if (n && memcmp(start.p, MAGIC, n) != 0)
        return WB_ERR_MALFORMED;
    if (start.n <= MAGIC_BYTES)
        return WB_ERR_TRUNCATED;
    uint8_t kind = start.p[MAGIC_BYTES];
    if (kind != SEAL_TO_KEY && kind != SEAL_TO_PASSPHRASE)
        return WB_ERR_MALFORMED;
    *ret_kind = (enum seal_kind)kind;
    *ret_n = kind == SEAL_TO_KEY ? (size_t)KEY_HEADER : (size_t)PASSPHRASE_HEADER;
    return WB_OK;
}

/* Checks magic and kind, and gives the rest of the header. */
static enum wb_err expect(struct span header, enum seal_kind want, struct span *ret_rest)
{
    enum seal_kind kind;
    size_t n = 0;
    enum wb_err err = seal_header_look(header, &kind, &n);

    if (err == WB_OK && (kind != want || n != header.n))
        err = WB_ERR_MALFORMED;
    if (err == WB_OK)
        *ret_rest = span_skip(header, MAGIC_BYTES + 1);
    return err;
}

static enum wb_err begin_open(struct seal_stream *s, const uint8_t key[KEY_BYTES],
                              struct span header)
{
    const uint8_t *own = header.p + header.n - STREAM_HEADER_BYTES;

    if (crypto_secretstream_xchacha20poly1305_init_pull(state_of(s), own, key) != 0)
        return WB_ERR_BAD_MAC;
    s->first = true;
    s->header_n = header.n;
    memcpy(s->header, header.p, header.n);
    return WB_OK;
}

enum wb_err seal_open_with_key(struct seal_stream *s, struct span header,
                               const struct x25519_pair *pair)
{
    uint8_t key[KEY_BYTES];
    struct span rest;
    enum wb_err err;

    TRY(expect(header, SEAL_TO_KEY, &rest));
    if (memcmp(rest.p, pair->pub, X25519_KEY_BYTES) != 0)
        return WB_ERR_BAD_KEY;
    if (crypto_box_seal_open(key, rest.p + X25519_KEY_BYTES, sizeof key + crypto_box_SEALBYTES,
                             pair->pub, pair->priv) != 0)
        return WB_ERR_BAD_MAC;
    err = begin_open(s, key, header);
    secret_wipe(key, sizeof key);
out:
    return err;
}

static uint32_t u32be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

enum wb_err seal_open_with_passphrase(struct seal_stream *s, struct span header,
                                      struct span passphrase)
{
    uint8_t key[KEY_BYTES];
    struct span rest;
    enum wb_err err;

    TRY(expect(header, SEAL_TO_PASSPHRASE, &rest));
    uint32_t passes = u32be(rest.p), kib = u32be(rest.p + 4);
    /* A file from somebody else must not keep us busy for hours. */
    if (passes > WORK_PASSES || kib > WORK_KIB)
        return WB_ERR_TOO_LARGE;
    TRY(derive(passphrase, rest.p + 8, passes, kib, key));
    err = begin_open(s, key, header);
out:
    secret_wipe(key, sizeof key);
    return err;
}

enum wb_err seal_open_piece(struct seal_stream *s, struct span in, uint8_t *out, bool *ret_last)
{
    uint8_t tag = 0;

    if (in.n < SEAL_OVERHEAD_BYTES || in.n > SEAL_PIECE_BYTES + SEAL_OVERHEAD_BYTES)
        return WB_ERR_BAD_MAC;
    struct span ad = first_ad(s);
    if (crypto_secretstream_xchacha20poly1305_pull(state_of(s), out, NULL, &tag, in.p, in.n, ad.p,
                                                   ad.n) != 0)
        return WB_ERR_BAD_MAC;
    *ret_last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    return WB_OK;
}
