/* SenderKeyMessage from a group member. First byte odd: the rest is laid over a good message, so
 * that the fuzzer reaches the signature at once; even: the rest is the message, and the sender
 * signs it when bit 1 is set (a member may be hostile, too). Bit 2: the receiver has the chain in
 * two states, and both can open the good message. */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/signal_internal.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

struct stage {
    struct sender_key_record *own, *receiver[2]; /* [1]: the chain in two states */
    struct buf message[2];
    struct rng_seeded seed;
    struct rng rng;
};

static void moved_on(struct stage *s, uint32_t n)
{
    struct sender_key_state *state = s->own->states[0];

    for (uint32_t i = 0; i < n; i++)
        sender_chain_key_next(state->chain_key);
    state->iteration += n;
}

static struct buf written(struct stage *s, const char *text)
{
    struct buf b = buf_new(4096);

    must(sender_key_encrypt(s->own, span_cstr(text), &s->rng, &b) == WB_OK);
    return b;
}

static void filed(struct sender_key_record *r, const struct buf *skdm)
{
    must(sender_key_process_distribution(r, buf_span(skdm)) == WB_OK);
}

static void opened(struct sender_key_record *r, struct buf *message)
{
    struct buf plain = buf_new(4096);

    must(sender_key_decrypt(r, buf_span(message), &plain) == WB_OK);
    buf_free(&plain);
    buf_free(message);
}

/* Adds a state that begins too far on to be recognized as the same chain, with one message passed
 * over; and in front of it the state of an old SKDM, now close to the other. */
static void stage_twin(struct stage *s, const struct buf *old_skdm)
{
    struct buf skdm = buf_new(256), middle, behind;

    s->receiver[1] = sender_key_record_new();
    must(s->receiver[1] != NULL);
    moved_on(s, SENDER_KEY_FORWARD_MAX / 2);
    middle = written(s, "middle");
    moved_on(s, SENDER_KEY_FORWARD_MAX / 2 + 100);
    must(sender_key_distribution(s->own, &skdm) == WB_OK);
    s->message[1] = written(s, "text");
    behind = written(s, "behind");
    filed(s->receiver[1], &skdm);
    opened(s->receiver[1], &behind);
    filed(s->receiver[1], old_skdm);
    opened(s->receiver[1], &middle);
    must(s->receiver[1]->nstates == 2);
    buf_free(&skdm);
}

static void stage_open(struct stage *s)
{
    static const uint8_t seed[32] = {43};
    struct buf skdm = buf_new(256), skipped;

    must(secret_init() == WB_OK);
    s->rng = rng_from_seed(&s->seed, seed);
    s->own = sender_key_record_new();
    s->receiver[0] = sender_key_record_new();
    must(s->own && s->receiver[0] && sender_key_create(s->own, &s->rng) == WB_OK);
    s->own->states[0]->key_id = 1; /* so that the fuzzer can reach it */
    must(sender_key_distribution(s->own, &skdm) == WB_OK);
    filed(s->receiver[0], &skdm);
    skipped = written(s, "skipped");
    s->message[0] = written(s, "text");
    stage_twin(s, &skdm);
    buf_free(&skdm);
    buf_free(&skipped);
}

static void make_input(struct stage *s, const uint8_t *data, size_t size, struct buf *in)
{
    uint8_t sig[XEDDSA_SIG_BYTES];

    if (data[0] & 1) {
        buf_append(in, buf_span(&s->message[data[0] >> 2 & 1]));
        for (size_t i = 1; i < size && i <= in->n; i++)
            in->p[i - 1] ^= data[i];
        return;
    }
    buf_append(in, SPAN(data + 1, size - 1));
    if (data[0] & 2) {
        must(xeddsa_sign(s->own->states[0]->signing_priv, buf_span(in), &s->rng, sig) == WB_OK);
        buf_append(in, SPAN_ARRAY(sig));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stage s;
    const struct sender_key_record *before;
    struct sender_key_record *r;
    struct buf in = buf_new(1 << 20), plain = buf_new(1 << 20);
    enum wb_err err;

    if (size == 0 || size > 65536)
        return 0;
    if (!s.own)
        stage_open(&s);
    make_input(&s, data, size, &in);
    before = s.receiver[data[0] >> 2 & 1];
    r = sender_key_record_clone(before);
    must(r != NULL);
    err = sender_key_decrypt(r, buf_span(&in), &plain);
    if (err != WB_OK) {
        for (size_t i = 0; i < before->nstates; i++)
            must(plain.n == 0 && r->states[i]->iteration == before->states[i]->iteration &&
                 r->states[i]->nkeys == before->states[i]->nkeys &&
                 memcmp(r->states[i]->chain_key, before->states[i]->chain_key, 32) == 0);
    } else {
        must(r->states[0]->nkeys <= SENDER_KEY_MESSAGE_KEYS_MAX);
        err = sender_key_decrypt(r, buf_span(&in), &plain);
        must(err == WB_ERR_OLD_COUNTER);
    }
    sender_key_record_free(r);
    buf_free(&in);
    buf_free(&plain);
    return 0;
}
