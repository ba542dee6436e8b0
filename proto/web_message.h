/* web_message.h - WebMessageInfo: how the phone hands on a stored message (P-HI-09, P-RC-46). */
#ifndef PROTO_WEB_MESSAGE_H
#define PROTO_WEB_MESSAGE_H

#include "proto/content.h"

/* Absent parts are null or 0. Spans borrow from the input. */
struct web_message {
    struct content_key key; /* chat, id, from_me; participant in groups */
    struct span message;    /* encoded Message */
    int64_t timestamp;      /* unix seconds */
    struct span participant, push_name;
    struct span secret; /* messageSecret, when the content itself does not bring it along */
};

/* MALFORMED: no protobuf, or a key without chat or id. */
enum wb_err web_message_decode(struct span in, struct web_message *ret_w) WB_MUST_CHECK;
enum wb_err web_message_encode(const struct web_message *w, struct buf *out) WB_MUST_CHECK;

#endif
