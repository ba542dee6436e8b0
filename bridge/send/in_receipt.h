/* in_receipt.h - receipts for messages of ours (P-RC-47, P-RC-48): what a receipt says, and the
 * handler that notes it. */
#ifndef BRIDGE_SEND_IN_RECEIPT_H
#define BRIDGE_SEND_IN_RECEIPT_H

#include "bridge/core/stanza.h"
#include "proto/node.h"

enum in_receipt_kind {
    IN_RECEIPT_DELIVERED, /* without a type, or inactive: a device has it */
    IN_RECEIPT_INCAPABLE, /* like DELIVERED, with <error reason=lid type=feature-incapable>: the
                           * server has the message, but the person's client cannot take it
                           * (P-X2-15) */
    IN_RECEIPT_READ,      /* read, played */
    IN_RECEIPT_RETRY,
    IN_RECEIPT_OTHER, /* between our own devices, or of no use to us */
};

/* A large group's grouped receipt names each of its people once. */
enum { IN_RECEIPT_ITEMS_MAX = 20000 };

/* One message and one person. */
struct in_receipt_item {
    struct span id;
    struct jid person; /* participant, else from; in grouped receipts the <user> */
    int64_t t;         /* unix seconds, 0: not said */
};

/* items: the stanza's id and those of its list, or keys and users of a grouped receipt. */
struct in_receipt {
    enum in_receipt_kind kind;
    struct jid from;                     /* device, or the group */
    const struct in_receipt_item *items; /* in the arena */
    size_t nitems;
};

/* MALFORMED: from or id is missing. TOO_LARGE: more than any receipt has; NOMEM. */
enum wb_err in_receipt_parse(const struct node *n, struct arena *a,
                             struct in_receipt *ret_r) WB_MUST_CHECK;

/* What the parts that send make of a receipt: out_retry_request() and out_ack_delivered(). */
struct in_receipt_port {
    enum wb_err (*retry)(struct bridge *b, const struct stanza *s);
    enum wb_err (*delivered)(struct bridge *b, struct span id, int64_t t);
};
/* Does what the receipt in s says, and acknowledges that receipt. */
enum wb_err in_receipt_apply(struct bridge *b, const struct stanza *s,
                             const struct in_receipt_port *port) WB_MUST_CHECK;

/* The row of the table by tag (dispatch.c). */
extern const struct stanza_handler in_receipt_handler;

#endif
