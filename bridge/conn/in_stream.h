/* in_stream.h - the parsed forms of <success>, <failure> and <stream:error>. */
#ifndef BRIDGE_CONN_IN_STREAM_H
#define BRIDGE_CONN_IN_STREAM_H

#include "bridge/conn/conn.h"
#include "bridge/core/stanza.h"
#include "proto/jid.h"

struct success_info {
    int64_t server_time_s; /* 0: not told */
    struct jid lid;        /* JID_NONE: not told */
};

struct failure_info {
    uint32_t reason;     /* 0: not told */
    uint32_t ban_code;   /* 402 */
    uint64_t expire_s;   /* 402: seconds from now */
    struct span message; /* the server's words, "" */
};

enum stream_conflict { CONFLICT_NONE, CONFLICT_REPLACED, CONFLICT_DEVICE_REMOVED, CONFLICT_OTHER };

struct stream_error_info {
    uint32_t code; /* 0: not told */
    enum stream_conflict conflict;
    bool not_well_formed;   /* a stanza of ours was malformed */
    struct span refused_id; /* <ack id>: the stanza of ours that was refused; SPAN_NULL */
    struct span child;      /* tag of the first child, for the log; SPAN_NULL */
};

/* What a failure or stream error means for the connection. */
enum conn_reason failure_reaction(const struct failure_info *f);
enum conn_reason stream_error_reaction(const struct stream_error_info *e);
/* Why WhatsApp ended the link, in words with a space in front; "" when the number alone says it, or
 * nobody knows (P-ER-02). */
const char *failure_text(uint32_t reason);
/* The server's ban code in words (P-ER-03). */
const char *ban_code_text(uint32_t code);

/* The rows of the table by tag (dispatch.c). */
extern const struct stanza_handler in_success_handler;
extern const struct stanza_handler in_failure_handler;
extern const struct stanza_handler in_stream_error_handler;
extern const struct stanza_handler in_xmlstreamend_handler;
extern const struct stanza_handler in_error_handler;

#endif
