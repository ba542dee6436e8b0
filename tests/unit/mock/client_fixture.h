/* client_fixture.h - wa-mock without sockets, and one client of it with its keys: handshake,
 * pairing, stanzas to and fro. What the client does is written here by hand, not by the server's
 * code. */
#ifndef TESTS_MOCK_CLIENT_FIXTURE_H
#define TESTS_MOCK_CLIENT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/secret.h"
#include "base/text.h"
#include "crypto/pair_crypt.h"
#include "tools/mock/assembly.h"
#include "tools/mock/core/pb.h"
#include "tools/mock/link/pair.h"
#include "tools/mock/session.h"
#include "tools/mock/wire/client.h"

#define OK(call) assert_int_equal(call, WB_OK)

/* The server, and one client with its keys. */
struct fixture {
    struct mock m;
    int64_t now_ms;
    struct clock clock;
    struct client *c;
    struct noise_handshake hs;
    struct noise_transport tr;
    bool online; /* the handshake is done: tr can be used */
    struct x25519_pair noise, identity, skey;
    uint8_t skey_sig[XEDDSA_SIG_BYTES];
    uint8_t adv_secret[ADV_SECRET_BYTES];
    struct frame_reader reader;
    struct arena a; /* holds the stanzas that the client received */
    const char *name;
};

/* For cmocka: a server with a fixed seed, and a client that is not connected yet. */
int setup(void **state);

/* The client's socket is gone. */
void hang_up(struct fixture *f);

/* For cmocka: hangs up and frees both. */
int teardown(void **state);

/* How many flags of this name the server has raised: notes, or faults of the client. */
size_t flag_count(const struct mock *m, const char *what, bool notes);

/* How many faults of its clients the server has noted. */
size_t faults(const struct mock *m);

/* ---- the wire ---- */

/* The client sends this payload in a frame. */
void push(struct fixture *f, struct span payload);

/* The client seals a stanza and sends it. */
void send_node(struct fixture *f, const struct node *n);

/* The next stanza from the server, NULL when there is none. */
const struct node *read_node(struct fixture *f);

/* The next stanza with this tag; earlier ones are skipped. The test fails if there is none. */
const struct node *await(struct fixture *f, const char *tag);

/* The last n bytes of v, most significant first. */
void be(uint32_t v, size_t n, uint8_t *out);

/* Connects, as a new device (user 0) or as the paired device. */
void connect_as(struct fixture *f, bool ik, uint64_t user, uint64_t device);

/* ---- pairing ---- */

/* The phone scans what this client shows; the answer is <pair-success>. */
const struct node *scan(struct fixture *f);

enum account_key { KEY_LEFT_OUT, KEY_SENT_BACK, KEY_OTHER };

/* The client's answer to <pair-success>, with the account's key as 'key' says. */
void sign(struct fixture *f, const struct node *success, enum account_key key);

/* The device that was linked last. */
struct device *the_device(struct fixture *f);

/* Pairs the client and logs it in again. */
struct device *online(struct fixture *f);

/* An <iq> to the server about keys. */
struct node *request(struct fixture *f, const char *type, const char *id);

/* The answer to the <iq> with this id; other stanzas are skipped. */
const struct node *answer_to(struct fixture *f, const char *id);

#endif
