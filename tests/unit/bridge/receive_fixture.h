/* receive_fixture.h - a bridge without a socket, and people who write to it with real keys. What
 * the bridge would send is kept as text. */
#ifndef TESTS_RECEIVE_FIXTURE_H
#define TESTS_RECEIVE_FIXTURE_H

#include "bridge/dispatch/own_messages.h"
#include "bridge/people/tctoken.h"
#include "tests/unit/store/store_fixture.h"

#include "bridge/conn/conn.h"
#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/dispatch/dispatch.h"
#include "bridge/dispatch/handlers.h"
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
    struct timers timers;
    struct account account;
    struct arena arena;
    struct buf wire;
    char events[EVENTS_MAX][128];
    size_t nevents;
    bool dropped; /* the connection was closed */
};

/* The one receiver that the fakes of the connection speak for. */
static struct receiver *rx;
static char sent[SENT_MAX][SENT_BYTES];
static size_t nsent;

/* ---- the connection, as far as receiving knows it ---- */

static enum wb_err link_send(struct conn *c, struct span packed)
{
    struct arena a = arena_new(1 << 20);
    struct buf xml = buf_new(SENT_BYTES);
    struct node *n;

    (void)c;
    assert_true(nsent < SENT_MAX);
    OK(node_unpack(packed, &a, &n));
    node_print(n, &xml);
    snprintf(sent[nsent++], SENT_BYTES, "%s", buf_cstr(&xml));
    buf_free(&xml);
    arena_free(&a);
    return WB_OK;
}

static void link_note_sent(struct conn *c, const struct node *n)
{
    (void)c;
    (void)n;
}

static void link_store_works(struct conn *c, bool was_full)
{
    (void)c;
    (void)was_full;
}

static void link_drop(struct conn *c, enum conn_reason why)
{
    (void)c;
    (void)why;
    rx->dropped = true;
}

size_t conn_waiting(const struct conn *c)
{
    (void)c;
    return 0;
}

uint64_t conn_sent_mark(const struct conn *c)
{
    (void)c;
    return 0;
}

bool conn_has_left(const struct conn *c, uint64_t mark)
{
    (void)c;
    (void)mark;
    return true;
}

bool conn_uplink_busy(const struct conn *c, uint64_t *seen, bool *ret_moved)
{
    (void)c;
    (void)seen;
    *ret_moved = false;
    return false;
}

bool conn_caught_up(const struct conn *c)
{
    return conn_online(c);
}

bool conn_online(const struct conn *c)
{
    (void)c;
    return true;
}

enum conn_reason conn_reason(const struct conn *c)
{
    (void)c;
    return CONN_WHY_NONE;
}

bool bridge_is_self(const struct bridge *b, const struct jid *j)
{
    return jid_same_user(&b->own_pn, j) || jid_same_user(&b->own_lid, j);
}

static void note_event(void *ctx, const struct bridge_event *e)
{
    struct receiver *r = ctx;
    char chat[JID_TEXT_MAX];

    assert_true(r->nevents < EVENTS_MAX);
    snprintf(r->events[r->nevents++], sizeof r->events[0], "%s %s", jid_text(e->chat, chat), e->id);
}

static int64_t mono_now;
static int64_t rx_mono_ms(void *ctx)
{
    (void)ctx;
    return mono_now;
}
static const struct clock rx_clock = {rx_mono_ms, fixture_ms, NULL};

/* Everything but the store: as after a start of the process. */
static inline void receiver_wake(struct receiver *r)
{
    memset(&r->b, 0, sizeof r->b);
    r->b.link = (struct link){.send = link_send,
                              .note_sent = link_note_sent,
                              .waiting = conn_waiting,
                              .drop = link_drop,
                              .store_works = link_store_works};
    r->b.log = &r->log;
    r->b.clock = &rx_clock;
    r->b.rng = &r->f.rng;
    static struct config no_settings;

    r->b.config = &no_settings;
    timers_init(&r->timers, &rx_clock);
    r->b.timers = &r->timers;
    r->b.store = r->f.s;
    r->b.on_own_message = own_message_dispatch;
    r->b.account = &r->account;
    r->b.own_pn = r->account.jid;
    r->b.own_lid = r->account.lid;
    events_init(&r->b.events);
    outgoing_init(&r->b.outgoing);
    OK(in_message_new(&r->b, &r->b.in_message));
    OK(tctokens_new(&r->b, &r->b.tokens));
    OK(events_on(&r->b.events, BRIDGE_EV_MESSAGE, note_event, r));
    r->dropped = false;
}

