#include "tests/peers/baileys/proto_tables.h"

#define M(of, member, type)                                                                        \
    {                                                                                              \
#member, type##_T, offsetof(struct of, member), 0, 0, NULL                                 \
    }
#define FIXED(of, member)                                                                          \
    {                                                                                              \
#member, FIXED_T, offsetof(struct of, member), sizeof(((struct of *)0)->member), 0, NULL   \
    }
#define PART(of, member, table)                                                                    \
    {                                                                                              \
#member, STRUCT_T, offsetof(struct of, member), 0, 0, table                                \
    }
#define LIST(of, member, count, table)                                                             \
    {                                                                                              \
#member, LIST_T, offsetof(struct of, member), sizeof *((struct of *)0)->member,            \
            offsetof(struct of, count), table                                                      \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, SPAN_T, 0, 0, 0, NULL                                                                \
    }

static const struct member one_span[] = {{"", SPAN_T, 0, 0, 0, NULL}, END};
static const struct member one_u32[] = {{"", U32_T, 0, 0, 0, NULL}, END};

static const struct member key_table[] = {
    M(content_key, remote_jid, SPAN), M(content_key, id, SPAN), M(content_key, participant, SPAN),
    M(content_key, from_me, BOOL), END};
static const struct member media_table[] = {M(content_media, present, BOOL),
                                            M(content_media, mimetype, SPAN),
                                            M(content_media, file_name, SPAN),
                                            M(content_media, title, SPAN),
                                            M(content_media, url, SPAN),
                                            M(content_media, direct_path, SPAN),
                                            M(content_media, media_key, SPAN),
                                            M(content_media, file_sha256, SPAN),
                                            M(content_media, file_enc_sha256, SPAN),
                                            M(content_media, file_length, U64),
                                            M(content_media, key_timestamp, I64),
                                            M(content_media, seconds, U32),
                                            M(content_media, width, U32),
                                            M(content_media, height, U32),
                                            M(content_media, pages, U32),
                                            M(content_media, ptt, BOOL),
                                            M(content_media, gif, BOOL),
                                            M(content_media, animated, BOOL),
                                            M(content_media, lottie, BOOL),
                                            M(content_media, thumbnail, SPAN),
                                            M(content_media, waveform, SPAN),
                                            END};
static const struct member context_table[] = {
    M(content_context, present, BOOL),
    M(content_context, stanza_id, SPAN),
    M(content_context, participant, SPAN),
    M(content_context, remote_jid, SPAN),
    M(content_context, quoted, SPAN),
    LIST(content_context, mentioned, nmentioned, one_span),
    M(content_context, mentions_all, BOOL),
    M(content_context, forwarded, BOOL),
    M(content_context, forwarding_score, U32),
    M(content_context, has_expiration, BOOL),
    M(content_context, expiration, U32),
    M(content_context, ephemeral_setting_timestamp, I64),
    END};
static const struct member contact_table[] = {M(content_contact, name, SPAN),
                                              M(content_contact, vcard, SPAN), END};
const struct member content_table[] = {
    M(content, kind, KIND),
    M(content, ephemeral, BOOL),
    M(content, view_once, BOOL),
    M(content, edited, BOOL),
    M(content, text, SPAN),
    M(content, title, SPAN),
    PART(content, media, media_table),
    PART(content, context, context_table),
    PART(content, key, key_table),
    M(content, timestamp_ms, I64),
    M(content, number, I64),
    M(content, latitude, DOUBLE),
    M(content, longitude, DOUBLE),
    M(content, name, SPAN),
    M(content, address, SPAN),
    LIST(content, options, noptions, one_span),
    LIST(content, contacts, ncontacts, contact_table),
    M(content, sealed, SPAN),
    M(content, sealed_iv, SPAN),
    {"inner", POINTER_T, offsetof(struct content, inner), sizeof(struct content), 0, content_table},
    M(content, protocol_type, I32),
    M(content, protocol_payload, SPAN),
    M(content, secret, SPAN),
    M(content, association_type, I32),
    PART(content, association, key_table),
    M(content, skdm_group, SPAN),
    M(content, skdm, SPAN),
    M(content, device_sent, BOOL),
    M(content, destination, SPAN),
    LIST(content, unknown_fields, nunknown, one_u32),
    M(content, message, SPAN),
    END};

