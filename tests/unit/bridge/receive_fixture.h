/* receive_fixture.h - a bridge without a socket, and people who write to it with real keys. The
 * bridge's stanzas are kept as text. */
#ifndef TESTS_RECEIVE_FIXTURE_H
#define TESTS_RECEIVE_FIXTURE_H

#include "tests/unit/store/store_fixture.h"

#include "bridge/conn/conn_private.h"
#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/dispatch/dispatch.h"
#include "bridge/dispatch/handlers.h"
#include "bridge/people/tctoken.h"
#include "bridge/platform/loop_turn.h"
#include "bridge/receive/in_message.h"
#include "crypto/signal.h"
#include "proto/content_encode.h"
#include "proto/padding.h"
#include "store/session/prekeys.h"

enum { SENT_MAX = 64, SENT_BYTES = 4096, EVENTS_MAX = 256 };

struct receiver {
    struct fixture f;
    struct bridge b;
    struct log log;
    struct loop loop;   /* only its timers run */
    struct conn stream; /* logged in, without a socket */
    struct account account;
    struct arena arena;
    struct buf wire;
    char events[EVENTS_MAX][128];
    size_t nevents;
    bool dropped; /* the connection was closed */
};

/* What the bridge has sent since the last receive(), as XML. */
extern char sent[SENT_MAX][SENT_BYTES];
/* How many stanzas that is. */
extern size_t nsent;

/* The monotonic clock in milliseconds; a test moves it. */
extern int64_t mono_now;

/* Writer number 9 is our phone: its identity is the key of the account. */
enum { PHONE_NUMBER = 9 };
/* The identity of our phone: the key that has signed the account. */
struct x25519_pair phone_identity_pair(void);

/* A paired bridge on an empty store. */
void receiver_init(struct receiver *r);

/* Ends the bridge and removes its files. */
void receiver_free(struct receiver *r);

/* The process ends and starts again on the same files. */
void receiver_restart(struct receiver *r);

/* Gives the bridge one stanza as from the wire; its effects are not committed yet. */
enum wb_err receiver_apply_as(struct receiver *r, const struct stanza_handler *h,
                              const struct node *n);

/* The same for a <message>. */
enum wb_err receiver_apply(struct receiver *r, const struct node *n);

/* The same with a commit; then sent[0..nsent) holds what was sent because of the stanza. */
void receive(struct receiver *r, const struct node *n);

/* What a statement gives from messages.db. */
const char *look(struct receiver *r, const char *sql);
/* What a statement gives from whatsapp.db. */
const char *look_wa(struct receiver *r, const char *sql);
#define assert_look(r, sql, text)    assert_string_equal(look((r), (sql)), (text))
#define assert_look_wa(r, sql, text) assert_string_equal(look_wa((r), (sql)), (text))

/* ---- people ---- */

struct writer {
    struct signal_local local;
    struct signal_session *session; /* with the bridge */
    struct sender_key_record *group_key;
    struct rng_seeded seed;
    struct rng rng;
};

/* A person whose keys follow from the number. */
void writer_init(struct writer *w, uint8_t number);

/* Frees the person's session and group key. */
void writer_free(struct writer *w);

/* A session from keys that the bridge offered; returns the one-time prekey's id. */
uint32_t writer_start(struct writer *w, struct receiver *r);

/* <message from id t ...> */
struct node *stanza(struct receiver *r, const char *from, const char *id);

/* Sets an attribute to an address. */
void attr_jid(struct receiver *r, struct node *n, const char *key, const char *jid);

/* Adds an <enc> of this type with these bytes. */
struct node *add_enc(struct receiver *r, struct node *n, const char *type, struct span bytes);

/* An encoded Message, padded and sealed pairwise, as an <enc> of n. */
struct node *add_sealed(struct receiver *r, struct writer *w, struct node *n, struct span message);

/* The same, sealed with the writer's group key. */
struct node *add_group_sealed(struct receiver *r, struct writer *w, struct node *n,
                              struct span message);

/* Moves a Message's bytes into the receiver's arena. */
struct span keep(struct receiver *r, struct buf *b);

/* A Message with a text. */
struct span text_message(struct receiver *r, const char *text);

/* A Message that brings the writer's group key. */
struct span key_message(struct receiver *r, struct writer *w, const char *group);

/* A text from a person, sealed. */
struct node *letter(struct receiver *r, struct writer *w, const char *from, const char *id,
                    const char *text);

#endif
