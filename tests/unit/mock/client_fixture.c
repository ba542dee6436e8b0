/* client_fixture.c - see client_fixture.h. */
#include "tests/unit/mock/client_fixture.h"

static int64_t fixed_now(void *ctx)
{
    return ((struct fixture *)ctx)->now_ms;
}

static void nothing(void *socket)
{
    (void)socket;
}

static void no_cut(void *socket, enum socket_cut how)
{
    (void)socket;
    (void)how;
}

int setup(void **state)
{
    static struct fixture f;
    struct mock_config c = config_default();
    uint8_t signed_part[1 + X25519_KEY_BYTES] = {DJB_TYPE};

    c.has_seed = true;
    c.seed[0] = 7;
    c.phone_per_name = true;
    c.chatstate_ttl_ms = 3000;
    memset(&f, 0, sizeof f);
    f.name = "Rust";
    f.now_ms = 1700000000000;
    f.clock = (struct clock){fixed_now, fixed_now, &f};
    OK(secret_init());
    OK(mock_init(&f.m, &c, &f.clock));
    f.m.want_write = f.m.close_socket = nothing;
    f.m.cut_socket = no_cut;
    f.a = arena_new(1 << 20);
    f.reader = frame_reader_new(FRAME_PAYLOAD_MAX);
    x25519_generate(&f.m.rng, &f.noise);
    x25519_generate(&f.m.rng, &f.identity);
    x25519_generate(&f.m.rng, &f.skey);
    rng_fill(&f.m.rng, f.adv_secret, sizeof f.adv_secret);
    memcpy(signed_part + 1, f.skey.pub, X25519_KEY_BYTES);
    OK(xeddsa_sign(f.identity.priv, SPAN_ARRAY(signed_part), &f.m.rng, f.skey_sig));
    *state = &f;
    return 0;
}

void hang_up(struct fixture *f)
{
    if (f->c)
        client_gone(f->c);
    f->c = NULL;
    if (f->online)
        noise_transport_free(&f->tr);
    f->online = false;
    frame_reader_free(&f->reader);
    f->reader = frame_reader_new(FRAME_PAYLOAD_MAX);
}

int teardown(void **state)
{
    struct fixture *f = *state;

    hang_up(f);
    frame_reader_free(&f->reader);
    arena_free(&f->a);
    mock_free(&f->m);
    return 0;
}

size_t flag_count(const struct mock *m, const char *what, bool notes)
{
    size_t n = 0;

    for (const struct flag *f = m->flags; f != NULL; f = f->next)
        n += strcmp(f->what, what) == 0 && f->note == notes;
    return n;
}

size_t faults(const struct mock *m)
{
    size_t n = 0;

    for (const struct flag *f = m->flags; f != NULL; f = f->next)
        n += !f->note;
    return n;
}

/* ---- the wire ---- */

void push(struct fixture *f, struct span payload)
{
    struct buf framed = buf_new(1 << 20);

    OK(frame_write(&framed, payload));
    client_receive(f->c, buf_span(&framed));
    buf_free(&framed);
}

/* The next frame that the server has sent, copied to out. False: there is none. */
static bool pull(struct fixture *f, struct buf *out)
{
    struct span frame;

    for (;;) {
        OK(frame_reader_next(&f->reader, &frame));
        if (frame.p) {
            buf_append(out, frame);
            return true;
        }
        struct out_msg *o = client_next_out(f->c);
        if (!o)
            return false;
        OK(frame_reader_push(&f->reader, SPAN(o->bytes, o->n)));
        free(o);
    }
}

void send_node(struct fixture *f, const struct node *n)
{
    struct buf packed = buf_new(1 << 20), sealed = buf_new(1 << 20);

    OK(node_pack(n, &packed));
    OK(noise_transport_seal(&f->tr, buf_span(&packed), &sealed));
    push(f, buf_span(&sealed));
    buf_free(&packed);
    buf_free(&sealed);
}

const struct node *read_node(struct fixture *f)
{
    struct buf sealed = buf_new(1 << 20), plain = buf_new(1 << 20);
    struct node *n = NULL;

    if (pull(f, &sealed)) {
        OK(noise_transport_open(&f->tr, buf_span(&sealed), &plain));
        struct span kept = arena_copy(&f->a, buf_span(&plain)); /* the node borrows it */
        OK(node_unpack(kept, &f->a, &n));
    }
    buf_free(&sealed);
    buf_free(&plain);
    return n;
}

