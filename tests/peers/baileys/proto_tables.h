/* proto_tables.h - the structs of proto/ as tables of members, so that proto_pipe can turn them
 * into JSON and back without code for each. */
#ifndef PEERS_PROTO_TABLES_H
#define PEERS_PROTO_TABLES_H

#include "proto/client_payload.h"
#include "proto/content_encode.h"
#include "proto/handshake_wire.h"
#include "proto/pair_wire.h"
#include "proto/peer_wire.h"
#include "proto/web_message.h"

enum type {
    SPAN_T,
    FIXED_T, /* all zeros: nothing there */
    KIND_T,  /* enum content_kind, as its word */
    U32_T,
    I32_T,
    U64_T,
    I64_T,
    BOOL_T,
    DOUBLE_T,
    STRUCT_T,
    LIST_T,
    POINTER_T
};

struct member {
    const char *name; /* NULL ends a table; "" is the element of a list by itself */
    enum type type;
    size_t at;
    size_t size;     /* FIXED_T: bytes; LIST_T, POINTER_T: of an element */
    size_t count_at; /* LIST_T */
    const struct member *table;
};

/* What the writers of content_encode.h take, in one struct. */
struct arguments {
    struct span text, title, secret, payload;
    enum content_kind kind;
    uint32_t selectable;
    int64_t timestamp_ms;
    double latitude, longitude;
    struct content_key key;
    struct content_media media;
    struct content_extras extras;
    const struct span *list;
    size_t nlist;
    const struct content_key *keys;
    size_t nkeys;
    struct client_version version;
    struct client_pairing pairing;
    uint64_t user;
    uint32_t device;
    struct peer_history_request history;
};

extern const struct member content_table[];
extern const struct member client_hello_table[];
extern const struct member server_hello_table[];
extern const struct member client_finish_table[];
extern const struct member cert_chain_table[];
extern const struct member cert_details_table[];
extern const struct member signed_hmac_table[];
extern const struct member signed_identity_table[];
extern const struct member identity_table[];
extern const struct member signed_key_list_table[];
extern const struct member key_list_table[];
extern const struct member payload_table[];
extern const struct member history_note_table[];
extern const struct member app_state_keys_table[];
extern const struct member lid_mappings_table[];
extern const struct member peer_request_table[];
extern const struct member peer_response_table[];
extern const struct member web_message_table[];
extern const struct member arguments_table[];

#endif
