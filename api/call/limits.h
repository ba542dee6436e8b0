/* limits.h - the sizes of one call that a caller controls, with the reason of each. */
#ifndef API_CALL_LIMITS_H
#define API_CALL_LIMITS_H

enum {
    /* A text of 65,536 characters of up to 6 bytes each as \u escapes, plus 1024 mentions. */
    API_BODY_BYTES_MAX = 1 << 20,
    API_HEADER_VALUE_MAX = 1024,
    /* An IPv6 address with a scope, as text. */
    API_ADDRESS_MAX = 80,
    /* The longest path of a call and a key of 128 characters of 4 bytes. */
    API_PATH_MAX = 640,
    /* The parameters of one call: a state, a chat, two numbers. */
    API_QUERY_MAX = 1024,
    /* The longest answers are JSON lists of groups: 4096 groups of some 300 bytes. */
    API_REPLY_BYTES_MAX = 8 << 20,
    API_ARENA_BYTES_MAX = 16 << 20,
};

#endif
