#include "proto/peer_wire.h"

#include "proto/content_slots.h"
#include "proto/limits.h"
#include "proto/wire_field.h"

#define S(n, type, of, member)                                                                     \
    {                                                                                              \
        n, SLOT_##type, offsetof(struct of, member), NULL                                          \
    }
#define END                                                                                        \
    {                                                                                              \
        0, SLOT_SPAN, 0, NULL                                                                      \
    }

/* Appends ProtocolMessage{2 type, field{...}}: opened here, closed by close_protocol(). */
struct open_protocol {
    size_t message, part;
};

static struct open_protocol open_protocol(struct buf *out, enum protocol_type type, uint32_t field)
{
    struct open_protocol o;

    o.message = wire_open(out, MSG_PROTOCOL);
    wire_put_uint(out, 2, type);
    o.part = wire_open(out, field);
    return o;
}

static enum wb_err close_protocol(struct buf *out, struct open_protocol o)
{
    wire_close(out, o.part);
    wire_close(out, o.message);
    return buf_err(out);
}

/* ---- history ---- */

static const struct wire_slot history_slots[] = {
    S(1, SPAN, history_notification, file_sha256),
    S(2, U64, history_notification, file_length),
    S(3, SPAN, history_notification, media_key),
    S(4, SPAN, history_notification, file_enc_sha256),
    S(5, SPAN, history_notification, direct_path),
    S(6, I32, history_notification, sync_type),
    S(7, U32, history_notification, chunk_order),
    S(8, SPAN, history_notification, original_message_id),
    S(9, U32, history_notification, progress),
    S(11, SPAN, history_notification, inline_payload),
    S(12, SPAN, history_notification, request_id),
    S(14, SPAN, history_notification, enc_handle),
    END,
};

enum wb_err history_notification_decode(struct span payload, struct arena *a,
                                        struct history_notification *ret_n)
{
    struct history_notification n = {0};
    enum wb_err err;

    (void)a; /* borrows from the payload alone */
    TRY(wire_map_read(history_slots, payload, &n));
    *ret_n = n;
out:
    return err;
}

enum wb_err history_notification_encode(const struct history_notification *n, struct buf *out)
{
    struct open_protocol o = open_protocol(out, PROTOCOL_HISTORY_SYNC_NOTIFICATION, 6);

    wire_map_write(history_slots, n, out);
    if (n->sync_type == 0)
        wire_put_uint(out, 6, 0); /* INITIAL_BOOTSTRAP is 0, and written all the same */
    return close_protocol(out, o);
}

/* ---- app state keys ---- */

static const struct wire_slot key_id_slots[] = {S(1, SPAN, app_state_key, key_id), END};
static const struct wire_slot key_data_slots[] = {
    S(1, SPAN, app_state_key, key_data),
    S(2, SPAN, app_state_key, fingerprint),
    S(3, I64, app_state_key, timestamp),
    END,
};
static const struct wire_slot key_slots[] = {
    {1, SLOT_NESTED, 0, key_id_slots},
    {2, SLOT_NESTED, 0, key_data_slots},
    END,
};

enum wb_err app_state_keys_decode(struct span payload, struct arena *a,
                                  struct app_state_keys *ret_k)
{
    const struct span *parts = NULL;
    struct app_state_key *keys = NULL;
    size_t nparts = 0;
    size_t n = 0;
    enum wb_err err;

    TRY(wire_collect(payload, 1, a, &parts, &nparts));
    if (nparts) {
        keys = arena_alloc(a, nparts * sizeof *keys);
        if (!keys)
            return WB_ERR_TOO_LARGE;
    }
    for (size_t i = 0; i < nparts; i++) {
        struct app_state_key k = {0};

        TRY(wire_map_read(key_slots, parts[i], &k));
        if (k.key_id.n)
            keys[n++] = k;
    }
    *ret_k = (struct app_state_keys){keys, n};
out:
    return err;
}

enum wb_err app_state_keys_encode(const struct app_state_keys *k, struct buf *out)
{
    struct open_protocol o = open_protocol(out, PROTOCOL_APP_STATE_KEY_SHARE, 7);

    for (size_t i = 0; i < k->n; i++) {
        size_t at = wire_open(out, 1);

        wire_map_write(key_slots, &k->keys[i], out);
        wire_close(out, at);
    }
    return close_protocol(out, o);
}

