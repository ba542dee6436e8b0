/* node.h - one stanza: a tag, attributes, and as content nothing, bytes or children (P-BN-01).
 *
 * Nodes live in an arena and are freed with it. Strings of decoded nodes are spans into the frame
 * or into static token tables wherever that is possible, so the frame must outlive the node. */
#ifndef PROTO_NODE_H
#define PROTO_NODE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "proto/jid.h"

struct node_attr {
    struct node_attr *next;
    struct span key;
    struct span str;       /* text value; SPAN_NULL when the value is a jid */
    const struct jid *jid; /* non-NULL: the value came (or goes out) in a binary JID form */
};

enum node_content { NODE_EMPTY, NODE_BYTES, NODE_TEXT, NODE_CHILDREN };

struct node {
    struct span tag;
    struct node_attr *attrs; /* in wire order */
    struct node_attr *last_attr;
    enum node_content content;
    bool failed;       /* an allocation while building it failed: node_pack refuses it */
    struct span bytes; /* NODE_BYTES; NODE_TEXT: encoded as a token or packed string if possible */
    struct node *first, *last; /* NODE_CHILDREN, in wire order */
    struct node *next;         /* sibling */
};

/* ---- codec ---- */

/* Decodes a transport plaintext: flag byte, then one encoded node, inflated (into the arena) if bit
 * 0x02 is set (P-BN-02); every byte must be used up (TRAILING otherwise). TRUNCATED, MALFORMED,
 * TOO_DEEP, NOMEM as they say; TOO_LARGE for more than NODE_COUNT_MAX nodes, or when `in`, its
 * inflated bytes and its nodes together are more than NODE_MEMORY_MAX bytes (or the arena is
 * full). */
enum wb_err node_unpack(struct span in, struct arena *a, struct node **ret_node) WB_MUST_CHECK;
/* Appends flag byte 00 and the node. Empty attribute values are left out (P-BN-11). The form of
 * each value follows P-BN-06 and P-BN-15. NOMEM for NULL and failed nodes, TOO_DEEP, TOO_LARGE over
 * 65,535 list elements, INVALID when there is no wire form: an empty tag, the tag "0" (P-BN-25), a
 * device above 255 in an AD_JID. A failed call leaves out->n as it was. */
enum wb_err node_pack(const struct node *n, struct buf *out) WB_MUST_CHECK;
/* Appends readable XML for traces and logs, valid UTF-8 without control characters: bytes content
 * as hex, so two different stanzas never print alike. */
void node_print(const struct node *n, struct buf *out);
/* The same, but bytes content is shown as text where it is printable UTF-8: for people, not for
 * tests. */
void node_print_text(const struct node *n, struct buf *out);

/* ---- building ------------------------------------------------------------------------------
 * A failed allocation flows through: functions take NULL nodes and do nothing, adding NULL marks
 * the parent as failed, and node_pack refuses it. An attribute set twice has its last value. */

struct node *node_new(struct arena *a, const char *static_tag);
/* key must be static; values are copied into the arena. NULL/empty values add nothing. */
void node_attr_text(struct arena *a, struct node *n, const char *key, const char *value);
void node_attr_span(struct arena *a, struct node *n, const char *key, struct span value);
void node_attr_jid(struct arena *a, struct node *n, const char *key, const struct jid *value);
void node_attr_u64(struct arena *a, struct node *n, const char *key, uint64_t value);
/* Adds child as the last one and returns it. */
struct node *node_add(struct node *parent, struct node *child);
/* node_new + node_add. */
struct node *node_child_new(struct arena *a, struct node *parent, const char *static_tag);
/* Sets the content to a copy of these bytes. */
void node_set_bytes(struct arena *a, struct node *n, struct span bytes);
/* Sets the content to a copy of this text: it goes out as a token or packed where it fits. */
void node_set_text(struct arena *a, struct node *n, const char *text);
/* Copies one attribute of src (any form), if it is there (P-RC-23, P-RC-27). */
void node_copy_attr(struct arena *a, struct node *dst, const struct node *src, const char *key);

/* ---- reading ---- */

bool node_is(const struct node *n, const char *tag);
/* First child with that tag, NULL if none (or n is NULL). */
const struct node *node_child(const struct node *n, const char *tag);
/* Next sibling with the same tag as n. */
const struct node *node_next(const struct node *n, const char *tag);
size_t node_child_count(const struct node *n);

/* The last attribute with that key, which is the one that maps of other clients keep; NULL if
 * none. */
const struct node_attr *node_find_attr(const struct node *n, const char *key);
bool node_has_attr(const struct node *n, const char *key);
/* Text of an attribute; a JID value is printed into the arena. SPAN_NULL when absent. */
struct span node_attr_str(const struct node *n, const char *key, struct arena *a);
bool node_attr_is(const struct node *n, const char *key, const char *value);
/* JID of an attribute in any wire form (P-BN-18); false when absent or unreadable. */
bool node_attr_get_jid(const struct node *n, const char *key, struct jid *ret_jid);
bool node_attr_get_u64(const struct node *n, const char *key, uint64_t *ret_v);
/* Bytes (or text as bytes, P-BN-12) of the content; SPAN_NULL when empty or children. */
struct span node_content_bytes(const struct node *n);

#endif
