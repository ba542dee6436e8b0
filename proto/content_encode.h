/* content_encode.h - builds encoded Messages (unpadded plaintexts). Every function appends a whole
 * Message to out and returns out's error. */
#ifndef PROTO_CONTENT_ENCODE_H
#define PROTO_CONTENT_ENCODE_H

#include "proto/content.h"

/* The additions to a text or a file. All may be empty; spans are borrowed. */
struct content_extras {
    const struct span *mentioned; /* JID texts without device (P-SD-39) */
    size_t nmentioned;
    bool mentions_all;      /* nonJIDMentions = 1 (P-SD-41) */
    struct span reply_id;   /* P-SD-42: id of the message that this one answers; null: none */
    struct span reply_from; /* the sender of that message, without device */
    struct span reply_chat; /* the chat of that message, only when it is another chat */
    struct span quoted;     /* encoded Message without quotes and mentions of its own */
    bool has_expiration;    /* P-SD-43: the chat's messages disappear */
    uint32_t expiration;    /* seconds */
    int64_t ephemeral_setting_timestamp; /* unix seconds; 0: left out */
    struct span secret;                  /* messageSecret, 32 B, or null (P-SD-49) */
};

/* A text: `conversation` when the extras need no context, extendedTextMessage otherwise
 * (P-SD-20). extras may be NULL. */
enum wb_err content_encode_text(struct span text, const struct content_extras *extras,
                                struct buf *out) WB_MUST_CHECK;

/* An uploaded file: IMAGE, VIDEO, AUDIO, DOCUMENT, STICKER (INVALID for others); a document with a
 * caption comes wrapped (P-MD-21). */
enum wb_err content_encode_media(enum content_kind kind, const struct content_media *media,
                                 struct span caption, const struct content_extras *extras,
                                 struct buf *out) WB_MUST_CHECK;

/* Appends a sender key (P-SG-25). Because concatenated protobufs merge, this also adds it to an
 * encoded Message that out already holds (retry resends, P-RC-43). */
enum wb_err content_encode_skdm(struct span group_jid, struct span skdm,
                                struct buf *out) WB_MUST_CHECK;

/* The form for our own other devices (P-SD-14): the encoded message wrapped with its destination;
 * its messageContextInfo is repeated outside. MALFORMED when message is no protobuf. */
enum wb_err content_encode_device_sent(struct span destination_jid, struct span message,
                                       struct buf *out) WB_MUST_CHECK;

/* A reaction; text "" takes it back (P-SD-47). */
enum wb_err content_encode_reaction(const struct content_key *key, struct span text,
                                    int64_t timestamp_ms, struct buf *out) WB_MUST_CHECK;
enum wb_err content_encode_revoke(const struct content_key *key, struct buf *out) WB_MUST_CHECK;
/* An edit; message: the new content, encoded (P-SD-46). */
enum wb_err content_encode_edit(const struct content_key *key, struct span message,
                                int64_t timestamp_ms, struct buf *out) WB_MUST_CHECK;
/* A poll (P-SD-48); secret 32 B. selectable 0: any number; exactly 1 goes as version 3. */
enum wb_err content_encode_poll(struct span question, const struct span *options, size_t noptions,
                                uint32_t selectable, struct span secret,
                                struct buf *out) WB_MUST_CHECK;
enum wb_err content_encode_location(double latitude, double longitude, struct span name,
                                    struct span address, struct buf *out) WB_MUST_CHECK;
enum wb_err content_encode_contact(struct span name, struct span vcard,
                                   struct buf *out) WB_MUST_CHECK;

#endif
