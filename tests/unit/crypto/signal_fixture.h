/* signal_fixture.h - two people with keys, for the tests of the Signal code. */
#ifndef TESTS_SIGNAL_FIXTURE_H
#define TESTS_SIGNAL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/signal_internal.h"

enum { PREKEYS = 16, TEXT_MAX = 1 << 20 };

struct person {
    struct signal_local local;
    struct x25519_pair signed_prekey;
    uint32_t signed_prekey_id;
    struct x25519_pair prekeys[PREKEYS]; /* id = index + 1 */
    bool gone[PREKEYS];
    struct signal_session *session; /* with the other one */
    const uint8_t *trusted; /* the other person's identity as stored; NULL: any identity is taken */
    struct rng_seeded seed;
    struct rng rng;
};

/* A sealed message on its way. */
struct letter {
    enum signal_message_kind kind;
    struct buf bytes;
};

/* A person whose keys all follow from the number; there is no session yet. */
void person_init(struct person *p, uint8_t number);

/* Frees the session. */
void person_free(struct person *p);

/* The person's bundle. prekey_id 0: without a one-time prekey. */
struct signal_bundle person_bundle(struct person *p, uint32_t prekey_id);

/* Starts a session of 'from' from the other one's bundle. */
void person_start(struct person *from, struct person *to, uint32_t prekey_id);

/* Seals a text in the session of 'from'; the caller frees the letter. */
struct letter person_write(struct person *from, const char *text);

/* Opens a letter as a receiver does: appends the text, and marks the one-time prekey as gone. */
enum wb_err person_open(struct person *to, const struct letter *l, struct buf *plain);

/* Opens the letter, compares the text, and keeps the letter for a replay. */
void person_reads(struct person *to, const struct letter *l, const char *text);

/* A digest of everything in the record, passed-over keys included: equal digests, equal records. */
void session_digest(const struct signal_session *s, uint8_t digest[32]);

/* The call fails as expected and changes nothing, neither record nor output. */
void person_refuses(struct person *to, const struct letter *l, enum wb_err expected);

/* Frees the sealed bytes. */
void letter_free(struct letter *l);

/* Sends one message, which is read at once. */
void talk(struct person *from, struct person *to, const char *text);

/* Exactly n bytes out of a hex text. */
void from_hex(const char *hex, uint8_t *out, size_t n);

#endif