const struct node *await(struct fixture *f, const char *tag)
{
    const struct node *n;

    while ((n = read_node(f)) != NULL && !node_is(n, tag))
        ;
    assert_non_null(n);
    return n;
}

void be(uint32_t v, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

static void payload_of(struct fixture *f, uint64_t user, uint64_t device, struct buf *out)
{
    struct buf version = buf_new(64), agent = buf_new(64), pairing = buf_new(512);
    uint8_t reg[4], id[3], type = DJB_TYPE, build[16] = {1};

    be(77, 4, reg);
    be(1, 3, id);
    pb_put_u64(&version, 1, 2);
    pb_put_u64(&version, 2, 3000);
    pb_put_u64(&version, 3, 1030000000);
    pb_put_bytes(&agent, 2, buf_span(&version));
    pb_put_bytes(out, 5, buf_span(&agent));
    pb_put_text(out, 7, f->name);
    if (user != 0) {
        pb_put_u64(out, 1, user);
        pb_put_u64(out, 18, device);
    } else {
        pb_put_bytes(&pairing, 1, SPAN_ARRAY(reg));
        pb_put_bytes(&pairing, 2, SPAN(&type, 1));
        pb_put_bytes(&pairing, 3, SPAN_ARRAY(f->identity.pub));
        pb_put_bytes(&pairing, 4, SPAN_ARRAY(id));
        pb_put_bytes(&pairing, 5, SPAN_ARRAY(f->skey.pub));
        pb_put_bytes(&pairing, 6, SPAN_ARRAY(f->skey_sig));
        pb_put_bytes(&pairing, 7, SPAN_ARRAY(build));
        pb_put_bytes(&pairing, 8, SPAN_LIT("\x18\x01"));
        pb_put_bytes(out, 19, buf_span(&pairing));
    }
    buf_free(&version);
    buf_free(&agent);
    buf_free(&pairing);
}

/* Mixes the names with which both sides begin, by hand: the fixture must not use the server's
 * code. */
static void begin_fallback(struct noise_handshake *hs)
{
    struct span name = span_cstr("Noise_XXfallback_25519_AESGCM_SHA256");

    sha256(name, hs->sym.ck);
    struct span parts[2] = {SPAN_ARRAY(hs->sym.ck), SPAN(wa_intro, WA_INTRO_BYTES)};
    sha256_v(parts, 2, hs->sym.h);
}

/* Sends ClientHello. ik: as a client that holds the server's static key. The sealed parts (`48` and
 * `60` bytes) can be checked only by a server that speaks IK; this one must not even look. */
static void hello(struct fixture *f, bool ik)
{
    struct buf inner = buf_new(512), msg = buf_new(512), first = buf_new(512);
    uint8_t e[X25519_KEY_BYTES], sealed[60];

    if (ik)
        begin_fallback(&f->hs);
    OK(noise_write_1(&f->hs, e));
    pb_put_bytes(&inner, 1, SPAN_ARRAY(e));
    rng_fill(&f->m.rng, sealed, sizeof sealed);
    if (ik) {
        pb_put_bytes(&inner, 2, SPAN(sealed, NOISE_STATIC_CT_BYTES));
        pb_put_bytes(&inner, 3, SPAN_ARRAY(sealed));
    }
    pb_put_bytes(&msg, 2, buf_span(&inner));
    buf_append(&first, SPAN(wa_intro, WA_INTRO_BYTES));
    OK(frame_write(&first, buf_span(&msg)));
    client_receive(f->c, buf_span(&first));
    buf_free(&inner);
    buf_free(&msg);
    buf_free(&first);
}

static void finish(struct fixture *f, struct span payload)
{
    struct buf frame = buf_new(1 << 16), chain = buf_new(1 << 16), s = buf_new(256);
    struct buf ct = buf_new(1 << 16), inner = buf_new(1 << 16), msg = buf_new(1 << 16);

    assert_true(pull(f, &frame));
    struct span server = pb_bytes(buf_span(&frame), 3);
    OK(noise_read_2(&f->hs, pb_bytes(server, 1), pb_bytes(server, 2), pb_bytes(server, 3), &chain));
    assert_memory_equal(f->hs.rs, f->m.noise_static.pub, X25519_KEY_BYTES);
    OK(noise_write_3(&f->hs, payload, &s, &ct));
    pb_put_bytes(&inner, 1, buf_span(&s));
    pb_put_bytes(&inner, 2, buf_span(&ct));
    pb_put_bytes(&msg, 4, buf_span(&inner));
    OK(noise_split(&f->hs, &f->tr));
    f->online = true;
    push(f, buf_span(&msg));
    buf_free(&frame);
    buf_free(&chain);
    buf_free(&s);
    buf_free(&ct);
    buf_free(&inner);
    buf_free(&msg);
}

void connect_as(struct fixture *f, bool ik, uint64_t user, uint64_t device)
{
    struct buf payload = buf_new(4096);

    f->c = client_new(&f->m, f, &session_ops);
    assert_non_null(f->c);
    OK(noise_handshake_init(&f->hs, true, SPAN(wa_intro, WA_INTRO_BYTES), &f->noise, &f->m.rng));
    hello(f, ik);
    payload_of(f, user, device, &payload);
    finish(f, buf_span(&payload));
    noise_handshake_free(&f->hs);
    buf_free(&payload);
}

/* ---- pairing ---- */

const struct node *scan(struct fixture *f)
{
    struct buf qr = buf_new(1024);
    const struct node *offer = await(f, "iq");
    struct span ref = node_content_bytes(node_child(node_child(offer, "pair-device"), "ref"));

    buf_append(&qr, ref);
    buf_append_cstr(&qr, ",");
    buf_b64(&qr, SPAN_ARRAY(f->noise.pub));
    buf_append_cstr(&qr, ",");
    buf_b64(&qr, SPAN_ARRAY(f->identity.pub));
    buf_append_cstr(&qr, ",");
    buf_b64(&qr, SPAN_ARRAY(f->adv_secret));
    mock_enter(&f->m);
    struct pair_answer answer = pair_scan_qr(&f->m, buf_span(&qr), NULL);
    mock_leave(&f->m);
    assert_int_equal(answer.status, 200);
    buf_free(&qr);
    return await(f, "iq");
}

void sign(struct fixture *f, const struct node *success, enum account_key key)
{
    const struct node *sealed = node_child(node_child(success, "pair-success"), "device-identity");
    struct span signed_id = pb_bytes(node_content_bytes(sealed), 1);
    struct span details = pb_bytes(signed_id, 1), account = pb_bytes(signed_id, 2);
    struct buf reply = buf_new(1024);
    uint8_t sig[XEDDSA_SIG_BYTES], other[X25519_KEY_BYTES] = {5};

    OK(adv_make_device_signature(&f->identity, details, account.p, &f->m.rng, sig));
    pb_put_bytes(&reply, 1, details);
    if (key != KEY_LEFT_OUT)
        pb_put_bytes(&reply, 2, key == KEY_OTHER ? SPAN_ARRAY(other) : account);
    pb_put_bytes(&reply, 3, pb_bytes(signed_id, 3));
    pb_put_bytes(&reply, 4, SPAN_ARRAY(sig));
    struct node *iq = node_new(&f->a, "iq");
    struct jid server = jid_server_only(JID_PN);
    node_attr_jid(&f->a, iq, "to", &server);
    node_attr_text(&f->a, iq, "type", "result");
    node_copy_attr(&f->a, iq, success, "id");
    struct node *part = node_child_new(&f->a, iq, "pair-device-sign");
    struct node *id = node_child_new(&f->a, part, "device-identity");
    node_attr_u64(&f->a, id, "key-index", pb_u64(details, 3, 0));
    node_set_bytes(&f->a, id, buf_span(&reply));
    send_node(f, iq);
    buf_free(&reply);
}

struct device *the_device(struct fixture *f)
{
    struct mock_account *a = f->m.world.accounts[f->m.world.naccounts - 1];

    return a->devices[a->ndevices - 1];
}

struct device *online(struct fixture *f)
{
    connect_as(f, false, 0, 0);
    sign(f, scan(f), KEY_LEFT_OUT);
    assert_true(node_attr_is(await(f, "stream:error"), "code", "515"));
    hang_up(f);
    struct device *d = the_device(f);
    connect_as(f, false, strtoull(d->account->pn.user, NULL, 10), d->number);
    (void)await(f, "success");
    return d;
}

struct node *request(struct fixture *f, const char *type, const char *id)
{
    struct node *iq = node_new(&f->a, "iq");
    struct jid server = jid_server_only(JID_PN);

    node_attr_jid(&f->a, iq, "to", &server);
    node_attr_text(&f->a, iq, "type", type);
    node_attr_text(&f->a, iq, "xmlns", "encrypt");
    node_attr_text(&f->a, iq, "id", id);
    return iq;
}

const struct node *answer_to(struct fixture *f, const char *id)
{
    const struct node *n;

    do
        n = await(f, "iq");
    while (!node_attr_is(n, "id", id));
    return n;
}
