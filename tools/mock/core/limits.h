/* limits.h - sizes in the mock that a client controls, with their reasons. */
#ifndef MOCK_CORE_LIMITS_H
#define MOCK_CORE_LIMITS_H

enum {
    MOCK_DEVICES_MAX = 128,        /* per account; WhatsApp allows far fewer */
    MOCK_UNLISTED_MAX = 4,         /* devices of one account that hide */
    MOCK_QUEUE_MAX = 200000,       /* unacked stanzas per device: a long benchmark without acks */
    MOCK_PREKEYS_MAX = 20000,      /* per device: many uploads of 812 */
    MOCK_HTTP_BODY_MAX = 64 << 20, /* media uploads in tests */
    MOCK_FLAGS_MAX = 10000,        /* kept in memory; a broken client makes many */
    MOCK_RECORDS_MAX = 200000,     /* messages kept per contact for GET /admin/contact/messages */
    MOCK_NAME_MAX = 128,           /* push names: WhatsApp allows 25 characters, tests more */
    MOCK_ABOUT_MAX = 1024,         /* 'about' texts: WhatsApp allows 139 characters */
    MOCK_CHATSTATES_MAX = 64,      /* kept for one device that is offline */
    MOCK_ID_MAX = 256, /* stanza ids; the longest seen are below 40 characters, tests have 200 */
    MOCK_RECENT_ACKS = 4096, /* acked ids remembered per device, to tell "twice" from "never" */
    MOCK_USED_KEYS_MAX = 2000000, /* message keys remembered for reuse checks */
    MOCK_STANZA_BYTES = 16 << 20, /* one packed stanza */
    MOCK_ARENA_MAX = 256 << 20,   /* one operation: a message to a large group, all its stanzas */
};

#endif
