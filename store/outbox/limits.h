/* limits.h - sizes in store/outbox/ that a peer, a foreign file or a disk controls, with their
 * reasons. */
#ifndef STORE_OUTBOX_LIMITS_H
#define STORE_OUTBOX_LIMITS_H

enum {
    /* Idempotency-Key of the HTTP API: 128 characters of UTF-8. */
    STORE_KEY_MAX = 512,
    /* The devices that one message is sealed for, as text: some 30 bytes for each of 20,000 people.
     */
    STORE_SEALED_LIST_MAX = 4 << 20,
};

#endif