static inline void receiver_sleep(struct receiver *r)
{
    in_message_free(r->b.in_message);
    tctokens_free(r->b.tokens);
    outgoing_free(&r->b.outgoing);
    events_free(&r->b.events);
}

/* Writer number 9 is our phone: its identity is the key of the account. */
enum { PHONE_NUMBER = 9 };
static inline struct x25519_pair phone_identity_pair(void)
{
    uint8_t seed[32] = {PHONE_NUMBER};
    struct rng_seeded state;
    struct rng rng = rng_from_seed(&state, seed);
    struct x25519_pair pair;

    x25519_generate(&rng, &pair);
    return pair;
}

static inline void receiver_init(struct receiver *r)
{
    const struct x25519_pair phone = phone_identity_pair();

    memset(r, 0, sizeof *r);
    rx = r;
    nsent = 0;
    fixture_new(&r->f);
    fixture_open(&r->f);
    r->account = fixture_account(&r->f, "27820000001:7@s.whatsapp.net", "111000111:7@lid");
    OK(device_keys_generate(&r->f.rng, &r->account.keys));
    memcpy(r->account.adv_account_sig_key, phone.pub, sizeof phone.pub);
    OK(store_account_save(r->f.s, &r->account));
    OK(store_commit(r->f.s));
    OK(log_open(&r->log, &rx_clock, "/dev/null"));
    r->arena = arena_new(64 << 20);
    r->wire = buf_new(4 << 20);
    receiver_wake(r);
}

static inline void receiver_free(struct receiver *r)
{
    receiver_sleep(r);
    arena_free(&r->arena);
    buf_free(&r->wire);
    log_close(&r->log);
    fixture_free(&r->f);
}

static inline void receiver_restart(struct receiver *r)
{
    receiver_sleep(r);
    fixture_close(&r->f);
    fixture_open(&r->f);
    OK(store_account_load(r->f.s, NULL, &r->account));
    receiver_wake(r);
}

/* One stanza over the wire; what it does is not committed yet. */
static inline enum wb_err receiver_apply_as(struct receiver *r, const struct stanza_handler *h,
                                            const struct node *n)
{
    struct arena a = arena_new(64 << 20);
    struct buf packed = buf_new(4 << 20);
    struct stanza s = {.arena = &a, .received_ms = fixture_ms(NULL)};
    struct node *decoded;
    enum wb_err err;

    OK(node_pack(n, &packed));
    OK(node_unpack(buf_span(&packed), &a, &decoded));
    s.node = decoded;
    err = h->apply(&r->b, &s, NULL);
    arena_free(&a);
    buf_free(&packed);
    return err;
}

static inline enum wb_err receiver_apply(struct receiver *r, const struct node *n)
{
    return receiver_apply_as(r, &in_message_handler, n);
}

/* And committed: what was sent because of it is sent[0..nsent). */
static inline void receive(struct receiver *r, const struct node *n)
{
    nsent = 0;
    OK(receiver_apply(r, n));
    OK(batch_commit(&r->b));
}

static inline const char *look(struct receiver *r, const char *sql)
{
    return peek_sql(r->f.msg, sql);
}
static inline const char *look_wa(struct receiver *r, const char *sql)
{
    return peek_sql(r->f.wa, sql);
}
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

static inline void writer_init(struct writer *w, uint8_t number)
{
    uint8_t seed[32] = {number};

    memset(w, 0, sizeof *w);
    w->rng = rng_from_seed(&w->seed, seed);
    x25519_generate(&w->rng, &w->local.identity);
    w->local.registration_id = number;
    w->session = signal_session_new();
    w->group_key = sender_key_record_new();
}

static inline void writer_free(struct writer *w)
{
    signal_session_free(w->session);
    sender_key_record_free(w->group_key);
}

