/* Sender keys in lockstep with libsignal-protocol-c.
 *
 * Several senders write to one group; each sender and the receiver are played twice, by our code
 * and by the oracle, with the same keys and randomness. Ciphertexts and SKDMs must be the same
 * bytes. The receiver's twins must agree, except where our code is better on purpose: an SKDM that
 * repeats a known chain makes the oracle forget the keys that it passed over, and open used
 * messages again. So our code must open every message that the oracle opens, unless we opened it
 * before or its counter is old; and our code never opens a message twice. */
#include <signal/signal_protocol.h>

#include "lsc_provider.h"
#include "tests/unit/crypto/signal_fixture.h"
#include "twin.h"

enum { SENDERS = 4, POOL = 100, BODY_MAX = 200, STEPS_DEFAULT = 12000, STEPS_PER_LIFE = 1000 };

struct sender {
    struct sender_key_record *own;
    struct lsc_party *oracle;
    struct sender_key_record *at_receiver;
    bool introduced;
    bool doubtful; /* an SKDM was repeated: the oracle may differ */
    bool far;      /* a jump over more messages than can be walked */
    unsigned rotations;
};

struct envelope {
    bool used, opened, is_skdm;
    uint32_t sender;
    struct buf bytes, text;
};

struct world {
    struct script s;
    struct lsc *lsc;
    struct lsc_party *receiver;
    struct sender senders[SENDERS];
    struct envelope pool[POOL];
    bool long_burst;
    unsigned long sent, opened, old, refused, skdms, rotations, more;
};

static void rotate(struct world *w, uint32_t i)
{
    struct sender *x = &w->senders[i];

    CHECK(&w->s, sender_key_create(x->own, &w->s.rng) == WB_OK);
    lsc_group_own(x->oracle, i, x->own->states[0]);
    x->rotations++;
    w->rotations++;
}

static struct buf write_twice(struct world *w, uint32_t i, struct span text)
{
    struct sender *x = &w->senders[i];
    struct buf a = buf_new(TEXT_MAX), b = buf_new(TEXT_MAX);

    w->s.operation++;
    CHECK(&w->s, sender_key_encrypt(x->own, text, &w->s.shared, &a) == WB_OK);
    CHECK(&w->s, lsc_group_encrypt(x->oracle, i, text, &b) == 0);
    CHECK(&w->s, span_eq(buf_span(&a), buf_span(&b)));
    buf_free(&b);
    w->sent++;
    return a;
}

static struct buf distribution_twice(struct world *w, uint32_t i)
{
    struct sender *x = &w->senders[i];
    struct buf a = buf_new(TEXT_MAX), b = buf_new(TEXT_MAX);

    CHECK(&w->s, sender_key_distribution(x->own, &a) == WB_OK);
    CHECK(&w->s, lsc_group_distribution(x->oracle, i, &b) == 0);
    CHECK(&w->s, span_eq(buf_span(&a), buf_span(&b)));
    buf_free(&b);
    return a;
}

static void record_digest(const struct sender_key_record *r, uint8_t digest[32])
{
    memset(digest, (int)r->nstates, 32);
    for (size_t i = 0; i < r->nstates; i++) {
        struct sender_key_state flat = *r->states[i];

        flat.keys = NULL;
        flat.has_prepared = false;
        memset(&flat.prepared, 0, sizeof flat.prepared);
        sha256_v((struct span[]){SPAN(digest, 32), SPAN(&flat, sizeof flat),
                                 SPAN(r->states[i]->keys, flat.nkeys * sizeof *flat.keys)},
                 3, digest);
    }
}

static void file_skdm(struct world *w, struct envelope *e)
{
    struct sender *x = &w->senders[e->sender];

    CHECK(&w->s, sender_key_process_distribution(x->at_receiver, buf_span(&e->bytes)) == WB_OK);
    CHECK(&w->s, lsc_group_process(w->receiver, e->sender, buf_span(&e->bytes)) == 0);
    x->doubtful = x->doubtful || x->introduced;
    x->introduced = true;
    w->skdms++;
}

static bool strict_verdict(enum wb_err ours, int theirs)
{
    if (ours == WB_OK || theirs == 0)
        return ours == WB_OK && theirs == 0;
    return (ours == WB_ERR_OLD_COUNTER) == (theirs == SG_ERR_DUPLICATE_MESSAGE);
}

/* An SKDM that comes again is filed as a new key when its state was pushed out, or when it is too
 * far back to be compared. */
static bool forgetful(const struct sender *x)
{
    return x->rotations > SENDER_KEY_STATES_MAX || x->far;
}

static void read_twice(struct world *w, struct envelope *e, bool damaged)
{
    struct sender *x = &w->senders[e->sender];
    struct buf a = buf_new(TEXT_MAX), b = buf_new(TEXT_MAX);
    uint8_t before[32], after[32];
    enum wb_err err;
    int theirs;

    record_digest(x->at_receiver, before);
    err = sender_key_decrypt(x->at_receiver, buf_span(&e->bytes), &a);
    theirs = lsc_group_decrypt(w->receiver, e->sender, buf_span(&e->bytes), &b);
    record_digest(x->at_receiver, after);
    CHECK(&w->s, (err == WB_OK) == (memcmp(before, after, 32) != 0));
    CHECK(&w->s, (err == WB_OK) || a.n == 0);
    if (damaged) {
        CHECK(&w->s, err != WB_OK && theirs != 0);
    } else {
        CHECK(&w->s, x->doubtful || strict_verdict(err, theirs));
        CHECK(&w->s, theirs != 0 || err == WB_OK || (e->opened && err == WB_ERR_OLD_COUNTER));
        CHECK(&w->s, err != WB_OK || !e->opened || forgetful(x));
        CHECK(&w->s, err != WB_OK || span_eq(buf_span(&a), buf_span(&e->text)));
        CHECK(&w->s, theirs != 0 || span_eq(buf_span(&b), buf_span(&e->text)));
        e->opened = e->opened || err == WB_OK;
        w->more += err == WB_OK && theirs != 0;
    }
    w->opened += err == WB_OK;
    w->old += err == WB_ERR_OLD_COUNTER;
    w->refused += err != WB_OK && err != WB_ERR_OLD_COUNTER;
    buf_free(&a);
    buf_free(&b);
}

