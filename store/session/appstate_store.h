/* appstate_store.h - keys, versions and mutation MACs of app state (P-DB-13, P-DB-14). */
#ifndef STORE_SESSION_APPSTATE_STORE_H
#define STORE_SESSION_APPSTATE_STORE_H

#include "base/buf.h"
#include "store/core/store.h"

enum {
    APPSTATE_KEY_BYTES = 32,
    APPSTATE_KEY_ID_MAX = 64, /* 6 bytes today */
    APPSTATE_HASH_BYTES = 128,
    APPSTATE_MAC_BYTES = 32,
};

struct store_appstate_key {
    uint8_t id[APPSTATE_KEY_ID_MAX];
    size_t id_n;
    uint8_t data[APPSTATE_KEY_BYTES];
    int64_t timestamp_ms;
};
/* fingerprint: protobuf AppStateSyncKeyFingerprint. Replaced only by a newer timestamp. */
enum wb_err store_appstate_key_put(struct store *s, const struct store_appstate_key *k,
                                   struct span fingerprint) WB_MUST_CHECK;
enum wb_err store_appstate_key_get(struct store *s, struct span id,
                                   struct store_appstate_key *ret) WB_MUST_CHECK; /* NOT_FOUND */
enum wb_err store_appstate_key_latest(struct store *s,
                                      struct store_appstate_key *ret) WB_MUST_CHECK;

/* name: "critical_block", "regular_low", ... NOT_FOUND: nothing yet, or a stored version 0, which
 * is damage (P-DB-14): its row is removed. */
enum wb_err store_appstate_version_get(struct store *s, const char *name, uint64_t *ret_version,
                                       uint8_t ret_hash[static APPSTATE_HASH_BYTES]) WB_MUST_CHECK;
enum wb_err
store_appstate_version_put(struct store *s, const char *name, uint64_t version,
                           const uint8_t hash[static APPSTATE_HASH_BYTES]) WB_MUST_CHECK;
/* Forgets version and MACs of the collection: fetch a snapshot. */
enum wb_err store_appstate_reset(struct store *s, const char *name) WB_MUST_CHECK;
/* The version row must be there. */
enum wb_err
store_appstate_mac_put(struct store *s, const char *name, uint64_t version,
                       const uint8_t index_mac[static APPSTATE_MAC_BYTES],
                       const uint8_t value_mac[static APPSTATE_MAC_BYTES]) WB_MUST_CHECK;
/* The value MAC of the newest version of this index. NOT_FOUND. */
enum wb_err store_appstate_mac_get(struct store *s, const char *name,
                                   const uint8_t index_mac[static APPSTATE_MAC_BYTES],
                                   uint8_t ret_value_mac[static APPSTATE_MAC_BYTES]) WB_MUST_CHECK;
enum wb_err
store_appstate_mac_delete(struct store *s, const char *name,
                          const uint8_t index_mac[static APPSTATE_MAC_BYTES]) WB_MUST_CHECK;

#endif
