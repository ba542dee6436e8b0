/* limits.h - sizes in store/session/ that a peer, a foreign file or a disk controls, with their
 * reasons. */
#ifndef STORE_SESSION_LIMITS_H
#define STORE_SESSION_LIMITS_H

enum {
    /* A record of 40 states with 5 chains of 2,000 skipped keys each cannot come about on a real
     * session; 8 MiB is far above what one with several full chains needs. */
    STORE_SESSION_JSON_MAX = 8 << 20,
    /* Deepest level of a session record: record, state, chain, key, value. */
    STORE_JSON_DEPTH_MAX = 16,
    /* Longest string in a record: a 64-byte key in base64, with room. */
    STORE_JSON_STRING_MAX = 256,
    /* Former identities of one device: one more with each new installation. Late messages come from
     * the last one or two; a peer that makes up new ones pushes out only its own. */
    STORE_IDENTITIES_GONE_MAX = 8,
    /* Decoded records kept between batches: about 1.5 kB each. */
    STORE_SESSION_CACHE_MAX = 256,
    STORE_SENDER_KEY_CACHE_MAX = 128,
    /* ADVDeviceIdentity is some 20 bytes; hosted ones somewhat more. */
    STORE_ADV_DETAILS_MAX = 512,
    /* A privacy token is some 20 bytes, an NCT salt 32. */
    STORE_TOKEN_MAX = 256,
    /* Companions are at most 4 today and 32 by protocol; hosted devices are number 99. */
    STORE_DEVICES_MAX = 128,
    /* WhatsApp's largest groups have 1,024 members, communities' announcement groups 5,000+. */
    STORE_GROUP_MEMBERS_MAX = 20000,
};

#endif
