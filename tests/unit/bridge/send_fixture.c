/* send_fixture.c - see send_fixture.h. */
#include "tests/unit/bridge/send_fixture.h"

/* ---- devices ---- */

struct world w;

unsigned niqs;
char last_iq[1000];
static enum wb_err fake_iq_send(struct bridge *b, const struct node *n)
{
    struct buf xml = buf_new(sizeof last_iq - 1);

    (void)b;
    node_print(n, &xml);
    snprintf(last_iq, sizeof last_iq, "%s", buf_cstr(&xml));
    buf_free(&xml);
    niqs++;
    return WB_OK;
}

/* ---- ports ---- */

static bool fake_online(struct bridge *b)
{
    (void)b;
    return w.online;
}

static bool fake_room(struct bridge *b)
{
    (void)b;
    return !w.full;
}

static uint64_t fake_mark(struct bridge *b)
{
    (void)b;
    return w.nwire;
}

static bool fake_left(struct bridge *b, uint64_t mark)
{
    (void)b;
    return mark + w.stuck <= w.nwire;
}

static enum wb_err fake_send(struct bridge *b, struct span packed)
{
    (void)b;
    if (!w.online)
        return WB_ERR_STATE;
    assert_true(w.nwire < WIRE_MAX);
    w.wire[w.nwire] = buf_new(1 << 20);
    buf_append(&w.wire[w.nwire], packed);
    OK(buf_err(&w.wire[w.nwire]));
    w.nwire++;
    return WB_OK;
}

struct pending *ask(enum pending_kind kind, const struct jid *jids, size_t n, uint64_t key)
{
    struct pending *p = &w.pending[w.npending];

    assert_true(w.npending < PENDING_MAX && n <= PEERS_MAX);
    w.npending++;
    *p = (struct pending){.kind = kind, .key = key, .n = n};
    if (n)
        memcpy(p->jids, jids, n * sizeof *jids);
    w.asked[kind]++;
    return p;
}

static enum wb_err fake_lids(struct bridge *b, const struct jid *pns, size_t n, lid_lookup_fn *fn,
                             uint64_t key)
{
    (void)b;
    ask(ASKED_LIDS, pns, n, key)->fn = (void *)fn;
    return WB_OK;
}

static enum wb_err fake_group(struct bridge *b, const struct jid *group, enum group_info_how how,
                              group_info_fn *fn, uint64_t key)
{
    struct pending *p = ask(ASKED_GROUP, group, 1, key);

    (void)b;
    p->fn = (void *)fn;
    p->how = how;
    return WB_OK;
}

static enum wb_err fake_devices(struct bridge *b, const struct jid *users, size_t n, bool self,
                                device_sync_fn *fn, uint64_t key)
{
    struct pending *p = ask(ASKED_DEVICES, users, n, key);

    (void)b;
    p->fn = (void *)fn;
    p->with_self = self;
    return WB_OK;
}

static enum wb_err fake_sessions(struct bridge *b, const struct jid *devices, size_t n, bool renew,
                                 prekey_fetch_fn *fn, uint64_t key)
{
    struct pending *p = ask(ASKED_SESSIONS, devices, n, key);

    (void)b;
    p->fn = (void *)fn;
    p->renew = renew;
    memcpy(w.last_sessions, devices, n * sizeof *devices);
    w.nlast_sessions = n;
    return WB_OK;
}

static bool fake_caught_up(struct bridge *b)
{
    return fake_online(b) && !w.behind;
}

static const struct out_ports fake_ports = {fake_online,  fake_caught_up, fake_room, fake_send,
                                            fake_mark,    fake_left,      fake_lids, fake_group,
                                            fake_devices, fake_sessions};

/* ---- people ---- */

struct peer *add_peer(const char *device)
{
    struct peer *p = &w.peers[w.npeers++];
    uint8_t seed[32] = {(uint8_t)(100 + w.npeers)};

    assert_true(w.npeers <= PEERS_MAX);
    memset(p, 0, sizeof *p);
    p->device = J(device);
    p->rng = rng_from_seed(&p->seed, seed);
    x25519_generate(&p->rng, &p->local.identity);
    if (p->device.device == 0 && jid_same_user(&p->device, &w.r.b.own_lid))
        p->local.identity = phone_identity_pair();
    x25519_generate(&p->rng, &p->signed_prekey);
    x25519_generate(&p->rng, &p->prekey);
    p->local.registration_id = (uint32_t)w.npeers;
    p->session = signal_session_new();
    p->group_key = sender_key_record_new();
    return p;
}

