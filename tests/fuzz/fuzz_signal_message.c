/* SignalMessage and PreKeySignalMessage from a peer. The first byte says how the rest is used: as
 * the bytes of a message, or laid over a good message (so that the fuzzer is past the version and
 * the ratchet key at once). A refused message must not change the record; a forged one must be
 * refused. */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/signal.h"

struct stage {
    struct signal_local a, b;
    struct x25519_pair signed_prekey, prekey;
    struct signal_session *to_b, *to_a; /* a's and b's records */
    struct buf message[2];              /* good messages, by signal_message_kind */
    struct rng_seeded seed;
    struct rng rng;
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void stage_open(struct stage *s)
{
    static const uint8_t seed[32] = {42};
    struct signal_bundle bundle = {
        .registration_id = 2, .signed_prekey_id = 1, .has_prekey = true, .prekey_id = 1};
    struct signal_prekey_header h;
    enum signal_message_kind kind;
    uint8_t djb[DJB_KEY_BYTES];
    struct buf plain = buf_new(1024);
    bool used;

    must(secret_init() == WB_OK);
    s->rng = rng_from_seed(&s->seed, seed);
    x25519_generate(&s->rng, &s->a.identity);
    x25519_generate(&s->rng, &s->b.identity);
    x25519_generate(&s->rng, &s->signed_prekey);
    x25519_generate(&s->rng, &s->prekey);
    memcpy(bundle.identity, s->b.identity.pub, 32);
    memcpy(bundle.signed_prekey, s->signed_prekey.pub, 32);
    memcpy(bundle.prekey, s->prekey.pub, 32);
    djb_encode(s->signed_prekey.pub, djb);
    must(xeddsa_sign(s->b.identity.priv, SPAN_ARRAY(djb), &s->rng, bundle.signed_prekey_sig) ==
         WB_OK);
    s->to_b = signal_session_new();
    s->to_a = signal_session_new();
    must(s->to_a && s->to_b);
    s->message[SIGNAL_MSG] = buf_new(4096);
    s->message[SIGNAL_PKMSG] = buf_new(4096);
    must(signal_session_start(s->to_b, &s->a, &bundle, &s->rng) == WB_OK);
    must(signal_encrypt(s->to_b, SPAN_LIT("first"), &kind, &s->message[SIGNAL_PKMSG]) == WB_OK);
    must(signal_prekey_header_parse(buf_span(&s->message[SIGNAL_PKMSG]), &h) == WB_OK);
    must(signal_decrypt_prekey(s->to_a, &s->b, &h, s->a.identity.pub, &s->signed_prekey, &s->prekey,
                               &s->rng, &plain, &used) == WB_OK);
    must(signal_encrypt(s->to_b, SPAN_LIT("second"), &kind, &s->message[SIGNAL_MSG]) == WB_OK);
    /* The pkmsg that came out holds a message of the second kind. */
    must(signal_prekey_header_parse(buf_span(&s->message[SIGNAL_MSG]), &h) == WB_OK);
    buf_consume(&s->message[SIGNAL_MSG], (size_t)(h.message.p - s->message[SIGNAL_MSG].p));
    must(s->message[SIGNAL_MSG].n >= h.message.n);
    s->message[SIGNAL_MSG].n = h.message.n;
    buf_free(&plain);
}

/* The counters and sizes of a record: a refused message would disturb these most easily. */
static uint64_t outline(const struct signal_session *s)
{
    uint64_t sum = s->narchived;

    if (!s->current)
        return sum;
    sum = sum * 31 + s->current->nreceiver_chains;
    sum = sum * 31 + s->current->sender_chain.chain_key.index;
    for (size_t i = 0; i < s->current->nreceiver_chains; i++) {
        sum = sum * 31 + s->current->receiver_chains[i].chain_key.index;
        sum = sum * 31 + s->current->receiver_chains[i].nkeys;
    }
    for (int i = 0; i < 32; i++)
        sum = sum * 31 + s->current->root_key[i];
    return sum;
}

static enum wb_err try_prekey(struct stage *s, struct signal_session *session, struct span in,
                              struct buf *plain)
{
    struct signal_prekey_header h;
    bool used = false;
    enum wb_err err;

    TRY(signal_prekey_header_parse(in, &h));
    TRY(signal_decrypt_prekey(session, &s->b, &h, s->a.identity.pub, &s->signed_prekey,
                              h.prekey_id == 1 ? &s->prekey : NULL, &s->rng, plain, &used));
out:
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stage s;
    enum signal_message_kind kind;
    struct signal_session *session;
    struct buf in = buf_new(1 << 20), plain = buf_new(1 << 20);
    uint64_t before;
    enum wb_err err;

    if (size == 0)
        return 0;
    if (!s.to_a)
        stage_open(&s);
    kind = data[0] & 1 ? SIGNAL_PKMSG : SIGNAL_MSG;
    if (data[0] & 2) {
        buf_append(&in, buf_span(&s.message[kind]));
        for (size_t i = 1; i < size && i <= in.n; i++)
            in.p[i - 1] ^= data[i];
    } else {
        buf_append(&in, SPAN(data + 1, size - 1));
    }
    session = data[0] & 4 ? signal_session_new() : signal_session_clone(s.to_a);
    must(session != NULL);
    before = outline(session);
    err = kind == SIGNAL_PKMSG
              ? try_prekey(&s, session, buf_span(&in), &plain)
              : signal_decrypt(session, buf_span(&in), s.a.identity.pub, &s.rng, &plain);
    if (err != WB_OK)
        must(outline(session) == before && plain.n == 0);
    else /* nobody has the keys to write anything else */
        must(span_eq(buf_span(&plain), SPAN_LIT("first")) ||
             span_eq(buf_span(&plain), SPAN_LIT("second")));
    signal_session_free(session);
    buf_free(&in);
    buf_free(&plain);
    return 0;
}
