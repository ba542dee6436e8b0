/* proto_pipe - our protobuf readers and writers as a filter, for proto_codec.mjs.
 *
 * One JSON object per line in, one out. Bytes are hex, integers decimal strings; what is absent, 0
 * or false is left out. The names are those of the structs in proto/.
 *   {"read": STRUCT, "in": HEX}       -> {"v": {...}, "again": HEX} (written anew, if we can)
 *   {"write": FUNCTION, "v": {...}}   -> {"out": HEX}
 * An error answers {"err": TEXT}. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "proto/limits.h"
#include "tests/peers/baileys/proto_tables.h"

/* ---- structs to JSON ---- */

static json_t *hex_of(struct span s)
{
    struct buf hex = buf_new(2 * MESSAGE_PLAINTEXT_MAX + 1);

    for (size_t i = 0; i < s.n; i++)
        buf_printf(&hex, "%02x", s.p[i]);
    json_t *text = json_string(buf_cstr(&hex));
    buf_free(&hex);
    return text;
}

static json_t *decimal(long long v)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%lld", v);
    return v != 0 ? json_string(text) : NULL;
}

static json_t *decimal_unsigned(unsigned long long v)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%llu", v);
    return v != 0 ? json_string(text) : NULL;
}

static json_t *struct_json(const struct member *table, const uint8_t *base);

static json_t *list_json(const struct member *m, const uint8_t *base)
{
    const uint8_t *at = *(const uint8_t *const *)(const void *)(base + m->at);
    size_t n = *(const size_t *)(const void *)(base + m->count_at);
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(list, struct_json(m->table, at + i * m->size));
    if (n > 0)
        return list;
    json_decref(list);
    return NULL;
}

/* NULL: nothing there. */
static json_t *member_json(const struct member *m, const uint8_t *base)
{
    const void *at = base + m->at;
    double d;

    switch (m->type) {
    case SPAN_T:
        return span_is_null(*(const struct span *)at) ? NULL : hex_of(*(const struct span *)at);
    case FIXED_T:
        for (size_t i = 0; i < m->size; i++)
            if (((const uint8_t *)at)[i] != 0)
                return hex_of(SPAN(at, m->size));
        return NULL;
    case KIND_T:
        return json_string(content_kind_word(*(const enum content_kind *)at));
    case U32_T:
        return decimal_unsigned(*(const uint32_t *)at);
    case I32_T:
        return decimal(*(const int32_t *)at);
    case U64_T:
        return decimal_unsigned(*(const uint64_t *)at);
    case I64_T:
        return decimal(*(const int64_t *)at);
    case BOOL_T:
        return *(const bool *)at ? json_true() : NULL;
    case DOUBLE_T:
        memcpy(&d, at, sizeof d);
        return d < 0 || d > 0 ? json_real(d) : NULL;
    case STRUCT_T:
        return struct_json(m->table, at);
    case LIST_T:
        return list_json(m, base);
    case POINTER_T:
        at = *(const void *const *)at;
        return at != NULL ? struct_json(m->table, at) : NULL;
    }
    return NULL;
}

/* As deep as tables nest, and `inner` (CONTENT_INNER_MAX). An empty one is NULL. */
static json_t *struct_json(const struct member *table, const uint8_t *base)
{
    if (table->name[0] == '\0') {
        json_t *element = member_json(table, base);

        return element != NULL ? element : json_string("");
    }
    json_t *made = json_object();
    for (const struct member *m = table; m->name != NULL; m++) {
        json_t *part = member_json(m, base);

        if (json_is_object(part) && json_object_size(part) == 0 && m->type == STRUCT_T)
            json_decref(part);
        else if (part)
            (void)json_object_set_new(made, m->name, part);
    }
    return made;
}

/* ---- JSON to structs ---- */

