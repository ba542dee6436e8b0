/* limits.h - every size in proto/ that a peer controls, with its reason. */
#ifndef PROTO_LIMITS_H
#define PROTO_LIMITS_H

enum {
    /* The wire allows 2^24-1; the largest real stanzas are group lists of some hundred kB. */
    FRAME_PAYLOAD_MAX = (1 << 24) - 1,
    /* Inflated stanza: a full list of large groups stays under it; a zlib bomb does not. */
    NODE_INFLATED_MAX = 64 << 20,
    /* Deepest stanzas seen have 7 levels. */
    NODE_DEPTH_MAX = 32,
    /* Arena for one decoded stanza: nodes of a 16 MiB frame of small elements. */
    NODE_ARENA_MAX = 256 << 20,
    /* WhatsApp's own text limit is 65,536 characters; media thumbnails add some 100 kB. */
    MESSAGE_PLAINTEXT_MAX = 4 << 20,
    /* Arena for one decoded message: its bytes a few times over, plus lists of small elements. */
    CONTENT_ARENA_MAX = 48 << 20,
    /* Wrappers around wrappers (deviceSent, ephemeral, viewOnce, edited ...): 4 seen at most. */
    CONTENT_WRAP_MAX = 10,
    /* Content inside content: an edit holds the new content, a comment the comment. */
    CONTENT_INNER_MAX = 2,
};

#endif
