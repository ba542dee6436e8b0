/* limits.h - every size in proto/ that a peer controls, with its reason. */
#ifndef PROTO_LIMITS_H
#define PROTO_LIMITS_H

enum {
    /* The wire allows 2^24-1; the largest real stanzas are group lists of some hundred kB. */
    FRAME_PAYLOAD_MAX = (1 << 24) - 1,
    /* Inflated stanza: as much as a frame could carry uncompressed. */
    NODE_INFLATED_MAX = FRAME_PAYLOAD_MAX,
    /* Memory that one frame may take once it is decrypted: plaintext, inflated bytes, nodes,
     * attributes, addresses. The largest imaginable stanza, a group of 60,000 members with three
     * addresses and two texts each, takes 38 MB (43 with all keys spelled out). With its
     * ciphertext, 16 MB at most, a frame stays below 64 MB. Without this limit nodes of three
     * bytes, deflated a thousand times, would use up all memory. */
    NODE_MEMORY_MAX = 44 << 20,
    /* Eight nodes for each of those members: the loop's work for one stanza has a limit, too. */
    NODE_COUNT_MAX = 8 * 60000,
    /* Deepest stanzas seen have 7 levels. */
    NODE_DEPTH_MAX = 32,
    /* Arena for one stanza: its nodes, and the lists that handlers make of them (members, ids), so
     * that every stanza that can be read can also be handled. */
    NODE_ARENA_MAX = NODE_MEMORY_MAX + (8 << 20),
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
