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
    struct span sent_to; /* deviceSentMessage: its destination */
};

/* Borrows from msg. */
void content_read(struct span msg, struct mock_content *ret_c);

/* A text; with mentions or a reply an extendedTextMessage, else conversation. */
struct content_reply {
    const char *id, *participant, *text;
};
void content_text(struct buf *out, const char *text, const char *const *mentions, size_t n,
                  const struct content_reply *reply);
/* deviceSentMessage around msg. */
void content_device_sent(struct buf *out, const char *destination, struct span msg);
/* Message.2: a sender key for a group. */
void content_skdm(struct buf *out, const char *group, struct span skdm);

#endif
