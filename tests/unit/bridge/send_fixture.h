/* send_fixture.h - a bridge that sends, people whose devices read it with real keys, and fakes of
 * the services that answer when the test lets them. */
#ifndef TESTS_SEND_FIXTURE_H
#define TESTS_SEND_FIXTURE_H

#include "tests/unit/bridge/receive_fixture.h"

#include "bridge/groups/group_limits.h"
#include "bridge/people/person_limits.h"
#include "bridge/people/time_lock.h"
#include "bridge/send/out_message.h"
#include "bridge/send/out_queue.h"
#include "store/outbox/outbox.h"
#include "store/session/devices.h"
#include "store/session/groups.h"
#include "store/session/identity_gone.h"
#include "store/session/lid_map.h"
#include "store/session/signal_store.h"

/* The person and the group that the tests write to. */
#define CONTACT "27820000011"
#define GROUP   "120363000000000001@g.us"

enum { PEERS_MAX = 40, PENDING_MAX = 64, WIRE_MAX = 64, ANSWERS_MAX = 64, MEMBERS_MAX = 8 };

/* ---- devices ---- */

struct peer {
    struct jid device; /* as listed */
    struct signal_local local;
    struct x25519_pair signed_prekey, prekey;
    struct signal_session *session;
    struct sender_key_record *group_key;
    struct rng_seeded seed;
    struct rng rng;
    bool no_keys; /* the server has none of it */
};

enum pending_kind { ASKED_LIDS, ASKED_GROUP, ASKED_DEVICES, ASKED_SESSIONS };
struct pending {
    enum pending_kind kind;
    uint64_t key;
    void *fn;
    struct jid jids[PEERS_MAX];
    size_t n;
    bool with_self, renew;
    enum group_info_how how;
};

struct answer {
    bool given;
    unsigned calls;
    enum cmd_result result;
    char id[64], text[300], recipient[100];
    int64_t timestamp;
    uint32_t code;
};

/* What a test plays with: the bridge, its peers, and the services. */
struct world {
    struct receiver r;
    struct config config;
    struct peer peers[PEERS_MAX];
    size_t npeers;
    struct pending pending[PENDING_MAX];
    size_t npending;
    struct buf wire[WIRE_MAX];
    size_t nwire;
    struct answer answers[ANSWERS_MAX];
    bool online;
    bool behind;               /* the offline queue was not read to its end yet */
    bool full;                 /* no room in the socket */
    size_t stuck;              /* so many of the last stanzas are still in the socket */
    bool hold;                 /* the services do not answer questions */
    enum wb_err session_error; /* of the next answers about sessions */
    enum wb_err device_error;  /* of answers about devices: no devices are known then */
    size_t told_all_the_same;  /* or this many are known */
    enum wb_err group_error;
    uint32_t group_code;
    struct store_group group;
    struct store_group_member members[MEMBERS_MAX];
    unsigned asked[4]; /* questions so far, per kind */
    struct jid last_sessions[PEERS_MAX];
    size_t nlast_sessions;
};

/* The world of the running test. */
extern struct world w;

/* How many requests went to the server: only those for privacy tokens are counted here. */
extern unsigned niqs;
/* The last request, as XML. */
extern char last_iq[1000];

/* ---- ports ---- */

/* Keeps a question to a service until the test lets it be answered. */
struct pending *ask(enum pending_kind kind, const struct jid *jids, size_t n, uint64_t key);

/* ---- people ---- */

/* A device whose keys follow from its place in the list; the server lists it from now on. */
struct peer *add_peer(const char *device);

/* The listed device; NULL: there is none. */
struct peer *peer_of(const struct jid *device);

/* The keys that the server hands out for a device. */
struct signal_bundle bundle_of(struct peer *p);

/* Reads an <enc> as a phone does: the content of the Message, in the world's arena. */
enum wb_err peer_read(struct peer *p, const struct node *enc, struct content *ret);

/* ---- stanzas on the wire ---- */

/* Stanza i on the wire. */
const struct node *wire_node(size_t i);

/* The <enc> for a device; NULL: there is none. */
const struct node *enc_for(const struct node *message, const char *device);

/* How many devices a message is sealed for. */
size_t recipients(const struct node *message);

/* The attribute must have this value. */
void assert_attr(const struct node *n, const char *key, const char *value);

/* The span must hold this text. */
void assert_span(struct span s, const char *text);

/* What this device reads in a message. */
struct content read_as(const char *device, const struct node *message);

/* ---- answers of the services ---- */

/* Answers a question about devices. */
void answer_devices(const struct pending *p);

/* Starts the sessions that were asked for, where the server has keys. */
void answer_sessions(const struct pending *p);

/* Answers a question about the group. */
void answer_group(const struct pending *p);

/* Runs everything that can happen now. */
void run(void);

/* Moves the clock and runs everything that falls due. */
void pass(int64_t ms);

/* The connection is there. */
void go_online(void);

/* The connection is gone. */
void go_offline(void);

/* ---- the server's acks ---- */

/* The server's ack of a message, with its time. */
void ack_at(const char *id, unsigned error, const char *phash, uint64_t t);

/* The server's ack of a message; error 0 and phash NULL: absent. */
void ack_with(const char *id, unsigned error, const char *phash);

/* The server has taken a message. */
void ack(const char *id);

/* The id of stanza i on the wire. */
const char *wire_id(size_t i);

/* ---- callers ---- */

/* A caller's request to send a text. */
struct send_request request(const char *recipient, const char *text);

/* The same with an idempotency key. */
struct send_request keyed(const char *recipient, const char *key, const char *text);

/* Sends; the answer goes to slot i. Returns the ticket. */
uint64_t send_with(size_t i, const struct send_request *r);

/* The same for a text. */
uint64_t send_text(size_t i, const char *recipient, const char *text);

/* ---- the world ---- */

/* Contact 27820000011 / 22200000 11@lid with two devices, our phone and another companion. */
void world_init(void);

/* For cmocka: each test has a world of its own. */
int world_setup(void **state);

/* For cmocka: frees the world. */
int world_teardown(void **state);

/* The process ends and starts again on the same files; what is on the wire stays readable. */
void world_restart(void);

/* One more member of the group; NULL: that address is unknown. */
void add_member(const char *lid, const char *pn);

/* A group of us and two others; LID or PN addressed. */
void make_group(enum store_addressing addressing);

#endif