const struct member client_hello_table[] = {FIXED(handshake_client_hello, ephemeral),
                                            M(handshake_client_hello, static_ct, SPAN),
                                            M(handshake_client_hello, payload_ct, SPAN), END};
const struct member server_hello_table[] = {FIXED(handshake_server_hello, ephemeral),
                                            M(handshake_server_hello, static_ct, SPAN),
                                            M(handshake_server_hello, payload_ct, SPAN), END};
const struct member client_finish_table[] = {M(handshake_client_finish, static_ct, SPAN),
                                             M(handshake_client_finish, payload_ct, SPAN), END};
static const struct member cert_signed_table[] = {M(cert_wire_signed, details, SPAN),
                                                  FIXED(cert_wire_signed, signature), END};
const struct member cert_chain_table[] = {PART(cert_wire_chain, leaf, cert_signed_table),
                                          PART(cert_wire_chain, intermediate, cert_signed_table),
                                          END};
const struct member cert_details_table[] = {
    M(cert_wire_details, serial, U32),    M(cert_wire_details, issuer_serial, U32),
    FIXED(cert_wire_details, key),        M(cert_wire_details, not_before, U64),
    M(cert_wire_details, not_after, U64), END};
const struct member signed_hmac_table[] = {M(adv_signed_hmac, details, SPAN),
                                           FIXED(adv_signed_hmac, hmac),
                                           M(adv_signed_hmac, hosted, BOOL), END};
const struct member signed_identity_table[] = {M(adv_signed_identity, details, SPAN),
                                               M(adv_signed_identity, account_key, SPAN),
                                               M(adv_signed_identity, account_signature, SPAN),
                                               M(adv_signed_identity, device_signature, SPAN), END};
const struct member identity_table[] = {
    M(adv_identity, raw_id, U32),      M(adv_identity, timestamp, U64),
    M(adv_identity, key_index, U32),   M(adv_identity, account_type, U32),
    M(adv_identity, device_type, U32), END};
const struct member signed_key_list_table[] = {M(adv_signed_key_list, details, SPAN),
                                               M(adv_signed_key_list, account_signature, SPAN),
                                               M(adv_signed_key_list, account_key, SPAN), END};
const struct member key_list_table[] = {
    M(adv_key_list, raw_id, U32),        M(adv_key_list, timestamp, U64),
    M(adv_key_list, current_index, U32), LIST(adv_key_list, valid, nvalid, one_u32),
    M(adv_key_list, account_type, U32),  END};

static const struct member version_table[] = {M(client_version, primary, U32),
                                              M(client_version, secondary, U32),
                                              M(client_version, tertiary, U32), END};
static const struct member props_table[] = {
    M(client_device_props, os, SPAN), PART(client_device_props, app, version_table),
    M(client_device_props, platform, U32), M(client_device_props, full_sync, BOOL), END};
static const struct member pairing_table[] = {
    M(client_pairing, registration_id, U32),  FIXED(client_pairing, identity),
    M(client_pairing, signed_prekey_id, U32), FIXED(client_pairing, signed_prekey),
    FIXED(client_pairing, signed_prekey_sig), FIXED(client_pairing, build_hash),
    PART(client_pairing, props, props_table), END};
const struct member payload_table[] = {M(client_payload, username, U64),
                                       M(client_payload, device, U32),
                                       M(client_payload, passive, BOOL),
                                       M(client_payload, pull, BOOL),
                                       M(client_payload, lid_db_migrated, BOOL),
                                       M(client_payload, login_counter, I32),
                                       PART(client_payload, version, version_table),
                                       M(client_payload, platform, I32),
                                       M(client_payload, connect_type, I32),
                                       M(client_payload, connect_reason, I32),
                                       M(client_payload, push_name, SPAN),
                                       M(client_payload, registers, BOOL),
                                       PART(client_payload, pairing, pairing_table),
                                       END};

