/* appstate_crypt.h - the cryptography of app state ("syncd"): settings that a phone shares with its
 * companions through a server that cannot read them (P-AS-09..15). Keys come from the phone; a hash
 * over all values (LT-hash) shows that the server left nothing out. */
#ifndef CRYPTO_APPSTATE_CRYPT_H
#define CRYPTO_APPSTATE_CRYPT_H

#include "base/buf.h"

enum {
    APPSTATE_SECRET_BYTES = 32, /* the secret that the phone shares */
    APPSTATE_LT_HASH_BYTES = 128,
    APPSTATE_MAC_LEN = 32,
};

/* One shared key, expanded (P-AS-09). Wipe it after use. */
struct appstate_keys {
    uint8_t index[32], cipher[32], value_mac[32], snapshot_mac[32], patch_mac[32];
};
void appstate_keys_expand(const uint8_t secret[static APPSTATE_SECRET_BYTES],
                          struct appstate_keys *ret);

enum appstate_op { APPSTATE_SET = 0, APPSTATE_REMOVE = 1 };

/* Appends the plaintext of a value blob (IV, ciphertext, MAC) to plain after checking the MAC
 * (P-AS-10, P-AS-11). TRUNCATED, BAD_MAC, BAD_PADDING. */
enum wb_err appstate_value_open(const struct appstate_keys *k, enum appstate_op op,
                                struct span key_id, struct span blob,
                                struct buf *plain) WB_MUST_CHECK;
/* The reverse, for the mock, which plays the phone. iv: 16 fresh random bytes. */
enum wb_err appstate_value_seal(const struct appstate_keys *k, enum appstate_op op,
                                struct span key_id, const uint8_t iv[static 16], struct span plain,
                                struct buf *blob) WB_MUST_CHECK;
/* The MAC under which the server files a record with this index (P-AS-12). */
void appstate_index_mac(const struct appstate_keys *k, struct span index,
                        uint8_t out[static APPSTATE_MAC_LEN]);

/* Adds a value to the LT-hash, or removes one (P-AS-13). */
void appstate_hash_add(uint8_t hash[static APPSTATE_LT_HASH_BYTES],
                       const uint8_t value_mac[static APPSTATE_MAC_LEN]);
void appstate_hash_remove(uint8_t hash[static APPSTATE_LT_HASH_BYTES],
                          const uint8_t value_mac[static APPSTATE_MAC_LEN]);

/* The MAC of a collection's whole state (P-AS-15). name: of the collection. */
void appstate_snapshot_mac(const struct appstate_keys *k,
                           const uint8_t hash[static APPSTATE_LT_HASH_BYTES], uint64_t version,
                           struct span name, uint8_t out[static APPSTATE_MAC_LEN]);
/* The MAC of one patch (P-AS-15). value_macs: n of them in a row, in the order of the patch. */
void appstate_patch_mac(const struct appstate_keys *k, struct span snapshot_mac,
                        struct span value_macs, uint64_t version, struct span name,
                        uint8_t out[static APPSTATE_MAC_LEN]);

#endif
