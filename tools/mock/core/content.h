/* content.h - Message protobufs as scripted people write and read them. */
#ifndef MOCK_CORE_CONTENT_H
#define MOCK_CORE_CONTENT_H

#include "base/buf.h"

enum { CONTENT_MENTIONS_MAX = 1024 };

struct mock_content {
    const char *kind; /* text, image, video, document, audio, sticker, reaction, revoke, edit,
                       * protocol, skdm (nothing else in it), other */
    struct span text; /* text or caption; SPAN_NULL without */
    struct span mentions[CONTENT_MENTIONS_MAX];
    size_t nmentions;
    bool mention_all;
    struct span reply_id, reply_participant; /* SPAN_NULL without */
    struct span skdm;                        /* axolotl bytes of field 2; SPAN_NULL without */
    struct span skdm_group;
    struct span sent_to; /* of a deviceSentMessage: its destination */
};

/* Reads msg; the result borrows from msg. */
void content_read(struct span msg, struct mock_content *ret_c);

/* A text message: an extendedTextMessage if it has mentions or a reply, else a conversation. */
struct content_reply {
    const char *id, *participant, *text;
};
void content_text(struct buf *out, const char *text, const char *const *mentions, size_t n,
                  const struct content_reply *reply);
/* Appends a deviceSentMessage that wraps msg. */
void content_device_sent(struct buf *out, const char *destination, struct span msg);
/* Appends Message field 2: a sender key for a group. */
void content_skdm(struct buf *out, const char *group, struct span skdm);

#endif