struct peer *peer_of(const struct jid *device)
{
    for (size_t i = 0; i < w.npeers; i++)
        if (jid_eq(&w.peers[i].device, device))
            return &w.peers[i];
    return NULL;
}

struct signal_bundle bundle_of(struct peer *p)
{
    struct signal_bundle v = {.registration_id = p->local.registration_id,
                              .signed_prekey_id = 1,
                              .has_prekey = true,
                              .prekey_id = 77};
    uint8_t signed_bytes[33] = {5};

    memcpy(v.identity, p->local.identity.pub, 32);
    memcpy(v.signed_prekey, p->signed_prekey.pub, 32);
    memcpy(signed_bytes + 1, p->signed_prekey.pub, 32);
    OK(xeddsa_sign(p->local.identity.priv, SPAN_ARRAY(signed_bytes), &p->rng, v.signed_prekey_sig));
    memcpy(v.prekey, p->prekey.pub, 32);
    return v;
}

enum wb_err peer_read(struct peer *p, const struct node *enc, struct content *ret)
{
    struct buf padded = buf_new(1 << 20);
    struct span bytes = node_content_bytes(enc), plain;
    enum wb_err err;

    if (node_attr_is(enc, "type", "skmsg")) {
        err = sender_key_decrypt(p->group_key, bytes, &padded);
    } else if (node_attr_is(enc, "type", "pkmsg")) {
        struct signal_prekey_header h;
        bool used;

        OK(signal_prekey_header_parse(bytes, &h));
        err = signal_decrypt_prekey(p->session, &p->local, &h, h.identity, &p->signed_prekey,
                                    &p->prekey, &p->rng, &padded, &used);
    } else {
        err = signal_decrypt(p->session, bytes,
                             p->session->current ? p->session->current->remote_identity : NULL,
                             &p->rng, &padded);
    }
    if (err == WB_OK) {
        OK(padding_strip(buf_span(&padded), &plain));
        plain = arena_copy(&w.r.arena, plain);
        OK(content_decode(plain, &w.r.arena, ret));
        if (ret->skdm.n)
            OK(sender_key_process_distribution(p->group_key, ret->skdm));
    }
    buf_free(&padded);
    return err;
}

/* ---- stanzas on the wire ---- */

const struct node *wire_node(size_t i)
{
    struct node *n;
    struct span copy;

    assert_true(i < w.nwire);
    copy = arena_copy(&w.r.arena, buf_span(&w.wire[i]));
    OK(node_unpack(copy, &w.r.arena, &n));
    return n;
}

const struct node *enc_for(const struct node *message, const char *device)
{
    const struct node *list = node_child(message, "participants");
    struct jid want = J(device), got;

    for (const struct node *to = list ? node_child(list, "to") : NULL; to; to = node_next(to, "to"))
        if (node_attr_get_jid(to, "jid", &got) && jid_eq(&got, &want))
            return node_child(to, "enc");
    return NULL;
}

size_t recipients(const struct node *message)
{
    const struct node *list = node_child(message, "participants");

    return list ? node_child_count(list) : 0;
}

void assert_attr(const struct node *n, const char *key, const char *value)
{
    struct span s = node_attr_str(n, key, &w.r.arena);
    char text[200];

    snprintf(text, sizeof text, "%.*s", (int)s.n, s.p ? (const char *)s.p : "");
    assert_string_equal(text, value);
}

void assert_span(struct span s, const char *text)
{
    char got[400];

    snprintf(got, sizeof got, "%.*s", (int)s.n, s.p ? (const char *)s.p : "");
    assert_string_equal(got, text);
}

struct content read_as(const char *device, const struct node *message)
{
    struct jid j = J(device);
    const struct node *enc = enc_for(message, device);
    struct content c;

    assert_non_null(enc);
    OK(peer_read(peer_of(&j), enc, &c));
    return c;
}

/* ---- answers of the services ---- */

