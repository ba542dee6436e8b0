/* limits.h - what callers may ask of single calls, with the reason of each. */
#ifndef API_ROUTE_LIMITS_H
#define API_ROUTE_LIMITS_H

enum {
    /* WhatsApp's own limit for a text, in characters. */
    API_TEXT_CHARS_MAX = 65536,
    /* Sends in one answer of GET /api/outbox, unless the caller says how many. */
    API_OUTBOX_PAGE = 50,
    /* People in one answer of GET /api/contacts, unless the caller says how many. */
    API_CONTACTS_PAGE = 50,
    /* A caller that waits: the longest wait_s and expires_s that are taken. */
    API_WAIT_S_MAX = 600,
    API_EXPIRES_S_MAX = 7 * 24 * 3600,
    API_WAIT_S_DEFAULT = 30,
};

#endif
