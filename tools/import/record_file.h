/* record_file.h - the smaller files of a Baileys directory. All functions: MALFORMED and the like
 * when the file is not of its kind. */
#ifndef IMPORT_RECORD_FILE_H
#define IMPORT_RECORD_FILE_H

#include "base/buf.h"
#include "crypto/prim_x25519.h"
#include "proto/jid.h"
#include "store/session/appstate_store.h"
#include "store/session/limits.h"

/* pre-key-<id>.json: a pair. */
enum wb_err prekey_file_read(struct span json, struct x25519_pair *ret) WB_MUST_CHECK;
/* identity-key-<address>.json: bytes. */
enum wb_err identity_file_read(struct span json,
                               uint8_t ret[static X25519_KEY_BYTES]) WB_MUST_CHECK;
/* lid-mapping-<number>.json: the LID's user; lid-mapping-<lid>_reverse.json: the number's. */
enum wb_err lid_file_read(struct span json, char ret[JID_USER_MAX + 1]) WB_MUST_CHECK;

/* app-state-sync-key-<base64 id>.json. fingerprint gets the protobuf. */
enum wb_err appstate_key_file_read(struct span json, struct store_appstate_key *ret,
                                   struct buf *fingerprint) WB_MUST_CHECK;

/* app-state-sync-version-<collection>.json. Calls mac() for each index. */
struct appstate_version {
    uint64_t version;
    uint8_t hash[APPSTATE_HASH_BYTES];
};
typedef enum wb_err appstate_mac_fn(void *ctx, const uint8_t index_mac[APPSTATE_MAC_BYTES],
                                    const uint8_t value_mac[APPSTATE_MAC_BYTES]);
/* version() is called before the first mac(), not for a version 0. */
typedef enum wb_err appstate_version_fn(void *ctx, const struct appstate_version *v);
enum wb_err appstate_version_file_read(struct span json, appstate_version_fn *version,
                                       appstate_mac_fn *mac, void *ctx) WB_MUST_CHECK;

/* tctoken-<jid>.json */
struct token_file {
    uint8_t token[STORE_TOKEN_MAX];
    size_t token_n;    /* 0: only issued by us */
    int64_t timestamp; /* seconds */
    int64_t issued_at; /* seconds, 0: never */
};
enum wb_err token_file_read(struct span json, struct token_file *ret) WB_MUST_CHECK;

/* sender-key-memory-<group>.json: {<device JID>: true}. Calls device() for each of them. */
typedef enum wb_err memory_device_fn(void *ctx, const struct jid *device);
enum wb_err memory_file_read(struct span json, memory_device_fn *device, void *ctx) WB_MUST_CHECK;

#endif
