/* conn_fixture.h - a whole bridge whose socket ends in this process: a server that speaks Noise and
 * says exactly what a test wants, and a clock that a test moves. */
#ifndef TESTS_CONN_FIXTURE_H
#define TESTS_CONN_FIXTURE_H

#include "tests/unit/bridge/platform_fixture.h"

#include "bridge/bridge.h"
#include "bridge/calls/commands.h"
#include "bridge/conn/conn_private.h"
#include "bridge/core/batch.h"
#include "crypto/noise_cert.h"
#include "proto/client_payload.h"
#include "proto/handshake_wire.h"
#include "proto/limits.h"

enum { HEARD_MAX = 256, HEARD_BYTES = 2048, DAY_S = 86400 };
#define OWN_PN  "27820000001:7@s.whatsapp.net"
#define OWN_LID "111000111:7@lid"

/* ---- the server ---- */

enum server_step { SERVER_INTRO, SERVER_HELLO, SERVER_FINISH, SERVER_STREAM };

struct heard {
    struct node *n;
    char xml[HEARD_BYTES]; /* cut at this length */
};

struct server {
    struct x25519_pair root, intermediate, key;
    struct noise_handshake hs;
    struct noise_transport transport;
    enum server_step step;
    struct frame_reader frames;
    struct arena arena;
    struct client_payload payload; /* of the last handshake */
    unsigned handshakes;
    struct heard heard[HEARD_MAX];
    size_t nheard, taken;
    /* What a test sets. */
    bool silent;       /* no ServerHello */
    bool foreign_root; /* a root that is not WhatsApp's has signed the certificates */
    int64_t not_before_s, not_after_s;
};

struct line {
    struct fixture f;
    struct log log;
    struct config config;
    struct account account; /* the stored one; zero when unpaired */
    struct bridge *b;
    struct server server;
    unsigned events[BRIDGE_EV_COUNT];
};

/* The value of a setting that is not set. */
extern char no_text[1];

/* The directory of backups: none are made but of what is set aside. */
extern char backups_dir[sizeof((struct fixture *)0)->dir + 16];

/* A bridge, paired or not, with its server; the bridge is not started yet. */
struct line *line_new(bool paired);

/* The process ends and starts again on the same files. */
void line_restart(struct line *t);

/* Ends the bridge and removes its files. */
void line_free(struct line *t);

/* The server sends this payload in a frame. */
void server_write(struct span payload);

/* The server reads what the bridge has sent; it answers a handshake. */
void server_read(struct line *t);

/* The socket ends in this way. */
void server_end_http(struct line *t, enum ws_end how, int http_status);

/* The socket ends in this way; an HTTP end has status 503. */
void server_end(struct line *t, enum ws_end how);

/* Runs the loop until nothing happens any more. */
void turn(struct line *t);

/* Time passes: timers that fall due run, in order. */
void line_pass(struct line *t, int64_t ms);

/* The upgrade succeeds; the handshake follows by itself unless the server is silent. */
void server_accept(struct line *t);

/* The time until the bridge dials again; -1: not within a day. */
int64_t until_next_dial(struct line *t);

/* ---- stanzas of the server ---- */

/* <tag key=value ...>; values with an '@' or of a bare server are addresses. */
struct node *el(struct line *t, const char *tag, ...);

/* Adds the child; returns the parent. */
struct node *with(struct node *parent, struct node *child);

/* An element with bytes inside. */
struct node *bytes_el(struct line *t, const char *tag, struct span bytes);

/* The server seals a stanza and sends it. */
void server_send(struct line *t, const struct node *n);

/* The next stanza of the bridge, not yet taken, that contains the text; earlier stanzas are
 * skipped. NULL: there is none, and nothing is taken. */
struct heard *maybe_hear(struct line *t, const char *text);

/* Like maybe_hear(), but if there is none the test fails and prints what was heard. */
struct heard *hear(struct line *t, const char *text);

/* Forgets what was heard so far. */
void deaf(struct line *t);

/* <iq type=result> to a request, with a child or none. */
void answer(struct line *t, const struct heard *h, struct node *child);

/* From a fresh start to online, with enough prekeys on the server. */
void log_in(struct line *t);

/* The state of the connection. */
enum conn_state state_of(const struct line *t);
/* The reason why the connection ended last. */
enum conn_reason why_of(const struct line *t);

#endif