enum wb_err app_state_key_request_encode(const struct span *ids, size_t n, struct buf *out)
{
    struct open_protocol o = open_protocol(out, PROTOCOL_APP_STATE_KEY_REQUEST, 8);

    for (size_t i = 0; i < n; i++) {
        size_t at = wire_open(out, 1);

        wire_put_bytes(out, 1, ids[i]);
        wire_close(out, at);
    }
    return close_protocol(out, o);
}

enum wb_err app_state_key_request_decode(struct span payload, struct arena *a,
                                         const struct span **ret_ids, size_t *ret_n)
{
    const struct span *parts = NULL;
    struct span *ids = NULL;
    size_t n = 0;
    enum wb_err err;

    TRY(wire_collect(payload, 1, a, &parts, &n));
    if (n) {
        ids = arena_alloc(a, n * sizeof *ids);
        if (!ids)
            return WB_ERR_TOO_LARGE;
    }
    for (size_t i = 0; i < n; i++) {
        err = wire_find(parts[i], 1, &ids[i]);
        if (err != WB_OK)
            return WB_ERR_MALFORMED;
    }
    *ret_ids = ids;
    *ret_n = n;
out:
    return err;
}

/* ---- LID migration ---- */

static const struct wire_slot mapping_slots[] = {
    S(1, U64, lid_mapping, pn),
    S(2, U64, lid_mapping, assigned_lid),
    S(3, U64, lid_mapping, latest_lid),
    END,
};
static const struct wire_slot mappings_slots[] = {S(2, U64, lid_mappings, chat_db_timestamp), END};

enum wb_err lid_mappings_decode(struct span payload, struct arena *a, struct lid_mappings *ret_m)
{
    const struct span *parts = NULL;
    struct lid_mapping *pairs = NULL;
    struct lid_mappings m = {0};
    struct span encoded = SPAN_NULL;
    enum wb_err err;

    /* The mapping is a protobuf of its own inside field 1. */
    if (wire_find(payload, 1, &encoded) != WB_OK)
        return WB_ERR_MALFORMED;
    TRY(wire_map_read(mappings_slots, encoded, &m));
    TRY(wire_collect(encoded, 1, a, &parts, &m.n));
    if (m.n) {
        pairs = arena_alloc(a, m.n * sizeof *pairs);
        if (!pairs)
            return WB_ERR_TOO_LARGE;
    }
    for (size_t i = 0; i < m.n; i++) {
        TRY(wire_map_read(mapping_slots, parts[i], &pairs[i]));
        if (!pairs[i].pn || !pairs[i].assigned_lid)
            return WB_ERR_MALFORMED; /* both are required */
    }
    m.pairs = pairs;
    *ret_m = m;
out:
    return err;
}

enum wb_err lid_mappings_encode(const struct lid_mappings *m, struct buf *out)
{
    struct open_protocol o = open_protocol(out, PROTOCOL_LID_MIGRATION, 23);
    size_t encoded = wire_open(out, 1);

    for (size_t i = 0; i < m->n; i++) {
        size_t at = wire_open(out, 1);

        wire_map_write(mapping_slots, &m->pairs[i], out);
        wire_close(out, at);
    }
    wire_map_write(mappings_slots, m, out);
    wire_close(out, encoded);
    return close_protocol(out, o);
}

/* ---- requests to the phone ---- */

static const struct wire_slot on_demand_slots[] = {
    S(1, SPAN, peer_history_request, chat_jid),        S(2, SPAN, peer_history_request, oldest_id),
    S(3, BOOL, peer_history_request, oldest_from_me),  S(4, I32, peer_history_request, count),
    S(5, I64, peer_history_request, oldest_timestamp), END,
};
static const struct wire_slot collection_slots[] = {S(1, SPAN, peer_request, collection), END};
static const struct wire_slot request_slots[] = {
    S(1, I32, peer_request, type),
    {4, SLOT_NESTED, offsetof(struct peer_request, history), on_demand_slots},
    {7, SLOT_NESTED, 0, collection_slots},
    END,
};

enum wb_err peer_placeholder_request_encode(const struct content_key *keys, size_t n,
                                            struct buf *out)
{
    struct open_protocol o = open_protocol(out, PROTOCOL_PEER_REQUEST, 16);

