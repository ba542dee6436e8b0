/* phone_fixture.h - the phone that links the bridge, and the server's stanzas meanwhile. */
#ifndef TESTS_PHONE_FIXTURE_H
#define TESTS_PHONE_FIXTURE_H

#include "tests/unit/bridge/conn_fixture.h"

#include "proto/pair_wire.h"

struct phone {
    struct x25519_pair account;
    const uint8_t *adv_secret; /* of the QR, or of the code's exchange */
    const uint8_t *companion;  /* identity that the account signs */
    bool hosted;
    bool bad_hmac, bad_signature; /* mistakes that a test wants */
    struct buf signed_identity;   /* without the device's signature */
    struct buf details;
};

/* A phone with keys of its own that has scanned the bridge's QR. */
struct phone a_phone(struct line *t);

/* Frees what the phone has signed. */
void phone_free(struct phone *p);

/* The device identity that the phone signs, with what the test breaks in it. */
struct span phone_identity(struct line *t, struct phone *p);

/* The server's <pair-success> with this identity. */
struct node *pair_success(struct line *t, struct span identity);

/* The server's <pair-device> with six references. */
struct node *pair_device(struct line *t, const char *from);

/* A bridge that shows the first QR of a set. */
struct line *showing(void);

/* How many devices the session file holds. */
const char *stored_devices(struct line *t);

/* Our answer to pair-success proves what the phone has signed (P-PR-13). */
void check_reply(struct line *t, struct phone *p, const struct heard *h);

#endif
