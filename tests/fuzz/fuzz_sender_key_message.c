/* SenderKeyMessage from a group member. First byte odd: the rest is laid over a good message, so
 * that the fuzzer is at the signature at once; even: the rest is the message, signed by the sender
 * when bit 1 is set (a member may be hostile, too). */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/signal.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

struct stage {
    struct sender_key_record *own, *receiver;
    struct buf message;
    struct rng_seeded seed;
    struct rng rng;
};

static void stage_open(struct stage *s)
{
    static const uint8_t seed[32] = {43};
    struct buf skdm = buf_new(256), skipped = buf_new(256);

    must(secret_init() == WB_OK);
    s->rng = rng_from_seed(&s->seed, seed);
    s->own = sender_key_record_new();
    s->receiver = sender_key_record_new();
    must(s->own && s->receiver && sender_key_create(s->own, &s->rng) == WB_OK);
    s->own->states[0]->key_id = 1; /* within reach of the fuzzer */
    must(sender_key_distribution(s->own, &skdm) == WB_OK);
    must(sender_key_process_distribution(s->receiver, buf_span(&skdm)) == WB_OK);
    must(sender_key_encrypt(s->own, SPAN_LIT("skipped"), &s->rng, &skipped) == WB_OK);
    s->message = buf_new(4096);
    must(sender_key_encrypt(s->own, SPAN_LIT("text"), &s->rng, &s->message) == WB_OK);
    buf_free(&skdm);
    buf_free(&skipped);
}

static void make_input(struct stage *s, const uint8_t *data, size_t size, struct buf *in)
{
    uint8_t sig[XEDDSA_SIG_BYTES];

    if (data[0] & 1) {
        buf_append(in, buf_span(&s->message));
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
    struct sender_key_record *r;
    struct buf in = buf_new(1 << 20), plain = buf_new(1 << 20);
    enum wb_err err;

    if (size == 0 || size > 65536)
        return 0;
    if (!s.own)
        stage_open(&s);
    make_input(&s, data, size, &in);
    r = sender_key_record_clone(s.receiver);
    must(r != NULL);
    err = sender_key_decrypt(r, buf_span(&in), &plain);
    if (err != WB_OK) {
        must(plain.n == 0 && r->states[0]->iteration == s.receiver->states[0]->iteration &&
             r->states[0]->nkeys == s.receiver->states[0]->nkeys &&
             memcmp(r->states[0]->chain_key, s.receiver->states[0]->chain_key, 32) == 0);
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