const struct member history_note_table[] = {M(history_notification, file_sha256, SPAN),
                                            M(history_notification, media_key, SPAN),
                                            M(history_notification, file_enc_sha256, SPAN),
                                            M(history_notification, direct_path, SPAN),
                                            M(history_notification, file_length, U64),
                                            M(history_notification, sync_type, I32),
                                            M(history_notification, chunk_order, U32),
                                            M(history_notification, progress, U32),
                                            M(history_notification, original_message_id, SPAN),
                                            M(history_notification, request_id, SPAN),
                                            M(history_notification, enc_handle, SPAN),
                                            M(history_notification, inline_payload, SPAN),
                                            END};
static const struct member app_state_key_table[] = {
    M(app_state_key, key_id, SPAN), M(app_state_key, key_data, SPAN),
    M(app_state_key, fingerprint, SPAN), M(app_state_key, timestamp, I64), END};
const struct member app_state_keys_table[] = {LIST(app_state_keys, keys, n, app_state_key_table),
                                              END};
static const struct member lid_mapping_table[] = {M(lid_mapping, pn, U64),
                                                  M(lid_mapping, assigned_lid, U64),
                                                  M(lid_mapping, latest_lid, U64), END};
const struct member lid_mappings_table[] = {LIST(lid_mappings, pairs, n, lid_mapping_table),
                                            M(lid_mappings, chat_db_timestamp, U64), END};
static const struct member history_request_table[] = {
    M(peer_history_request, chat_jid, SPAN),        M(peer_history_request, oldest_id, SPAN),
    M(peer_history_request, oldest_from_me, BOOL),  M(peer_history_request, count, I32),
    M(peer_history_request, oldest_timestamp, I64), END};
const struct member peer_request_table[] = {
    M(peer_request, type, I32), LIST(peer_request, placeholders, nplaceholders, key_table),
    PART(peer_request, history, history_request_table), M(peer_request, collection, SPAN), END};
static const struct member peer_result_table[] = {M(peer_result, web_message, SPAN),
                                                  M(peer_result, snapshot, SPAN),
                                                  M(peer_result, snapshot_compressed, BOOL), END};
const struct member peer_response_table[] = {
    M(peer_response, type, I32), M(peer_response, stanza_id, SPAN),
    LIST(peer_response, results, n, peer_result_table), END};
const struct member web_message_table[] = {
    PART(web_message, key, key_table), M(web_message, message, SPAN),
    M(web_message, timestamp, I64),    M(web_message, participant, SPAN),
    M(web_message, push_name, SPAN),   END};

static const struct member extras_table[] = {LIST(content_extras, mentioned, nmentioned, one_span),
                                             M(content_extras, mentions_all, BOOL),
                                             M(content_extras, reply_id, SPAN),
                                             M(content_extras, reply_from, SPAN),
                                             M(content_extras, reply_chat, SPAN),
                                             M(content_extras, quoted, SPAN),
                                             M(content_extras, has_expiration, BOOL),
                                             M(content_extras, expiration, U32),
                                             M(content_extras, ephemeral_setting_timestamp, I64),
                                             M(content_extras, secret, SPAN),
                                             END};
const struct member arguments_table[] = {M(arguments, text, SPAN),
                                         M(arguments, title, SPAN),
                                         M(arguments, secret, SPAN),
                                         M(arguments, payload, SPAN),
                                         M(arguments, kind, KIND),
                                         M(arguments, selectable, U32),
                                         M(arguments, timestamp_ms, I64),
                                         M(arguments, latitude, DOUBLE),
                                         M(arguments, longitude, DOUBLE),
                                         PART(arguments, key, key_table),
                                         PART(arguments, media, media_table),
                                         PART(arguments, extras, extras_table),
                                         LIST(arguments, list, nlist, one_span),
                                         LIST(arguments, keys, nkeys, key_table),
                                         PART(arguments, version, version_table),
                                         PART(arguments, pairing, pairing_table),
                                         M(arguments, user, U64),
                                         M(arguments, device, U32),
                                         PART(arguments, history, history_request_table),
                                         END};
