/* limits.h - every size in store/ that a peer (or a foreign file) controls, with its reason. */
#ifndef STORE_LIMITS_H
#define STORE_LIMITS_H

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
    STORE_LID_CACHE_MAX = 512,
    /* Of 8 bytes each: people whose records need no look before each message, several times a large
     * group. */
    STORE_MIGRATED_CACHE_MAX = 4096,
    /* ADVDeviceIdentity is some 20 bytes; hosted ones somewhat more. */
    STORE_ADV_DETAILS_MAX = 512,
    /* Names people give themselves: WhatsApp's limit is 25 characters, businesses have more. */
    STORE_NAME_MAX = 255,
    /* Stanza ids are 16..36 characters; others come from peers' own generators. */
    STORE_MESSAGE_ID_MAX = 128,
    /* Idempotency-Key of the HTTP API: 128 characters of UTF-8. */
    STORE_KEY_MAX = 512,
    STORE_REASON_MAX = 127,
    /* Machine-written values of bridge_meta: routing info, versions. */
    STORE_META_MAX = 4096,
    /* A privacy token is some 20 bytes, an NCT salt 32. */
    STORE_TOKEN_MAX = 256,
    /* Companions are at most 4 today and 32 by protocol; hosted devices are number 99. */
    STORE_DEVICES_MAX = 128,
    /* WhatsApp's largest groups have 1,024 members, communities' announcement groups 5,000+. */
    STORE_GROUP_MEMBERS_MAX = 20000,
    /* The devices that one message is sealed for, as text: some 30 bytes for each of 20,000 people.
     */
    STORE_SEALED_LIST_MAX = 4 << 20,
    /* Deletions that wait for a group's list of members: it is asked for at once, so that these are
     * those of some seconds; what is over the limit is shown as a message of its own. */
    STORE_REVOKES_CHAT_MAX = 100,
    STORE_REVOKES_MAX = 1000,
    /* Edits, votes and the like that wait for the message whose secret opens them. The phone is
     * asked for it at once, so that these are those of some seconds; votes for one poll may be as
     * many as its group has members online. Anybody may name messages that never come: of one
     * sender in one chat the newest wait, so that he pushes out his own and nobody else's; over the
     * limit of all, which takes fifty such people, the oldest is pushed out. */
    STORE_SECRET_WAITS_SENDER_MAX = 20,
    STORE_SECRET_WAITS_TARGET_MAX = 100,
    STORE_SECRET_WAITS_MAX = 1000,
    /* Secrets of messages, some 250 bytes each: what is older than that many messages is edited,
     * voted for or answered no more (edits end after 20 minutes and are kept for a phone that is
     * off for 30 days). 2,000 messages a day for three months; 50 MB. */
    STORE_SECRETS_MAX = 200000,
    /* A stored Message protobuf, sealed stanza or text: as the wire limit of a stanza. */
    STORE_BLOB_MAX = 16 << 20,
    STORE_TIGHTENED_MAX = 2048, /* a sentence, with a path, for each of some ten files */
    STORE_PATH_MAX = 4096,
    /* Old rows that are removed at once, while everything else waits: some 5 ms. */
    STORE_PRUNE_ROWS = 500,
    /* Rows of another program that are put into the form of the file at once: as above. */
    STORE_TIDY_ROWS = 256,
    /* Numbers and devices that were ever linked with one file: a handful where somebody tried
     * things out. A file with more is not handed back in part. */
    STORE_HANDBACK_DEVICES_MAX = 16,
    /* What is asked of the phone once more after messages.db had lost rows of an unknown time: a
     * disk loses what was written last, and nobody runs a file for longer with lost rows unseen
     * than between two looks at it, of which each start is one. */
    STORE_LOST_ROWS_S = 30 * 24 * 3600,
    /* Rows of an older version that are looked at at once. */
    STORE_SUMMARY_ROWS = 512,
    /* Free on the disk before writing is tried again after it failed: some batches and their log.
     */
    STORE_ROOM_MIN = 1 << 20,
};

#endif