static void envelope_free(struct envelope *e)
{
    buf_free(&e->bytes);
    buf_free(&e->text);
    e->used = false;
}

/* Half of the senders put an SKDM before every message, as whatsmeow does; the others only after a
 * rotation and now and then. */
static void step_send(struct world *w)
{
    struct envelope *e = &w->pool[rng_below(&w->s.rng, POOL)];
    uint32_t i = rng_below(&w->s.rng, SENDERS);
    uint8_t body[BODY_MAX];

    if (e->used)
        envelope_free(e);
    memset(e, 0, sizeof *e);
    e->used = true;
    e->sender = i;
    e->text = buf_new(TEXT_MAX);
    e->is_skdm = script_chance(&w->s, i % 2 ? 450 : 60);
    rng_fill(&w->s.rng, body, sizeof body);
    if (!e->is_skdm)
        buf_append(&e->text, SPAN(body, rng_below(&w->s.rng, BODY_MAX)));
    e->bytes = e->is_skdm ? distribution_twice(w, i) : write_twice(w, i, buf_span(&e->text));
}

static struct envelope *pick(struct world *w)
{
    struct envelope *e = &w->pool[rng_below(&w->s.rng, POOL)];

    for (int i = 0; i < 4 && (!e->used || e->opened); i++)
        e = &w->pool[rng_below(&w->s.rng, POOL)];
    return e;
}

static void step_deliver(struct world *w)
{
    struct envelope *e = pick(w);

    if (e->used && e->is_skdm)
        file_skdm(w, e); /* it stays in the pool: it may come again, or late */
    else if (e->used)
        read_twice(w, e, false);
}

static void step_damage(struct world *w)
{
    struct envelope *e = pick(w);
    size_t at;

    if (!e->used || e->is_skdm)
        return;
    at = rng_below(&w->s.rng, (uint32_t)e->bytes.n);
    e->bytes.p[at] ^= 0x20;
    read_twice(w, e, true);
    e->bytes.p[at] ^= 0x20;
}

static void step_burst(struct world *w)
{
    uint32_t i = rng_below(&w->s.rng, SENDERS);
    uint32_t n = w->long_burst ? 1950 + rng_below(&w->s.rng, 100) : rng_below(&w->s.rng, 30);

    w->senders[i].far = w->senders[i].far || w->long_burst;
    w->long_burst = false;
    while (n-- > 0) {
        struct buf b = write_twice(w, i, SPAN_LIT("lost"));

        buf_free(&b);
    }
}

static void step(struct world *w)
{
    uint32_t r = rng_below(&w->s.rng, 1000);
    struct sender *x = &w->senders[rng_below(&w->s.rng, SENDERS)];

    if (r < 400) {
        step_send(w);
    } else if (r < 930) {
        step_deliver(w);
    } else if (r < 965) {
        step_damage(w);
    } else if (r < 975) {
        rotate(w, (uint32_t)(x - w->senders));
    } else if (r < 985) {
        step_burst(w);
    } else {
        struct sender_key_record *copy = sender_key_record_clone(x->at_receiver);

        CHECK(&w->s, copy != NULL);
        sender_key_record_free(x->at_receiver);
        x->at_receiver = copy;
    }
}

static void life(struct world *w, unsigned long number, unsigned long n)
{
    struct signal_local local = {.registration_id = 1};

    w->long_burst = number % 3 == 1;
    w->lsc = lsc_new(w->s.shared);
    x25519_generate(&w->s.rng, &local.identity);
    w->receiver = lsc_party_new(w->lsc, &local);
    for (uint32_t i = 0; i < SENDERS; i++) {
        w->senders[i] = (struct sender){.own = sender_key_record_new(),
                                        .oracle = lsc_party_new(w->lsc, &local),
                                        .at_receiver = sender_key_record_new()};
        rotate(w, i);
    }
    for (; n > 0; n--, w->s.step++)
        step(w);
    for (int i = 0; i < POOL; i++)
        if (w->pool[i].used)
            envelope_free(&w->pool[i]);
    for (int i = 0; i < SENDERS; i++) {
        sender_key_record_free(w->senders[i].own);
        sender_key_record_free(w->senders[i].at_receiver);
        lsc_party_free(w->senders[i].oracle);
    }
    lsc_party_free(w->receiver);
    lsc_free(w->lsc);
}

int main(int argc, char **argv)
{
    static struct world w;

    script_begin(&w.s, argc, argv, STEPS_DEFAULT);
    for (unsigned long i = 0; w.s.step < w.s.steps; i++) {
        unsigned long left = w.s.steps - w.s.step;

        life(&w, i, left < STEPS_PER_LIFE ? left : STEPS_PER_LIFE);
    }
    printf("%lu steps, seed %llu: %lu messages sent, %lu SKDMs filed, %lu rotations, %lu opened "
           "(%lu of them not by the oracle), %lu old, %lu refused\n",
           w.s.steps, (unsigned long long)w.s.seed, w.sent, w.skdms, w.rotations, w.opened, w.more,
           w.old, w.refused);
    CHECK(&w.s, w.s.steps < 1000 || (w.opened > 0 && w.old > 0 && w.refused > 0 && w.skdms > 2));
    return 0;
}
