#include "crypto/appstate_crypt.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/prim_cbc.h"
#include "crypto/prim_hash.h"

static void put_u64be(uint8_t out[static 8], uint64_t v)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
}

void appstate_keys_expand(const uint8_t secret[static APPSTATE_SECRET_BYTES],
                          struct appstate_keys *ret)
{
    _Static_assert(sizeof *ret == 160, "P-AS-09");
    hkdf_sha256(SPAN(secret, APPSTATE_SECRET_BYTES), SPAN_NULL, SPAN_LIT("WhatsApp Mutation Keys"),
                (uint8_t *)ret, sizeof *ret);
}

/* The MAC covers the ciphertext with the operation and the key's id in front, and their length
 * behind. */
static void value_mac(const struct appstate_keys *k, enum appstate_op op, struct span key_id,
                      struct span sealed, uint8_t out[static APPSTATE_MAC_LEN])
{
    const uint8_t first = op == APPSTATE_SET ? 1 : 2;
    uint8_t length[8], mac[SHA512_BYTES];

    put_u64be(length, key_id.n + 1);
    const struct span parts[] = {SPAN(&first, 1), key_id, sealed, SPAN_ARRAY(length)};
    hmac_sha512_v(SPAN_ARRAY(k->value_mac), parts, 4, mac);
    memcpy(out, mac, APPSTATE_MAC_LEN);
}

enum wb_err appstate_value_open(const struct appstate_keys *k, enum appstate_op op,
                                struct span key_id, struct span blob, struct buf *plain)
{
    uint8_t mac[APPSTATE_MAC_LEN];

    if (blob.n < 2 * AES_BLOCK_BYTES + APPSTATE_MAC_LEN)
        return WB_ERR_TRUNCATED;
    const struct span sealed = span_first(blob, blob.n - APPSTATE_MAC_LEN);
    value_mac(k, op, key_id, sealed, mac);
    if (!secret_eq(mac, blob.p + sealed.n, sizeof mac))
        return WB_ERR_BAD_MAC;
    return cbc_decrypt(k->cipher, sealed.p, span_skip(sealed, AES_BLOCK_BYTES), plain);
}

enum wb_err appstate_value_seal(const struct appstate_keys *k, enum appstate_op op,
                                struct span key_id, const uint8_t iv[static 16], struct span plain,
                                struct buf *blob)
{
    uint8_t mac[APPSTATE_MAC_LEN];
    size_t start = blob->n;
    enum wb_err err;

    buf_append(blob, SPAN(iv, AES_BLOCK_BYTES));
    TRY(cbc_encrypt(k->cipher, iv, plain, blob));
    value_mac(k, op, key_id, span_skip(buf_span(blob), start), mac);
    buf_append(blob, SPAN_ARRAY(mac));
    err = buf_err(blob);
out:
    return err;
}

void appstate_index_mac(const struct appstate_keys *k, struct span index,
                        uint8_t out[static APPSTATE_MAC_LEN])
{
    hmac_sha256(SPAN_ARRAY(k->index), index, out);
}

/* 64 numbers of 16 bits, least significant byte first, each wrapping around by itself. */
static void hash_mix(uint8_t hash[static APPSTATE_LT_HASH_BYTES],
                     const uint8_t mac[static APPSTATE_MAC_LEN], bool remove)
{
    uint8_t wide[APPSTATE_LT_HASH_BYTES];

    hkdf_sha256(SPAN(mac, APPSTATE_MAC_LEN), SPAN_NULL, SPAN_LIT("WhatsApp Patch Integrity"), wide,
                sizeof wide);
    for (size_t i = 0; i < sizeof wide; i += 2) {
        unsigned a = hash[i] | (unsigned)hash[i + 1] << 8;
        unsigned b = wide[i] | (unsigned)wide[i + 1] << 8;
        unsigned sum = remove ? a - b : a + b;

        hash[i] = (uint8_t)(sum & 0xff);
        hash[i + 1] = (uint8_t)(sum >> 8 & 0xff);
    }
}

void appstate_hash_add(uint8_t hash[static APPSTATE_LT_HASH_BYTES],
                       const uint8_t value_mac[static APPSTATE_MAC_LEN])
{
    hash_mix(hash, value_mac, false);
}

void appstate_hash_remove(uint8_t hash[static APPSTATE_LT_HASH_BYTES],
                          const uint8_t value_mac[static APPSTATE_MAC_LEN])
{
    hash_mix(hash, value_mac, true);
}

void appstate_snapshot_mac(const struct appstate_keys *k,
                           const uint8_t hash[static APPSTATE_LT_HASH_BYTES], uint64_t version,
                           struct span name, uint8_t out[static APPSTATE_MAC_LEN])
{
    uint8_t be[8];

    put_u64be(be, version);
    const struct span parts[] = {SPAN(hash, APPSTATE_LT_HASH_BYTES), SPAN_ARRAY(be), name};
    hmac_sha256_v(SPAN_ARRAY(k->snapshot_mac), parts, 3, out);
}

void appstate_patch_mac(const struct appstate_keys *k, struct span snapshot_mac,
                        struct span value_macs, uint64_t version, struct span name,
                        uint8_t out[static APPSTATE_MAC_LEN])
{
    uint8_t be[8];

    put_u64be(be, version);
    const struct span parts[] = {snapshot_mac, value_macs, SPAN_ARRAY(be), name};
    hmac_sha256_v(SPAN_ARRAY(k->patch_mac), parts, 4, out);
}
