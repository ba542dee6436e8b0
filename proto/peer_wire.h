/* peer_wire.h - what our own devices tell each other inside protocol messages (P-RC-45, 46, 51, 54,
 * P-HI-01, 13, P-AS-02, 18). Decoders take content.protocol_payload of the type that they are named
 * for; encoders append a whole Message. Both directions: wa-mock plays the phone. */
#ifndef PROTO_PEER_WIRE_H
#define PROTO_PEER_WIRE_H

#include "proto/content.h"

/* ProtocolMessage.type */
enum protocol_type {
    PROTOCOL_REVOKE = 0,
    PROTOCOL_EPHEMERAL_SETTING = 3,
    PROTOCOL_HISTORY_SYNC_NOTIFICATION = 5,
    PROTOCOL_APP_STATE_KEY_SHARE = 6,
    PROTOCOL_APP_STATE_KEY_REQUEST = 7,
    PROTOCOL_EDIT = 14,
    PROTOCOL_PEER_REQUEST = 16,
    PROTOCOL_PEER_RESPONSE = 17,
    PROTOCOL_LID_MIGRATION = 22,
};
/* PeerDataOperationRequestType */
enum peer_request_type {
    PEER_HISTORY_ON_DEMAND = 3,
    PEER_PLACEHOLDER_RESEND = 4,
    PEER_SNAPSHOT_RECOVERY = 8,
};

/* HISTORY_SYNC_NOTIFICATION (P-HI-01). */
struct history_notification {
    struct span file_sha256, media_key, file_enc_sha256, direct_path;
    uint64_t file_length;
    int32_t sync_type; /* P-HI-03 */
    uint32_t chunk_order, progress;
    struct span original_message_id, request_id, enc_handle;
    struct span inline_payload; /* zlib of a HistorySync, instead of a file */
};
enum wb_err history_notification_decode(struct span payload, struct arena *a,
                                        struct history_notification *ret_n) WB_MUST_CHECK;
enum wb_err history_notification_encode(const struct history_notification *n,
                                        struct buf *out) WB_MUST_CHECK;

/* APP_STATE_KEY_SHARE (P-AS-02). fingerprint stays encoded, since it is stored so. */
struct app_state_key {
    struct span key_id, key_data, fingerprint;
    int64_t timestamp;
};
struct app_state_keys {
    const struct app_state_key *keys;
    size_t n;
};
/* Entries without id are left out; an entry with an id and null key_data says that the phone lacks
 * that key. */
enum wb_err app_state_keys_decode(struct span payload, struct arena *a,
                                  struct app_state_keys *ret_k) WB_MUST_CHECK;
enum wb_err app_state_keys_encode(const struct app_state_keys *k, struct buf *out) WB_MUST_CHECK;
/* APP_STATE_KEY_REQUEST (P-AS-18): our question; the mock reads it. */
enum wb_err app_state_key_request_encode(const struct span *ids, size_t n,
                                         struct buf *out) WB_MUST_CHECK;
enum wb_err app_state_key_request_decode(struct span payload, struct arena *a,
                                         const struct span **ret_ids, size_t *ret_n) WB_MUST_CHECK;

/* LID_MIGRATION (P-RC-54). */
struct lid_mapping {
    uint64_t pn, assigned_lid, latest_lid; /* latest_lid 0: none */
};
struct lid_mappings {
    const struct lid_mapping *pairs;
    size_t n;
    uint64_t chat_db_timestamp;
};
enum wb_err lid_mappings_decode(struct span payload, struct arena *a,
                                struct lid_mappings *ret_m) WB_MUST_CHECK;
enum wb_err lid_mappings_encode(const struct lid_mappings *m, struct buf *out) WB_MUST_CHECK;

/* PEER_REQUEST. */
enum wb_err peer_placeholder_request_encode(const struct content_key *keys, size_t n,
                                            struct buf *out) WB_MUST_CHECK;
struct peer_history_request {
    struct span chat_jid, oldest_id;
    bool oldest_from_me;
    int32_t count;
    int64_t oldest_timestamp; /* seconds, as whatsmeow sends it (P-HI-13) */
};
enum wb_err peer_history_request_encode(const struct peer_history_request *r,
                                        struct buf *out) WB_MUST_CHECK;
/* Asks the phone for a collection's snapshot when ours cannot be repaired (P-AS-23). */
enum wb_err peer_snapshot_request_encode(struct span collection, int64_t timestamp,
                                         struct buf *out) WB_MUST_CHECK;
struct peer_request {
    int32_t type; /* enum peer_request_type, or an unknown number */
    const struct content_key *placeholders;
    size_t nplaceholders;
    struct peer_history_request history; /* type 3 */
    struct span collection;              /* type 8 */
};
enum wb_err peer_request_decode(struct span payload, struct arena *a,
                                struct peer_request *ret_r) WB_MUST_CHECK;

/* PEER_RESPONSE (P-RC-46). */
struct peer_result {
    struct span web_message; /* encoded WebMessageInfo; null: none */
    struct span snapshot;    /* syncd recovery */
    bool snapshot_compressed;
};
struct peer_response {
    int32_t type;
    struct span stanza_id; /* the request's message id */
    const struct peer_result *results;
    size_t n;
};
enum wb_err peer_response_decode(struct span payload, struct arena *a,
                                 struct peer_response *ret_r) WB_MUST_CHECK;
enum wb_err peer_response_encode(const struct peer_response *r, struct buf *out) WB_MUST_CHECK;

#endif
