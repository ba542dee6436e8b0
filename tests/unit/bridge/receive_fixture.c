/* receive_fixture.c - see receive_fixture.h. */
#include "tests/unit/bridge/receive_fixture.h"

#include "bridge/dispatch/own_messages.h"
#include "bridge/platform/machine.h"

/* The one receiver that the fakes of the connection speak for. */
static struct receiver *rx;
char sent[SENT_MAX][SENT_BYTES];
size_t nsent;

/* ---- the connection, as far as receiving knows it: online, and what is sent is kept ---- */

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

static void note_event(void *ctx, const struct bridge_event *e)
{
    struct receiver *r = ctx;
    char chat[JID_TEXT_MAX];

    assert_true(r->nevents < EVENTS_MAX);
    snprintf(r->events[r->nevents++], sizeof r->events[0], "%s %s", jid_text(e->chat, chat), e->id);
}

int64_t mono_now;
static int64_t rx_mono_ms(void *ctx)
{
    (void)ctx;
    return mono_now;
}

static const struct clock rx_clock = {rx_mono_ms, fixture_ms, NULL};

/* Everything but the store: as after a start of the process. */
static void receiver_wake(struct receiver *r)
{
    memset(&r->b, 0, sizeof r->b);
    r->b.log = &r->log;
    r->b.clock = &rx_clock;
    r->b.rng = &r->f.rng;
    static struct config no_settings;

    r->b.config = &no_settings;
    loop_turn_init(&r->loop, &rx_clock);
    r->b.loop = &r->loop;
    r->b.timers = loop_timers(&r->loop);
    r->b.pauses = loop_pauses(&r->loop);
    r->b.machine = &machine_system; /* no workers: nothing is fetched */
    r->b.store = r->f.s;
    r->b.account = &r->account;
    r->b.own_pn = r->account.jid;
    r->b.own_lid = r->account.lid;
    events_init(&r->b.events);
    outgoing_init(&r->b.outgoing);
    r->stream = (struct conn){.state = CONN_ONLINE, .logged_in = true};
    r->b.conn = &r->stream;
    r->b.link = (struct link){.conn = &r->stream,
                              .send = link_send,
                              .note_sent = link_note_sent,
                              .waiting = conn_waiting,
                              .drop = link_drop,
                              .store_works = link_store_works};
    OK(in_message_new(&r->b, &r->b.in_message));
    r->b.on_own_message = own_message_dispatch;
    OK(tctokens_new(&r->b, &r->b.tokens));
    OK(events_on(&r->b.events, BRIDGE_EV_MESSAGE, note_event, r));
    r->dropped = false;
}

static void receiver_sleep(struct receiver *r)
{
    in_message_free(r->b.in_message);
    tctokens_free(r->b.tokens);
    outgoing_free(&r->b.outgoing);
    events_free(&r->b.events);
}

struct x25519_pair phone_identity_pair(void)
{
    uint8_t seed[32] = {PHONE_NUMBER};
    struct rng_seeded state;
    struct rng rng = rng_from_seed(&state, seed);
    struct x25519_pair pair;

    x25519_generate(&rng, &pair);
    return pair;
}

void receiver_init(struct receiver *r)
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

void receiver_free(struct receiver *r)
{
    receiver_sleep(r);
    arena_free(&r->arena);
    buf_free(&r->wire);
    log_close(&r->log);
    fixture_free(&r->f);
}

void receiver_restart(struct receiver *r)
{
    receiver_sleep(r);
    fixture_close(&r->f);
    fixture_open(&r->f);
    OK(store_account_load(r->f.s, NULL, &r->account));
    receiver_wake(r);
}

enum wb_err receiver_apply_as(struct receiver *r, const struct stanza_handler *h,
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

enum wb_err receiver_apply(struct receiver *r, const struct node *n)
{
    return receiver_apply_as(r, &in_message_handler, n);
}

void receive(struct receiver *r, const struct node *n)
{
    nsent = 0;
    OK(receiver_apply(r, n));
    OK(batch_commit(&r->b));
}

const char *look(struct receiver *r, const char *sql)
{
    return peek_sql(r->f.msg, sql);
}

const char *look_wa(struct receiver *r, const char *sql)
{
    return peek_sql(r->f.wa, sql);
}

/* ---- people ---- */

void writer_init(struct writer *w, uint8_t number)
{
    uint8_t seed[32] = {number};

    memset(w, 0, sizeof *w);
    w->rng = rng_from_seed(&w->seed, seed);
    x25519_generate(&w->rng, &w->local.identity);
    w->local.registration_id = number;
    w->session = signal_session_new();
    w->group_key = sender_key_record_new();
}

void writer_free(struct writer *w)
{
    signal_session_free(w->session);
    sender_key_record_free(w->group_key);
}

uint32_t writer_start(struct writer *w, struct receiver *r)
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

struct node *stanza(struct receiver *r, const char *from, const char *id)
{
    struct node *n = node_new(&r->arena, "message");
    struct jid j = J(from);

    node_attr_jid(&r->arena, n, "from", &j);
    node_attr_text(&r->arena, n, "id", id);
    node_attr_text(&r->arena, n, "type", "text");
    node_attr_u64(&r->arena, n, "t", (uint64_t)fixture_time);
    return n;
}

void attr_jid(struct receiver *r, struct node *n, const char *key, const char *jid)
{
    struct jid j = J(jid);

    node_attr_jid(&r->arena, n, key, &j);
}

struct node *add_enc(struct receiver *r, struct node *n, const char *type, struct span bytes)
{
    struct node *enc = node_child_new(&r->arena, n, "enc");

    node_attr_text(&r->arena, enc, "v", "2");
    node_attr_text(&r->arena, enc, "type", type);
    node_set_bytes(&r->arena, enc, bytes);
    return enc;
}

struct node *add_sealed(struct receiver *r, struct writer *w, struct node *n, struct span message)
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

struct node *add_group_sealed(struct receiver *r, struct writer *w, struct node *n,
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

struct span keep(struct receiver *r, struct buf *b)
{
    struct span s = arena_copy(&r->arena, buf_span(b));

    assert_int_equal(buf_err(b), WB_OK);
    buf_free(b);
    return s;
}

struct span text_message(struct receiver *r, const char *text)
{
    struct buf b = buf_new(1 << 20);

    OK(content_encode_text(span_cstr(text), NULL, &b));
    return keep(r, &b);
}

struct span key_message(struct receiver *r, struct writer *w, const char *group)
{
    struct buf skdm = buf_new(4096), b = buf_new(8192);

    OK(sender_key_distribution(w->group_key, &skdm));
    OK(content_encode_skdm(span_cstr(group), buf_span(&skdm), &b));
    buf_free(&skdm);
    return keep(r, &b);
}

struct node *letter(struct receiver *r, struct writer *w, const char *from, const char *id,
                    const char *text)
{
    struct node *n = stanza(r, from, id);

    add_sealed(r, w, n, text_message(r, text));
    return n;
}
