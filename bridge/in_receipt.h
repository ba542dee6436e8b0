/* in_receipt.h - receipts for messages of ours (P-RC-47, P-RC-48): what they say, before anything
 * is done about it. */
#ifndef BRIDGE_IN_RECEIPT_H
#define BRIDGE_IN_RECEIPT_H

#include "proto/node.h"

enum in_receipt_kind {
    IN_RECEIPT_DELIVERED, /* without a type, or inactive: a device has it */
    IN_RECEIPT_READ,      /* read, played */
    IN_RECEIPT_RETRY,
    IN_RECEIPT_OTHER, /* between our own devices, or nothing to us */
};

enum { IN_RECEIPT_IDS_MAX = 4096 };

/* ids: the stanza's, those of its list, or the keys of a grouped receipt. In the arena. */
struct in_receipt {
    enum in_receipt_kind kind;
    struct jid from;   /* device, or the group */
    struct jid sender; /* whose receipt: participant, else from; JID_NONE when grouped */
    const struct span *ids;
    size_t nids;
};

/* MALFORMED: from or id is missing. TOO_LARGE: more ids than any receipt has; NOMEM. */
enum wb_err in_receipt_parse(const struct node *n, struct arena *a,
                             struct in_receipt *ret_r) WB_MUST_CHECK;

#endif
