/* prekey_fixture.h - callers that ask for prekeys, and devices whose keys the server hands out. */
#ifndef TESTS_PREKEY_FIXTURE_H
#define TESTS_PREKEY_FIXTURE_H

#include "tests/unit/bridge/people_fixture.h"

struct told {
    unsigned calls;
    struct prekey_fetch_result r;
};

/* The answers, by the key of the caller. */
extern struct told told[8];

/* Notes the answer to a caller. */
void on_fetched(struct bridge *b, uint64_t key, const struct prekey_fetch_result *r);

/* For cmocka: a desk, and no answers yet. */
int prekey_setup(void **state);

/* A device of another person, with the private halves of its keys. */
struct peer {
    struct x25519_pair identity, signed_prekey, prekey;
    uint8_t sig[XEDDSA_SIG_BYTES];
};

/* A device with keys of its own. */
void make_peer(struct desk *d, struct peer *p);

/* The server's <user> for a device, with a one-time prekey or without. */
struct node *user_node(struct desk *d, const char *jid, const struct peer *p, bool one_time);

/* A <list> of one or two children; NULL: absent. */
struct node *list_of(struct desk *d, struct node *one, struct node *two);

/* Whether there is a session with the device. */
bool can_send(struct desk *d, const char *device);

#endif
