/* group_fixture.h - a sender of a group and one receiver, each with a record of the sender's keys.
 */
#ifndef TESTS_GROUP_FIXTURE_H
#define TESTS_GROUP_FIXTURE_H

#include "tests/unit/crypto/signal_fixture.h"

struct group {
    struct sender_key_record *own;    /* the sender's */
    struct sender_key_record *theirs; /* the receiver's, for that sender */
    struct rng_seeded seed;
    struct rng rng;
};

/* For cmocka: a sender with keys, whom the receiver does not know yet. */
int group_setup(void **state);

/* For cmocka: frees both records. */
int group_teardown(void **state);

/* The sender's distribution message. */
struct buf distribution(struct group *g);

/* The receiver takes a distribution message. */
void file(struct group *g, const struct buf *skdm);

/* The receiver gets to know the sender. */
void introduce(struct group *g);

/* The sender seals a text; the caller frees it. */
struct buf write_text(struct group *g, const char *text);

/* The receiver must read this text. */
void reads(struct group *g, const struct buf *message, const char *text);

/* A digest of everything that is stored of a record. */
void record_digest(const struct sender_key_record *r, uint8_t digest[32]);

/* The receiver refuses with this error, and nothing changes. */
void refuses(struct group *g, const struct buf *message, enum wb_err expected);

/* The sender writes n messages that the receiver never sees. */
void lose(struct group *g, int n);

#endif
