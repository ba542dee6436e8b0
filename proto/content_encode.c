#include "proto/content_encode.h"

#include "proto/content_slots.h"
#include "proto/peer_wire.h"
#include "proto/wire_field.h"

void content_put_key(struct buf *out, uint32_t number, const struct content_key *key)
{
    size_t at = wire_open(out, number);

    /* fromMe is written also when false: receivers recognise their own messages by it (P-SD-45). */
    if (!span_is_null(key->remote_jid))
        wire_put_bytes(out, 1, key->remote_jid);
    wire_put_uint(out, 2, key->from_me);
    wire_put_bytes(out, 3, key->id);
    if (!span_is_null(key->participant))
        wire_put_bytes(out, 4, key->participant);
    wire_close(out, at);
}

static bool needs_context(const struct content_extras *e)
{
    return e &&
           (e->nmentioned || e->mentions_all || !span_is_null(e->reply_id) || e->has_expiration);
}

/* Appends the ContextInfo, fields ascending (P-SD-39..43). */
static void put_context(struct buf *out, const struct content_extras *e)
{
    size_t at;

    if (!needs_context(e))
        return;
    at = wire_open(out, SUB_CONTEXT);
    if (!span_is_null(e->reply_id)) {
        wire_put_bytes(out, 1, e->reply_id);
        if (!span_is_null(e->reply_from))
            wire_put_bytes(out, 2, e->reply_from);
        if (!span_is_null(e->quoted))
            wire_put_bytes(out, 3, e->quoted);
        if (!span_is_null(e->reply_chat))
            wire_put_bytes(out, 4, e->reply_chat);
    }
    for (size_t i = 0; i < e->nmentioned; i++)
        wire_put_bytes(out, CONTEXT_MENTIONED, e->mentioned[i]);
    if (e->has_expiration) {
        wire_put_uint(out, 25, e->expiration);
        if (e->ephemeral_setting_timestamp)
            wire_put_uint(out, 26, (uint64_t)e->ephemeral_setting_timestamp);
    }
    if (e->mentions_all)
        wire_put_uint(out, 70, 1);
    wire_close(out, at);
}

static void put_secret(struct buf *out, struct span secret)
{
    size_t at;

    if (span_is_null(secret))
        return;
    at = wire_open(out, MSG_CONTEXT_INFO);
    wire_put_bytes(out, 3, secret);
    wire_close(out, at);
}

enum wb_err content_encode_text(struct span text, const struct content_extras *extras,
                                struct buf *out)
{
    if (!needs_context(extras)) {
        wire_put_bytes(out, MSG_CONVERSATION, text);
    } else {
        size_t at = wire_open(out, MSG_EXTENDED_TEXT);

        wire_put_bytes(out, 1, text);
        put_context(out, extras);
        wire_close(out, at);
    }
    put_secret(out, extras ? extras->secret : SPAN_NULL);
    return buf_err(out);
}

static uint32_t media_number(enum content_kind kind)
{
    switch ((int)kind) {
    case CONTENT_IMAGE:
        return MSG_IMAGE;
    case CONTENT_VIDEO:
        return MSG_VIDEO;
    case CONTENT_AUDIO:
        return MSG_AUDIO;
    case CONTENT_DOCUMENT:
        return MSG_DOCUMENT;
    case CONTENT_STICKER:
        return MSG_STICKER;
    default:
        return 0;
    }
}

/* Appends the slots below the context, the context, then the slots above it: ascending order. */
static void put_media_fields(struct buf *out, const struct content_row *row,
                             const struct content *c, const struct content_extras *extras)
{
    enum { SLOTS_MAX = 24 };
    struct wire_slot part[SLOTS_MAX + 1];
    size_t n = 0;
    size_t i = 0;

    for (; row->slots[i].number && row->slots[i].number < SUB_CONTEXT && n < SLOTS_MAX; i++)
        part[n++] = row->slots[i];
    part[n] = (struct wire_slot){0, SLOT_SPAN, 0, NULL};
    wire_map_write(part, c, out);
    put_context(out, extras);
    wire_map_write(row->slots + i, c, out);
}

enum wb_err content_encode_media(enum content_kind kind, const struct content_media *media,
                                 struct span caption, const struct content_extras *extras,
                                 struct buf *out)
{
    struct content c = {.media = *media, .text = caption};
    uint32_t number = media_number(kind);
    bool wrapped = kind == CONTENT_DOCUMENT && caption.n > 0;
    size_t outer = 0, wrapper = 0, at;