static void answer_lids(const struct pending *p)
{
    struct jid lids[PEERS_MAX], named[PEERS_MAX];
    struct lid_lookup_result r = {WB_OK, p->jids, lids, named, p->n};

    for (size_t i = 0; i < p->n; i++) {
        /* The server knows 2782000001<i> as 22200000<i>. */
        lids[i] = named[i] = (struct jid){0};
        if (strncmp(p->jids[i].user, "2782000001", 10) == 0) {
            char text[64];

            snprintf(text, sizeof text, "2220000%s@lid", p->jids[i].user + 9);
            lids[i] = J(text);
            named[i] = p->jids[i];
            OK(store_lid_put(w.r.f.s, &lids[i], &p->jids[i], NULL));
        } else {
            r.err = WB_ERR_NOT_FOUND;
        }
    }
    ((lid_lookup_fn *)p->fn)(&w.r.b, p->key, &r);
}

void answer_devices(const struct pending *p)
{
    struct jid found[PEERS_MAX];
    struct device_sync_result r = {w.device_error, found, 0};

    for (size_t i = 0; i < w.npeers && (r.err == WB_OK || r.ndevices < w.told_all_the_same); i++) {
        struct jid user = jid_unhosted(w.peers[i].device);
        bool wanted = p->with_self && jid_same_user(&user, &w.r.b.own_lid);

        for (size_t k = 0; k < p->n; k++)
            wanted |= jid_same_user(&user, &p->jids[k]);
        if (wanted)
            found[r.ndevices++] = w.peers[i].device;
    }
    ((device_sync_fn *)p->fn)(&w.r.b, p->key, &r);
}

void answer_sessions(const struct pending *p)
{
    struct prekey_fetch_result r = {.err = w.session_error};

    for (size_t i = 0; i < p->n && r.err == WB_OK; i++) {
        struct peer *peer = peer_of(&p->jids[i]);
        struct signal_bundle bundle;
        struct jid address;
        bool has = false, gone = false;

        OK(store_canonical(w.r.f.s, &p->jids[i], &address));
        OK(store_session_has(w.r.f.s, &address, &has));
        if ((has && !p->renew) || !peer || peer->no_keys)
            continue;
        bundle = bundle_of(peer);
        OK(store_identity_is_gone(w.r.f.s, &address, bundle.identity, &gone));
        if (gone) /* the server's word: it is the present one */
            OK(store_identity_put(w.r.f.s, &address, bundle.identity));
        OK(prekey_start_session(&w.r.b, &p->jids[i], &bundle, SPAN_NULL));
    }
    ((prekey_fetch_fn *)p->fn)(&w.r.b, p->key, &r);
}

void answer_group(const struct pending *p)
{
    struct group_info_result r = {w.group_error, &w.group, w.group_code};

    if (r.err != WB_OK)
        r.group = NULL;
    ((group_info_fn *)p->fn)(&w.r.b, p->key, &r);
}

void run(void)
{
    do {
        timers_run(&w.r.loop.timers);
        while (w.npending && !w.hold) {
            struct pending p = w.pending[0];

            memmove(w.pending, w.pending + 1, --w.npending * sizeof p);
            if (p.kind == ASKED_LIDS)
                answer_lids(&p);
            else if (p.kind == ASKED_GROUP)
                answer_group(&p);
            else if (p.kind == ASKED_DEVICES)
                answer_devices(&p);
            else
                answer_sessions(&p);
        }
    } while (timers_next_ms(&w.r.loop.timers) >= 0 && timers_next_ms(&w.r.loop.timers) <= mono_now);
}

void pass(int64_t ms)
{
    mono_now += ms;
    fixture_time += ms / 1000;
    run();
}

void go_online(void)
{
    w.online = true;
    events_emit_kind(&w.r.b.events, BRIDGE_EV_ONLINE);
    run();
}

void go_offline(void)
{
    w.online = false;
    events_emit_kind(&w.r.b.events, BRIDGE_EV_OFFLINE);
}

/* ---- the server's acks ---- */

void ack_at(const char *id, unsigned error, const char *phash, uint64_t t)
{
    struct node *n = node_new(&w.r.arena, "ack");
    struct stanza s = {.arena = &w.r.arena, .node = n};
    void *parsed;

    node_attr_text(&w.r.arena, n, "class", "message");
    node_attr_text(&w.r.arena, n, "id", id);
    node_attr_u64(&w.r.arena, n, "t", t);
    if (error)
        node_attr_u64(&w.r.arena, n, "error", error);
    node_attr_text(&w.r.arena, n, "phash", phash);
    OK(in_ack_handler.parse(&s, &parsed));
    OK(in_ack_handler.apply(&w.r.b, &s, parsed));
    OK(batch_commit(&w.r.b));
}

void ack_with(const char *id, unsigned error, const char *phash)
{
    ack_at(id, error, phash, 1790000123);
}