static unsigned nibble(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

/* Lower-case hex of proto_codec.mjs; the bytes live in a. */
static struct span unhex(const json_t *text, struct arena *a)
{
    const char *hex = json_string_value(text);
    size_t n = hex != NULL ? strlen(hex) / 2 : 0;
    uint8_t *bytes = hex != NULL ? arena_alloc(a, n + 1) : NULL;

    for (size_t i = 0; bytes != NULL && i < n; i++)
        bytes[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    return bytes != NULL ? SPAN(bytes, n) : SPAN_NULL;
}

static void struct_from(const struct member *table, const json_t *v, struct arena *a,
                        uint8_t *base);

static void list_from(const struct member *m, const json_t *v, struct arena *a, uint8_t *base)
{
    size_t n = json_array_size(v);
    uint8_t *at = arena_alloc(a, n * m->size + 1);

    if (!at)
        return;
    memset(at, 0, n * m->size + 1);
    for (size_t i = 0; i < n; i++)
        struct_from(m->table, json_array_get(v, i), a, at + i * m->size);
    *(const uint8_t **)(void *)(base + m->at) = at;
    *(size_t *)(void *)(base + m->count_at) = n;
}

static void member_from(const struct member *m, const json_t *v, struct arena *a, uint8_t *base)
{
    void *at = base + m->at;
    const char *number = json_is_string(v) ? json_string_value(v) : "0";
    double d = json_number_value(v);
    struct span bytes;

    switch (m->type) {
    case SPAN_T:
        *(struct span *)at = unhex(v, a);
        break;
    case FIXED_T:
        bytes = unhex(v, a);
        if (bytes.n == m->size)
            memcpy(at, bytes.p, bytes.n);
        break;
    case KIND_T:
        while (*(enum content_kind *)at < CONTENT_KIND_COUNT &&
               strcmp(content_kind_word(*(enum content_kind *)at), number) != 0)
            ++*(enum content_kind *)at;
        break;
    case U32_T:
    case I32_T:
        *(uint32_t *)at = (uint32_t)strtoll(number, NULL, 10);
        break;
    case U64_T:
        *(uint64_t *)at = strtoull(number, NULL, 10);
        break;
    case I64_T:
        *(int64_t *)at = strtoll(number, NULL, 10);
        break;
    case BOOL_T:
        *(bool *)at = json_is_true(v);
        break;
    case DOUBLE_T:
        memcpy(at, &d, sizeof d);
        break;
    case STRUCT_T:
        struct_from(m->table, v, a, at);
        break;
    case LIST_T:
        list_from(m, v, a, base);
        break;
    case POINTER_T: /* no writer takes one */
        break;
    }
}

static void struct_from(const struct member *table, const json_t *v, struct arena *a, uint8_t *base)
{
    for (const struct member *m = table; m->name != NULL; m++) {
        const json_t *part = m->name[0] != '\0' ? json_object_get(v, m->name) : v;

        if (part)
            member_from(m, part, a, base);
    }
}

/* ---- readers, and the writers of the same structs ---- */

#define READS(name, type)                                                                          \
    static enum wb_err read_##name(struct span in, struct arena *a, void *v)                       \
    {                                                                                              \
        return name##_decode(in, a, (struct type *)v);                                             \
    }
#define WRITES(name, type)                                                                         \
    static enum wb_err write_##name(const void *v, struct buf *out)                                \
    {                                                                                              \
        return name##_encode((const struct type *)v, out);                                         \
    }
/* Those of peer_wire.h read the part of a protocol message, and write a whole Message. */
#define READS_PART(name, type)                                                                     \
    static enum wb_err read_##name(struct span in, struct arena *a, void *v)                       \
    {                                                                                              \
        struct content c;                                                                          \
        enum wb_err err = content_decode(in, a, &c);                                               \
        return err != WB_OK ? err : name##_decode(c.protocol_payload, a, (struct type *)v);        \
    }

READS(content, content)
READS(handshake_client_hello, handshake_client_hello)
WRITES(handshake_client_hello, handshake_client_hello)
READS(handshake_server_hello, handshake_server_hello)
WRITES(handshake_server_hello, handshake_server_hello)
READS(handshake_client_finish, handshake_client_finish)
WRITES(handshake_client_finish, handshake_client_finish)
READS(cert_wire_chain, cert_wire_chain)
WRITES(cert_wire_chain, cert_wire_chain)
READS(cert_wire_details, cert_wire_details)
WRITES(cert_wire_details, cert_wire_details)
READS(adv_signed_hmac, adv_signed_hmac)
WRITES(adv_signed_hmac, adv_signed_hmac)
READS(adv_signed_identity, adv_signed_identity)
READS(adv_identity, adv_identity)
WRITES(adv_identity, adv_identity)
READS(adv_signed_key_list, adv_signed_key_list)
WRITES(adv_signed_key_list, adv_signed_key_list)
READS(adv_key_list, adv_key_list)
WRITES(adv_key_list, adv_key_list)
READS(client_payload, client_payload)
READS_PART(history_notification, history_notification)
WRITES(history_notification, history_notification)
READS_PART(app_state_keys, app_state_keys)
WRITES(app_state_keys, app_state_keys)
READS_PART(lid_mappings, lid_mappings)
WRITES(lid_mappings, lid_mappings)
READS_PART(peer_request, peer_request)
READS_PART(peer_response, peer_response)
WRITES(peer_response, peer_response)
WRITES(web_message, web_message)

static enum wb_err write_adv_signed_identity(const void *v, struct buf *out)
{
    return adv_signed_identity_encode(v, true, out);
}

static enum wb_err read_web_message(struct span in, struct arena *a, void *v)
{
    (void)a;
    return web_message_decode(in, v);
}

union any {
    struct content content;
    struct handshake_client_hello client_hello;
    struct handshake_server_hello server_hello;
    struct handshake_client_finish client_finish;
    struct cert_wire_chain chain;
    struct cert_wire_details details;
    struct adv_signed_hmac hmac;
    struct adv_signed_identity signed_identity;
    struct adv_identity identity;
    struct adv_signed_key_list signed_list;
    struct adv_key_list list;
    struct client_payload payload;
    struct history_notification history;
    struct app_state_keys keys;
    struct lid_mappings mappings;
    struct peer_request request;
    struct peer_response response;
    struct web_message web;
};

struct reader {
    const char *name;
    const struct member *table;
    enum wb_err (*read)(struct span in, struct arena *a, void *v);
    enum wb_err (*write)(const void *v, struct buf *out);
};

static const struct reader readers[] = {
    {"content", content_table, read_content, NULL},
    {"handshake_client_hello", client_hello_table, read_handshake_client_hello,
     write_handshake_client_hello},
    {"handshake_server_hello", server_hello_table, read_handshake_server_hello,
     write_handshake_server_hello},
    {"handshake_client_finish", client_finish_table, read_handshake_client_finish,
     write_handshake_client_finish},
    {"cert_wire_chain", cert_chain_table, read_cert_wire_chain, write_cert_wire_chain},
    {"cert_wire_details", cert_details_table, read_cert_wire_details, write_cert_wire_details},
    {"adv_signed_hmac", signed_hmac_table, read_adv_signed_hmac, write_adv_signed_hmac},
    {"adv_signed_identity", signed_identity_table, read_adv_signed_identity,
     write_adv_signed_identity},
    {"adv_identity", identity_table, read_adv_identity, write_adv_identity},
    {"adv_signed_key_list", signed_key_list_table, read_adv_signed_key_list,
     write_adv_signed_key_list},
    {"adv_key_list", key_list_table, read_adv_key_list, write_adv_key_list},
    {"client_payload", payload_table, read_client_payload, NULL},
    {"history_notification", history_note_table, read_history_notification,
     write_history_notification},
    {"app_state_keys", app_state_keys_table, read_app_state_keys, write_app_state_keys},
    {"lid_mappings", lid_mappings_table, read_lid_mappings, write_lid_mappings},
    {"peer_request", peer_request_table, read_peer_request, NULL},
    {"peer_response", peer_response_table, read_peer_response, write_peer_response},
    {"web_message", web_message_table, read_web_message, write_web_message},
};

static json_t *refused(enum wb_err err)
{
    return json_pack("{s:s}", "err", wb_err_text(err));
}

static json_t *answer_read(const struct reader *r, struct span in, struct arena *a)
{
    union any v;

    memset(&v, 0, sizeof v);
    enum wb_err err = r->read(in, a, &v);
    if (err != WB_OK)
        return refused(err);
    json_t *made = json_pack("{s:o}", "v", struct_json(r->table, (const uint8_t *)&v));
    struct buf again = buf_new(MESSAGE_PLAINTEXT_MAX);
    if (r->write && r->write(&v, &again) == WB_OK)
        (void)json_object_set_new(made, "again", hex_of(buf_span(&again)));
    buf_free(&again);
    return made;
}

/* ---- writers ---- */

static const char *const writers[] = {
    "text",        "media",       "skdm",      "device_sent", "reaction", "revoke",
    "edit",        "poll",        "location",  "contact",     "login",    "registration",
    "key_request", "placeholder", "on_demand", "snapshot",
};

static enum wb_err write_by_name(size_t which, const struct arguments *v, struct buf *out)
{
    switch (which) {
    case 0:
        return content_encode_text(v->text, &v->extras, out);
    case 1:
        return content_encode_media(v->kind, &v->media, v->text, &v->extras, out);
    case 2:
        return content_encode_skdm(v->title, v->payload, out);
    case 3:
        return content_encode_device_sent(v->title, v->payload, out);
    case 4:
        return content_encode_reaction(&v->key, v->text, v->timestamp_ms, out);
    case 5:
        return content_encode_revoke(&v->key, out);
    case 6:
        return content_encode_edit(&v->key, v->payload, v->timestamp_ms, out);
    case 7:
        return content_encode_poll(v->text, v->list, v->nlist, v->selectable, v->secret, out);
    case 8:
        return content_encode_location(v->latitude, v->longitude, v->title, v->text, out);
    case 9:
        return content_encode_contact(v->title, v->text, out);
    case 10:
        return client_payload_login(v->version, v->user, v->device, out);
    case 11:
        return client_payload_registration(v->version, &v->pairing, out);
    case 12:
        return app_state_key_request_encode(v->list, v->nlist, out);
    case 13:
        return peer_placeholder_request_encode(v->keys, v->nkeys, out);
    case 14:
        return peer_history_request_encode(&v->history, out);
    case 15:
        return peer_snapshot_request_encode(v->text, v->timestamp_ms, out);
    default:
        return WB_ERR_INVALID;
    }
}

static json_t *answer_write(const char *name, const json_t *given, struct arena *a)
{
    struct arguments v;
    struct buf out = buf_new(MESSAGE_PLAINTEXT_MAX);
    size_t which = 0;

    memset(&v, 0, sizeof v);
    struct_from(arguments_table, given, a, (uint8_t *)&v);
    while (which < sizeof writers / sizeof writers[0] && strcmp(writers[which], name) != 0)
        which++;
    enum wb_err err = write_by_name(which, &v, &out);
    json_t *made = err == WB_OK ? json_pack("{s:o}", "out", hex_of(buf_span(&out))) : refused(err);
    buf_free(&out);
    return made;
}

static json_t *answer(const json_t *asked, struct arena *a)
{
    const char *read = json_string_value(json_object_get(asked, "read"));
    const char *write = json_string_value(json_object_get(asked, "write"));

    if (write)
        return answer_write(write, json_object_get(asked, "v"), a);
    for (size_t i = 0; read != NULL && i < sizeof readers / sizeof readers[0]; i++) {
        if (strcmp(readers[i].name, read) == 0)
            return answer_read(&readers[i], unhex(json_object_get(asked, "in"), a), a);
    }
    return refused(WB_ERR_INVALID);
}

int main(void)
{
    struct arena a = arena_new(CONTENT_ARENA_MAX);
    char *line = NULL;
    size_t room = 0;
    int status = 0;

    while (status == 0 && getline(&line, &room, stdin) > 0) {
        json_t *asked = json_loads(line, 0, NULL);
        json_t *made = answer(asked, &a);

        status = json_dumpf(made, stdout, JSON_COMPACT) != 0 || putchar('\n') == EOF;
        json_decref(asked);
        json_decref(made);
        arena_reset(&a);
    }
    free(line);
    arena_free(&a);
    return status != 0 || ferror(stdin) || fflush(stdout) != 0;
}