/* A session from keys that the bridge offered; returns the one-time prekey's id. */
static inline uint32_t writer_start(struct writer *w, struct receiver *r)
{
    const struct device_keys *k = &r->account.keys;
    struct store_prekey prekey;
    struct signal_bundle bundle = {.registration_id = k->registration_id,
                                   .signed_prekey_id = k->signed_prekey_id,
                                   .has_prekey = true};

    OK(store_prekeys_offer(r->f.s, &r->f.rng, 1, &prekey));
    OK(store_commit(r->f.s));
    memcpy(bundle.identity, k->identity.pub, 32);
    memcpy(bundle.signed_prekey, k->signed_prekey.pub, 32);
    memcpy(bundle.signed_prekey_sig, k->signed_prekey_sig, sizeof bundle.signed_prekey_sig);
    bundle.prekey_id = prekey.id;
    memcpy(bundle.prekey, prekey.pair.pub, 32);
    OK(signal_session_start(w->session, &w->local, &bundle, &w->rng));
    return prekey.id;
}

/* <message from id t ...> */
static inline struct node *stanza(struct receiver *r, const char *from, const char *id)
{
    struct node *n = node_new(&r->arena, "message");
    struct jid j = J(from);

    node_attr_jid(&r->arena, n, "from", &j);
    node_attr_text(&r->arena, n, "id", id);
    node_attr_text(&r->arena, n, "type", "text");
    node_attr_u64(&r->arena, n, "t", (uint64_t)fixture_time);
    return n;
}

static inline void attr_jid(struct receiver *r, struct node *n, const char *key, const char *jid)
{
    struct jid j = J(jid);

    node_attr_jid(&r->arena, n, key, &j);
}

static inline struct node *add_enc(struct receiver *r, struct node *n, const char *type,
                                   struct span bytes)
{
    struct node *enc = node_child_new(&r->arena, n, "enc");

    node_attr_text(&r->arena, enc, "v", "2");
    node_attr_text(&r->arena, enc, "type", type);
    node_set_bytes(&r->arena, enc, bytes);
    return enc;
}

/* An encoded Message, padded and sealed pairwise, as an <enc> of n. */
static inline struct node *add_sealed(struct receiver *r, struct writer *w, struct node *n,
                                      struct span message)
{
    struct buf padded = buf_new(4 << 20), sealed = buf_new(4 << 20);
    enum signal_message_kind kind;
    struct node *enc;

    buf_append(&padded, message);
    OK(padding_add(&padded, 7));
    OK(signal_encrypt(w->session, buf_span(&padded), &kind, &sealed));
    enc = add_enc(r, n, kind == SIGNAL_PKMSG ? "pkmsg" : "msg", buf_span(&sealed));
    buf_free(&padded);
    buf_free(&sealed);
    return enc;
}

static inline struct node *add_group_sealed(struct receiver *r, struct writer *w, struct node *n,
                                            struct span message)
{
    struct buf padded = buf_new(4 << 20), sealed = buf_new(4 << 20);
    struct node *enc;

    buf_append(&padded, message);
    OK(padding_add(&padded, 3));
    OK(sender_key_encrypt(w->group_key, buf_span(&padded), &w->rng, &sealed));
    enc = add_enc(r, n, "skmsg", buf_span(&sealed));
    buf_free(&padded);
    buf_free(&sealed);
    return enc;
}

/* Messages, encoded into the receiver's arena. */
static inline struct span keep(struct receiver *r, struct buf *b)
{
    struct span s = arena_copy(&r->arena, buf_span(b));

    assert_int_equal(buf_err(b), WB_OK);
    buf_free(b);
    return s;
}

static inline struct span text_message(struct receiver *r, const char *text)
{
    struct buf b = buf_new(1 << 20);

    OK(content_encode_text(span_cstr(text), NULL, &b));
    return keep(r, &b);
}

static inline struct span key_message(struct receiver *r, struct writer *w, const char *group)
{
    struct buf skdm = buf_new(4096), b = buf_new(8192);

    OK(sender_key_distribution(w->group_key, &skdm));
    OK(content_encode_skdm(span_cstr(group), buf_span(&skdm), &b));
    buf_free(&skdm);
    return keep(r, &b);
}

/* A text from a person, sealed. */
static inline struct node *letter(struct receiver *r, struct writer *w, const char *from,
                                  const char *id, const char *text)
{
    struct node *n = stanza(r, from, id);

    add_sealed(r, w, n, text_message(r, text));
    return n;
}

#endif