void ack(const char *id)
{
    ack_with(id, 0, NULL);
}

const char *wire_id(size_t i)
{
    return arena_cstr(&w.r.arena, node_attr_str(wire_node(i), "id", &w.r.arena));
}

/* ---- callers ---- */

static void on_done(void *ctx, const struct send_result *r)
{
    struct answer *a = ctx;

    a->given = true;
    a->calls++;
    a->result = r->result;
    a->timestamp = r->timestamp_s;
    a->code = r->server_code;
    snprintf(a->id, sizeof a->id, "%.*s", (int)r->message_id.n,
             r->message_id.p ? (const char *)r->message_id.p : "");
    snprintf(a->text, sizeof a->text, "%.*s", (int)r->text.n,
             r->text.p ? (const char *)r->text.p : "");
    snprintf(a->recipient, sizeof a->recipient, "%.*s", (int)r->recipient.n,
             r->recipient.p ? (const char *)r->recipient.p : "");
}

struct send_request request(const char *recipient, const char *text)
{
    return (struct send_request){
        .recipient = span_cstr(recipient), .message = span_cstr(text), .wait_s = 30};
}

struct send_request keyed(const char *recipient, const char *key, const char *text)
{
    struct send_request q = request(recipient, text);

    q.key = span_cstr(key);
    return q;
}

uint64_t send_with(size_t i, const struct send_request *r)
{
    uint64_t ticket;

    memset(&w.answers[i], 0, sizeof w.answers[i]);
    bridge_send(&w.r.b, r, on_done, &w.answers[i], &ticket);
    run();
    return ticket;
}

uint64_t send_text(size_t i, const char *recipient, const char *text)
{
    struct send_request r = request(recipient, text);

    return send_with(i, &r);
}

/* ---- the world ---- */

static void world_wake(void)
{
    w.r.b.config = &w.config;
    OK(group_limits_new(&w.r.b.group_limits));
    OK(person_limits_new(&w.r.b, &w.r.b.person_limits));
    OK(time_lock_new(&w.r.b, fake_online, &w.r.b.time_lock));
    OK(out_message_new(&w.r.b, &fake_ports, &w.r.b.out_message));
}

static void world_sleep(void)
{
    iq_free(&w.r.b.iq);
    out_message_free(&w.r.b, w.r.b.out_message);
    time_lock_free(w.r.b.time_lock);
    person_limits_free(w.r.b.person_limits);
    group_limits_free(w.r.b.group_limits);
}

void world_init(void)
{
    memset(&w, 0, sizeof w);
    niqs = 0;
    receiver_init(&w.r);
    iq_init(&w.r.b.iq, (struct iq_port){fake_iq_send, &w.r.b}, &w.r.loop.timers);
    world_wake();
    add_peer("222000011@lid");
    add_peer("222000011:3@lid");
    add_peer("111000111@lid");
    add_peer("111000111:9@lid");
    go_online();
}

static void world_free(void)
{
    world_sleep();
    receiver_free(&w.r);
    for (size_t i = 0; i < w.npeers; i++) {
        signal_session_free(w.peers[i].session);
        sender_key_record_free(w.peers[i].group_key);
    }
    for (size_t i = 0; i < w.nwire; i++)
        buf_free(&w.wire[i]);
}

int world_setup(void **state)
{
    (void)state;
    fixture_time = 1790000000;
    world_init();
    return 0;
}

int world_teardown(void **state)
{
    (void)state;
    world_free();
    return 0;
}

void world_restart(void)
{
    w.npending = 0;
    w.online = false;
    world_sleep();
    receiver_restart(&w.r);
    iq_init(&w.r.b.iq, (struct iq_port){fake_iq_send, &w.r.b}, &w.r.loop.timers);
    world_wake();
}

void add_member(const char *lid, const char *pn)
{
    struct store_group_member *m = &w.members[w.group.nmembers++];

    *m = (struct store_group_member){0};
    if (lid)
        m->lid = J(lid);
    if (pn)
        m->pn = J(pn);
    w.group.members = w.members;
}

void make_group(enum store_addressing addressing)
{
    memset(&w.group, 0, sizeof w.group);
    w.group.jid = J("120363000000000001@g.us");
    w.group.addressing = addressing;
    add_member("111000111@lid", "27820000001@s.whatsapp.net");
    add_member("222000011@lid", "27820000011@s.whatsapp.net");
    add_member("222000012@lid", "27820000012@s.whatsapp.net");
}