    wire_put_uint(out, 1, PEER_PLACEHOLDER_RESEND);
    for (size_t i = 0; i < n; i++) {
        size_t at = wire_open(out, 5);

        content_put_key(out, 1, &keys[i]);
        wire_close(out, at);
    }
    return close_protocol(out, o);
}

enum wb_err peer_history_request_encode(const struct peer_history_request *r, struct buf *out)
{
    struct open_protocol o = open_protocol(out, PROTOCOL_PEER_REQUEST, 16);
    size_t at;

    wire_put_uint(out, 1, PEER_HISTORY_ON_DEMAND);
    at = wire_open(out, 4);
    wire_put_bytes(out, 1, r->chat_jid);
    wire_put_bytes(out, 2, r->oldest_id);
    wire_put_uint(out, 3, r->oldest_from_me);
    wire_put_uint(out, 4, (uint64_t)(int64_t)r->count);
    wire_put_uint(out, 5, (uint64_t)r->oldest_timestamp);
    wire_close(out, at);
    return close_protocol(out, o);
}

enum wb_err peer_snapshot_request_encode(struct span collection, int64_t timestamp, struct buf *out)
{
    struct open_protocol o = open_protocol(out, PROTOCOL_PEER_REQUEST, 16);
    size_t at;

    wire_put_uint(out, 1, PEER_SNAPSHOT_RECOVERY);
    at = wire_open(out, 7);
    wire_put_bytes(out, 1, collection);
    wire_put_uint(out, 2, (uint64_t)timestamp);
    wire_close(out, at);
    return close_protocol(out, o);
}

enum wb_err peer_request_decode(struct span payload, struct arena *a, struct peer_request *ret_r)
{
    const struct span *parts = NULL;
    struct content_key *keys = NULL;
    struct peer_request r = {0};
    enum wb_err err;

    TRY(wire_map_read(request_slots, payload, &r));
    TRY(wire_collect(payload, 5, a, &parts, &r.nplaceholders));
    if (r.nplaceholders) {
        keys = arena_alloc(a, r.nplaceholders * sizeof *keys);
        if (!keys)
            return WB_ERR_TOO_LARGE;
    }
    for (size_t i = 0; i < r.nplaceholders; i++) {
        static const struct wire_slot holder[] = {{1, SLOT_NESTED, 0, content_key_slots}, END};

        TRY(wire_map_read(holder, parts[i], &keys[i]));
    }
    r.placeholders = keys;
    *ret_r = r;
out:
    return err;
}

/* ---- the phone's answers ---- */

static const struct wire_slot web_message_slots[] = {S(1, SPAN, peer_result, web_message), END};
static const struct wire_slot snapshot_slots[] = {
    S(1, SPAN, peer_result, snapshot),
    S(2, BOOL, peer_result, snapshot_compressed),
    END,
};
static const struct wire_slot result_slots[] = {
    {4, SLOT_NESTED, 0, web_message_slots},
    {8, SLOT_NESTED, 0, snapshot_slots},
    END,
};
static const struct wire_slot response_slots[] = {
    S(1, I32, peer_response, type),
    S(2, SPAN, peer_response, stanza_id),
    END,
};

enum wb_err peer_response_decode(struct span payload, struct arena *a, struct peer_response *ret_r)
{
    const struct span *parts = NULL;
    struct peer_result *results = NULL;
    struct peer_response r = {0};
    enum wb_err err;

    TRY(wire_map_read(response_slots, payload, &r));
    TRY(wire_collect(payload, 3, a, &parts, &r.n));
    if (r.n) {
        results = arena_alloc(a, r.n * sizeof *results);
        if (!results)
            return WB_ERR_TOO_LARGE;
    }
    for (size_t i = 0; i < r.n; i++)
        TRY(wire_map_read(result_slots, parts[i], &results[i]));
    r.results = results;
    *ret_r = r;
out:
    return err;
}

enum wb_err peer_response_encode(const struct peer_response *r, struct buf *out)
{
    struct open_protocol o = open_protocol(out, PROTOCOL_PEER_RESPONSE, 17);

    wire_map_write(response_slots, r, out);
    for (size_t i = 0; i < r->n; i++) {
        size_t at = wire_open(out, 3);

        wire_map_write(result_slots, &r->results[i], out);
        wire_close(out, at);
    }
    return close_protocol(out, o);
}
