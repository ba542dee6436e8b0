/* signal_fixture.c - see signal_fixture.h. */
#include "tests/unit/crypto/signal_fixture.h"

void person_init(struct person *p, uint8_t number)
{
    uint8_t seed[32] = {number};

    memset(p, 0, sizeof *p);
    p->rng = rng_from_seed(&p->seed, seed);
    x25519_generate(&p->rng, &p->local.identity);
    p->local.registration_id = 1000u + number;
    x25519_generate(&p->rng, &p->signed_prekey);
    p->signed_prekey_id = number;
    for (int i = 0; i < PREKEYS; i++)
        x25519_generate(&p->rng, &p->prekeys[i]);
    p->session = signal_session_new();
    assert_non_null(p->session);
}

void person_free(struct person *p)
{
    signal_session_free(p->session);
}

struct signal_bundle person_bundle(struct person *p, uint32_t prekey_id)
{
    struct signal_bundle b = {.registration_id = p->local.registration_id,
                              .signed_prekey_id = p->signed_prekey_id,
                              .has_prekey = prekey_id != 0,
                              .prekey_id = prekey_id};
    uint8_t djb[DJB_KEY_BYTES];

    memcpy(b.identity, p->local.identity.pub, 32);
    memcpy(b.signed_prekey, p->signed_prekey.pub, 32);
    if (prekey_id)
        memcpy(b.prekey, p->prekeys[prekey_id - 1].pub, 32);
    djb_encode(p->signed_prekey.pub, djb);
    assert_int_equal(
        xeddsa_sign(p->local.identity.priv, SPAN_ARRAY(djb), &p->rng, b.signed_prekey_sig), WB_OK);
    return b;
}

void person_start(struct person *from, struct person *to, uint32_t prekey_id)
{
    struct signal_bundle b = person_bundle(to, prekey_id);

    assert_int_equal(signal_session_start(from->session, &from->local, &b, &from->rng), WB_OK);
}

struct letter person_write(struct person *from, const char *text)
{
    struct letter l = {.bytes = buf_new(TEXT_MAX)};

    assert_int_equal(signal_encrypt(from->session, span_cstr(text), &l.kind, &l.bytes), WB_OK);
    return l;
}

enum wb_err person_open(struct person *to, const struct letter *l, struct buf *plain)
{
    const struct signal_session *s = to->session;
    const struct signal_state *newest = s->current ? s->current : s->archived[0];
    struct signal_prekey_header h;
    const struct x25519_pair *prekey = NULL;
    bool used = false;
    enum wb_err err;

    if (l->kind == SIGNAL_MSG)
        return signal_decrypt(to->session, buf_span(&l->bytes),
                              to->trusted || !newest ? to->trusted : newest->remote_identity,
                              &to->rng, plain);
    TRY(signal_prekey_header_parse(buf_span(&l->bytes), &h));
    if (h.has_prekey_id && h.prekey_id <= PREKEYS && !to->gone[h.prekey_id - 1])
        prekey = &to->prekeys[h.prekey_id - 1];
    TRY(signal_decrypt_prekey(to->session, &to->local, &h, to->trusted ? to->trusted : h.identity,
                              h.signed_prekey_id == to->signed_prekey_id ? &to->signed_prekey
                                                                         : NULL,
                              prekey, &to->rng, plain, &used));
    if (used)
        to->gone[h.prekey_id - 1] = true;
out:
    return err;
}

void person_reads(struct person *to, const struct letter *l, const char *text)
{
    struct buf plain = buf_new(TEXT_MAX);

    assert_int_equal(person_open(to, l, &plain), WB_OK);
    assert_string_equal(buf_cstr(&plain), text);
    buf_free(&plain);
}

static void hash_state(const struct signal_state *s, uint8_t digest[32])
{
    struct signal_state flat = *s;
    struct span parts[3 + SIGNAL_RECEIVER_CHAINS_MAX];
    size_t n = 0;

    parts[n++] = SPAN(digest, 32);
    flat.sender_chain.keys = NULL;
    for (size_t i = 0; i < s->nreceiver_chains; i++) {
        flat.receiver_chains[i].keys = NULL;
        parts[n++] = SPAN(s->receiver_chains[i].keys,
                          s->receiver_chains[i].nkeys * sizeof *s->receiver_chains[i].keys);
    }
    parts[n++] = SPAN(&flat, sizeof flat);
    sha256_v(parts, n, digest);
}

void session_digest(const struct signal_session *s, uint8_t digest[32])
{
    memset(digest, s->current ? 1 : 0, 32);
    if (s->current)
        hash_state(s->current, digest);
    for (size_t i = 0; i < s->narchived; i++)
        hash_state(s->archived[i], digest);
}

void person_refuses(struct person *to, const struct letter *l, enum wb_err expected)
{
    uint8_t before[32], after[32];
    struct buf plain = buf_new(TEXT_MAX);

    buf_append_cstr(&plain, "kept");
    session_digest(to->session, before);
    assert_string_equal(wb_err_name(person_open(to, l, &plain)), wb_err_name(expected));
    session_digest(to->session, after);
    assert_memory_equal(before, after, 32);
    assert_string_equal(buf_cstr(&plain), "kept");
    buf_free(&plain);
}

void letter_free(struct letter *l)
{
    buf_free(&l->bytes);
}

void talk(struct person *from, struct person *to, const char *text)
{
    struct letter l = person_write(from, text);

    person_reads(to, &l, text);
    letter_free(&l);
}

void from_hex(const char *hex, uint8_t *out, size_t n)
{
    size_t got = 0;

    assert_int_equal(hex_decode(span_cstr(hex), out, n, &got), WB_OK);
    assert_int_equal(got, n);
}
