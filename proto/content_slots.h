/* content_slots.h - field numbers of message content, shared by reader and writer (inside proto/
 * only). Offsets begin at struct content unless a table says otherwise. */
#ifndef PROTO_CONTENT_SLOTS_H
#define PROTO_CONTENT_SLOTS_H

#include "proto/content.h"
#include "proto/wire_map.h"

/* Numbers of Message fields that the code names. */
enum {
    MSG_CONVERSATION = 1,
    MSG_SKDM = 2,
    MSG_IMAGE = 3,
    MSG_CONTACT = 4,
    MSG_LOCATION = 5,
    MSG_EXTENDED_TEXT = 6,
    MSG_DOCUMENT = 7,
    MSG_AUDIO = 8,
    MSG_VIDEO = 9,
    MSG_PROTOCOL = 12,
    MSG_STICKER = 26,
    MSG_DEVICE_SENT = 31,
    MSG_CONTEXT_INFO = 35,
    MSG_REACTION = 46,
    MSG_POLL = 49,
    MSG_DOCUMENT_WITH_CAPTION = 53,
    MSG_EDITED = 58,
    MSG_POLL_V3 = 64,
    /* ContextInfo inside a text or a file, and its mentionedJID */
    SUB_CONTEXT = 17,
    CONTEXT_MENTIONED = 15,
};

extern const struct wire_slot content_key_slots[];     /* struct content_key */
extern const struct wire_slot content_context_slots[]; /* struct content_context */
extern const struct wire_slot content_secret_slots[];  /* messageContextInfo */
extern const struct wire_slot content_skdm_slots[];
extern const struct wire_slot content_device_sent_slots[];

/* What a Message field holds. */
struct content_row {
    uint32_t number;
    enum content_kind kind;
    uint32_t context; /* number of its ContextInfo, 0 none */
    const struct wire_slot *slots;
};
/* NULL for a number that we do not know. */
const struct content_row *content_row_of(uint32_t number);

/* Appends a MessageKey as field `number`. */
void content_put_key(struct buf *out, uint32_t number, const struct content_key *key);

#endif