    if (!number)
        return WB_ERR_INVALID;
    if (caption.n == 0)
        c.text = SPAN_NULL;
    if (wrapped) {
        /* Ascending: field 35 stands before 53, and behind the numbers of bare files. */
        put_secret(out, extras ? extras->secret : SPAN_NULL);
        outer = wire_open(out, MSG_DOCUMENT_WITH_CAPTION);
        wrapper = wire_open(out, 1);
    }
    at = wire_open(out, number);
    put_media_fields(out, content_row_of(number), &c, extras);
    wire_close(out, at);
    if (wrapped) {
        wire_close(out, wrapper);
        wire_close(out, outer);
    } else {
        put_secret(out, extras ? extras->secret : SPAN_NULL);
    }
    return buf_err(out);
}

enum wb_err content_encode_skdm(struct span group_jid, struct span skdm, struct buf *out)
{
    size_t at = wire_open(out, MSG_SKDM);

    wire_put_bytes(out, 1, group_jid);
    wire_put_bytes(out, 2, skdm);
    wire_close(out, at);
    return buf_err(out);
}

enum wb_err content_encode_device_sent(struct span destination_jid, struct span message,
                                       struct buf *out)
{
    struct span context = SPAN_NULL;
    enum wb_err err = wire_find(message, MSG_CONTEXT_INFO, &context);
    size_t at;

    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        return WB_ERR_MALFORMED;
    at = wire_open(out, MSG_DEVICE_SENT);
    wire_put_bytes(out, 1, destination_jid);
    wire_put_bytes(out, 2, message);
    wire_close(out, at);
    if (!span_is_null(context))
        wire_put_bytes(out, MSG_CONTEXT_INFO, context);
    return buf_err(out);
}

enum wb_err content_encode_reaction(const struct content_key *key, struct span text,
                                    int64_t timestamp_ms, struct buf *out)
{
    size_t at = wire_open(out, MSG_REACTION);

    content_put_key(out, 1, key);
    wire_put_bytes(out, 2, text);
    wire_put_uint(out, 4, (uint64_t)timestamp_ms);
    wire_close(out, at);
    return buf_err(out);
}

enum wb_err content_encode_revoke(const struct content_key *key, struct buf *out)
{
    size_t at = wire_open(out, MSG_PROTOCOL);

    content_put_key(out, 1, key);
    wire_put_uint(out, 2, PROTOCOL_REVOKE);
    wire_close(out, at);
    return buf_err(out);
}

enum wb_err content_encode_edit(const struct content_key *key, struct span message,
                                int64_t timestamp_ms, struct buf *out)
{
    size_t outer = wire_open(out, MSG_EDITED);
    size_t wrapper = wire_open(out, 1);
    size_t at = wire_open(out, MSG_PROTOCOL);

    content_put_key(out, 1, key);
    wire_put_uint(out, 2, PROTOCOL_EDIT);
    wire_put_bytes(out, 14, message);
    wire_put_uint(out, 15, (uint64_t)timestamp_ms);
    wire_close(out, at);
    wire_close(out, wrapper);
    wire_close(out, outer);
    return buf_err(out);
}

enum wb_err content_encode_poll(struct span question, const struct span *options, size_t noptions,
                                uint32_t selectable, struct span secret, struct buf *out)
{
    uint32_t number = selectable == 1 ? MSG_POLL_V3 : MSG_POLL;
    size_t at;

    /* Ascending: field 35 stands before 49 and 64. */
    put_secret(out, secret);
    at = wire_open(out, number);
    wire_put_bytes(out, 2, question);
    for (size_t i = 0; i < noptions; i++) {
        size_t option = wire_open(out, 3);

        wire_put_bytes(out, 1, options[i]);
        wire_close(out, option);
    }
    wire_put_uint(out, 4, selectable);
    wire_close(out, at);
    return buf_err(out);
}

enum wb_err content_encode_location(double latitude, double longitude, struct span name,
                                    struct span address, struct buf *out)
{
    struct content c = {
        .latitude = latitude, .longitude = longitude, .name = name, .address = address};
    size_t at = wire_open(out, MSG_LOCATION);

    wire_map_write(content_row_of(MSG_LOCATION)->slots, &c, out);
    wire_close(out, at);
    return buf_err(out);
}

enum wb_err content_encode_contact(struct span name, struct span vcard, struct buf *out)
{
    size_t at = wire_open(out, MSG_CONTACT);

    wire_put_bytes(out, 1, name);
    wire_put_bytes(out, 16, vcard);
    wire_close(out, at);
    return buf_err(out);
}
