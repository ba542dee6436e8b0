/* outbox_view.h - the outbox as api/ shows it: sends with their states, and taking back sends that
 * have not left yet. Called on the loop's thread. */
#ifndef BRIDGE_CALLS_OUTBOX_VIEW_H
#define BRIDGE_CALLS_OUTBOX_VIEW_H

#include "bridge/calls/commands.h"

struct bridge;

enum { OUTBOX_PAGE_MAX = 500 };

/* One send. Times are unix seconds, 0: not yet (or none). Spans live in the caller's arena. */
struct outbox_entry {
    int64_t seq; /* order of acceptance */
    struct span message_id;
    struct span key;      /* the caller's, SPAN_NULL: none */
    struct jid chat;      /* as the caller named it */
    const char *state;    /* queued sealed sent delivered read failed */
    struct span reason;   /* failed: the error code; SPAN_NULL */
    struct span detail;   /* failed: a sentence */
    uint32_t server_code; /* WhatsApp's error code of a refusal; 0: none */
    int64_t created_at, expires_at, sealed_at;
    int64_t sent_at; /* the ack's */
    int64_t failed_at;
    uint32_t recipients, delivered, read; /* people, without ourselves; known once it is sealed */
    struct span text;                     /* while queued, from bridge_outbox_get(): what is to be
                                           * sent */
};

struct outbox_query {
    struct span state; /* a word of outbox_entry.state; SPAN_NULL: all */
    struct span chat;  /* as a recipient of a send; SPAN_NULL: all */
    bool oldest_first;
    int64_t beyond; /* seq of the last entry that is known already, 0: from the start */
    size_t limit;   /* 1..OUTBOX_PAGE_MAX */
};

/* OK; BAD_REQUEST: an unknown state; BAD_RECIPIENT: no chat; INTERNAL. Before pairing the outbox is
 * empty. */
enum cmd_result bridge_outbox_list(struct bridge *b, const struct outbox_query *q, struct arena *a,
                                   struct outbox_entry **ret_entries, size_t *ret_n) WB_MUST_CHECK;
/* name: a message id, or else a key. OK, NOT_FOUND, INTERNAL. */
enum cmd_result bridge_outbox_get(struct bridge *b, struct span name, struct arena *a,
                                  struct outbox_entry *ret) WB_MUST_CHECK;
/* Takes a queued send back: it fails as "cancelled", and callers that wait are told. Again: OK.
 * NOT_QUEUED: it is sealed or over; *ret says what it is then, too. */
enum cmd_result bridge_outbox_cancel(struct bridge *b, struct span name, struct arena *a,
                                     struct outbox_entry *ret) WB_MUST_CHECK;

#endif
