/* node_wire.h - the tag bytes of the binary node format (P-BN-03). Only for node_*.c. */
#ifndef PROTO_NODE_WIRE_H
#define PROTO_NODE_WIRE_H

enum node_wire {
    WIRE_LIST_EMPTY = 0,
    WIRE_DICTIONARY_0 = 236,
    WIRE_DICTIONARY_3 = 239,
    WIRE_INTEROP_JID = 245,
    WIRE_FB_JID = 246,
    WIRE_AD_JID = 247,
    WIRE_LIST_8 = 248,
    WIRE_LIST_16 = 249,
    WIRE_JID_PAIR = 250,
    WIRE_HEX_8 = 251,
    WIRE_BINARY_8 = 252,
    WIRE_BINARY_20 = 253,
    WIRE_BINARY_32 = 254,
    WIRE_NIBBLE_8 = 255,
};

enum {
    WIRE_FLAG_ZLIB = 0x02,  /* the bytes after the flag are deflated (P-BN-02) */
    WIRE_PACKED_ODD = 0x80, /* P-BN-08: the last nibble is padding */
    WIRE_PACKED_MAX = 127,  /* characters of a packed string that we write */
    WIRE_PACKED_PAD = 0x0F, /* padding nibble (P-BN-09) */
    WIRE_LIST_MAX = 0xFFFF, /* elements of LIST_16 */
    WIRE_DOMAIN_LID = 1,    /* domain bytes of an AD_JID (P-BN-14) */
    WIRE_DOMAIN_HOSTED = 128,
    WIRE_DOMAIN_HOSTED_LID = 129,
};

#endif
