/* Pairwise sessions in lockstep with libsignal-protocol-c.
 *
 * Two devices talk. Each is played twice, by our code and by the oracle, with the same keys and the
 * same randomness. Every step is done by both twins: their ciphertexts must be the same bytes,
 * their verdicts on a received message the same, and a refused message must leave our record as it
 * was. The script sends, delivers in any order, loses, repeats and damages messages, and starts
 * sessions anew from one side or both. */
#include <signal/signal_protocol.h>

#include "lsc_provider.h"
#include "tests/unit/crypto/signal_fixture.h"
#include "twin.h"

enum { POOL = 80, BODY_MAX = 200, STEPS_DEFAULT = 12000, STEPS_PER_LIFE = 400 };

struct device {
    struct signal_local local;
    struct x25519_pair signed_prekey;
    uint8_t signed_prekey_sig[XEDDSA_SIG_BYTES];
    struct x25519_pair prekeys[LSC_PREKEYS_MAX];
    bool usable[LSC_PREKEYS_MAX];
    uint32_t next_prekey;
    struct signal_session *ours;
    struct lsc_party *oracle;
};

/* A message on its way, or kept to be repeated. */
struct envelope {
    bool used, delivered;
    int to;
    struct letter letter;
    struct buf text;
};

struct world {
    struct script s;
    struct lsc *lsc;
    struct device d[2];
    struct envelope pool[POOL];
    uint32_t restarts;    /* per 1000 steps */
    uint32_t long_bursts; /* bursts still to come in this life */
    size_t archived_most;
    unsigned long sent, opened, old, refused, started;
};

static void device_init(struct world *w, struct device *d, uint32_t number)
{
    uint8_t djb[DJB_KEY_BYTES];

    x25519_generate(&w->s.rng, &d->local.identity);
    x25519_generate(&w->s.rng, &d->signed_prekey);
    d->local.registration_id = number;
    d->next_prekey = 1;
    djb_encode(d->signed_prekey.pub, djb);
    CHECK(&w->s, xeddsa_sign(d->local.identity.priv, SPAN_ARRAY(djb), &w->s.rng,
                             d->signed_prekey_sig) == WB_OK);
    d->ours = signal_session_new();
    d->oracle = lsc_party_new(w->lsc, &d->local);
    lsc_party_set_signed_prekey(d->oracle, number, &d->signed_prekey, d->signed_prekey_sig);
}

static struct signal_bundle take_bundle(struct world *w, struct device *d)
{
    struct signal_bundle b = {.registration_id = d->local.registration_id,
                              .signed_prekey_id = d->local.registration_id};

    memcpy(b.identity, d->local.identity.pub, 32);
    memcpy(b.signed_prekey, d->signed_prekey.pub, 32);
    memcpy(b.signed_prekey_sig, d->signed_prekey_sig, sizeof b.signed_prekey_sig);
    if (d->next_prekey < LSC_PREKEYS_MAX && script_chance(&w->s, 700)) {
        uint32_t id = d->next_prekey++;

        x25519_generate(&w->s.rng, &d->prekeys[id]);
        d->usable[id] = true;
        lsc_party_add_prekey(d->oracle, id, &d->prekeys[id]);
        b.has_prekey = true;
        b.prekey_id = id;
        memcpy(b.prekey, d->prekeys[id].pub, 32);
    }
    return b;
}

static void start(struct world *w, int from)
{
    struct signal_bundle b = take_bundle(w, &w->d[!from]);
    struct device *d = &w->d[from];

    w->s.operation++;
    CHECK(&w->s, signal_session_start(d->ours, &d->local, &b, &w->s.shared) == WB_OK);
    CHECK(&w->s, lsc_start(d->oracle, &b) == 0);
    w->started++;
}

/* Both twins write; the bytes are the same. */
static struct letter write_twice(struct world *w, int from, struct span text)
{
    struct device *d = &w->d[from];
    struct letter l = {.bytes = buf_new(TEXT_MAX)};
    struct buf other = buf_new(TEXT_MAX);
    enum signal_message_kind kind = SIGNAL_MSG;

    if (!signal_session_can_send(d->ours))
        start(w, from);
    CHECK(&w->s, signal_encrypt(d->ours, text, &l.kind, &l.bytes) == WB_OK);
    CHECK(&w->s, lsc_encrypt(d->oracle, text, &kind, &other) == 0);
    CHECK(&w->s, kind == l.kind);
    CHECK(&w->s, span_eq(buf_span(&l.bytes), buf_span(&other)));
    buf_free(&other);
    w->sent++;
    return l;
}

static enum wb_err open_ours(struct world *w, struct device *d, const struct letter *l,
                             struct buf *plain)
{
    const uint8_t *trusted = w->d[d == &w->d[0]].local.identity.pub;
    struct signal_prekey_header h;
    const struct x25519_pair *prekey = NULL;
    bool used = false;
    enum wb_err err;

    if (l->kind == SIGNAL_MSG)
        return signal_decrypt(d->ours, buf_span(&l->bytes), trusted, &w->s.shared, plain);
    TRY(signal_prekey_header_parse(buf_span(&l->bytes), &h));
    if (h.has_prekey_id && h.prekey_id < LSC_PREKEYS_MAX && d->usable[h.prekey_id])
        prekey = &d->prekeys[h.prekey_id];
    TRY(signal_decrypt_prekey(d->ours, &d->local, &h, trusted,
                              h.signed_prekey_id == d->local.registration_id ? &d->signed_prekey
                                                                             : NULL,
                              prekey, &w->s.shared, plain, &used));
    if (used)
        d->usable[h.prekey_id] = false;
out:
    return err;
}

static bool same_verdict(enum wb_err ours, int theirs)
{
    if (ours == WB_OK || theirs == 0)
        return ours == WB_OK && theirs == 0;
    return (ours == WB_ERR_OLD_COUNTER) == (theirs == SG_ERR_DUPLICATE_MESSAGE) &&
           (ours == WB_ERR_BAD_KEY_ID) == (theirs == SG_ERR_INVALID_KEY_ID);
}

/* Both twins read: the same verdict, the same text. */
static enum wb_err read_twice(struct world *w, int to, const struct letter *l, struct span text)
{
    struct device *d = &w->d[to];
    struct buf a = buf_new(TEXT_MAX), b = buf_new(TEXT_MAX);
    uint8_t before[32], after[32];
    enum wb_err err;
    bool agreed;
    int theirs;

    w->s.operation++;
    session_digest(d->ours, before);
    err = open_ours(w, d, l, &a);
    theirs = lsc_decrypt(d->oracle, l->kind, buf_span(&l->bytes), &b);
    /* For damaged bytes only that both refuse: we take an absent counter for 0, for example. */
    agreed = span_is_null(text) ? err != WB_OK && theirs != 0 : same_verdict(err, theirs);
    if (!agreed)
        fprintf(stderr, "ours: %s, oracle: %d\n", wb_err_name(err), theirs);
    CHECK(&w->s, agreed);
    CHECK(&w->s, span_eq(buf_span(&a), buf_span(&b)));
    session_digest(d->ours, after);
    CHECK(&w->s, (err == WB_OK) == (memcmp(before, after, 32) != 0));
    if (err == WB_OK)
        CHECK(&w->s, span_eq(buf_span(&a), text));
    w->opened += err == WB_OK;
    w->old += err == WB_ERR_OLD_COUNTER;
    w->refused += err != WB_OK && err != WB_ERR_OLD_COUNTER;
    buf_free(&a);
    buf_free(&b);
    return err;
}

static void envelope_free(struct envelope *e)
{
    buf_free(&e->text);
    buf_free(&e->letter.bytes);
    e->used = false;
}

static void step_send(struct world *w)
{
    struct envelope *e = &w->pool[rng_below(&w->s.rng, POOL)];
    uint8_t body[BODY_MAX];
    int from = (int)rng_below(&w->s.rng, 2);

    if (e->used)
        envelope_free(e); /* the envelope's old letter is lost */
    rng_fill(&w->s.rng, body, sizeof body);
    e->text = buf_new(TEXT_MAX);
    buf_append(&e->text, SPAN(body, rng_below(&w->s.rng, BODY_MAX)));
    e->letter = write_twice(w, from, buf_span(&e->text));
    e->to = !from;
    e->delivered = false;
    e->used = true;
}

/* Whether a pkmsg sets up its session again: one without a one-time prekey does so once the session
 * was pushed out of the archive, because X3DH cannot tell. */
static bool opens_again(struct world *w, const struct envelope *e)
{
    struct signal_prekey_header h;

    return e->letter.kind == SIGNAL_PKMSG && w->d[e->to].ours->narchived > 0 &&
           signal_prekey_header_parse(buf_span(&e->letter.bytes), &h) == WB_OK &&
           !h.has_prekey_id && w->restarts > 100;
}

static void step_deliver(struct world *w)
{
    struct envelope *e = &w->pool[rng_below(&w->s.rng, POOL)];
    enum wb_err err;

    /* Mostly a new message, sometimes a repetition. */
    for (int i = 0; i < 5 && (!e->used || e->delivered); i++)
        e = &w->pool[rng_below(&w->s.rng, POOL)];
    if (!e->used)
        return;
    err = read_twice(w, e->to, &e->letter, e->text.n ? buf_span(&e->text) : SPAN_LIT(""));
    CHECK(&w->s, !e->delivered || err != WB_OK || opens_again(w, e));
    e->delivered = e->delivered || err == WB_OK;
}

static void step_damage(struct world *w)
{
    struct envelope *e = &w->pool[rng_below(&w->s.rng, POOL)];
    struct span inner;
    uint8_t bit = (uint8_t)(1u << rng_below(&w->s.rng, 8));
    struct signal_prekey_header h;
    uint8_t *at;

    if (!e->used)
        return;
    inner = buf_span(&e->letter.bytes);
    if (e->letter.kind == SIGNAL_PKMSG) {
        CHECK(&w->s, signal_prekey_header_parse(inner, &h) == WB_OK);
        inner = h.message; /* the MAC does not protect the rest */
    }
    at =
        e->letter.bytes.p + (inner.p - e->letter.bytes.p) + rng_below(&w->s.rng, (uint32_t)inner.n);
    *at ^= bit;
    CHECK(&w->s, read_twice(w, e->to, &e->letter, SPAN_NULL) != WB_OK);
    *at ^= bit;
}

/* Many messages that nobody will see, to reach the limits of a chain. */
static void step_burst(struct world *w)
{
    int from = (int)rng_below(&w->s.rng, 2);
    uint32_t n = rng_below(&w->s.rng, 30);

    if (w->long_bursts > 0) {
        w->long_bursts--;
        n = 1900 + rng_below(&w->s.rng, 200);
    }
    while (n-- > 0) {
        struct letter l = write_twice(w, from, SPAN_LIT("lost"));

        letter_free(&l);
    }
}

static void step(struct world *w)
{
    uint32_t r = rng_below(&w->s.rng, 1000);
    int side = (int)rng_below(&w->s.rng, 2);

    if (script_chance(&w->s, w->restarts)) {
        start(w, side);
        if (r < 300)
            start(w, !side);
    } else if (r < 400) {
        step_send(w);
    } else if (r < 920) {
        step_deliver(w);
    } else if (r < 970) {
        step_damage(w);
    } else if (r < 985) {
        step_burst(w);
    } else {
        struct signal_session *copy = signal_session_clone(w->d[side].ours);

        CHECK(&w->s, copy != NULL);
        signal_session_free(w->d[side].ours);
        w->d[side].ours = copy;
    }
}

/* Two new devices from their first word on. Some start so many sessions that their archives
 * overflow, others reach the limits of a chain; most do neither, which keeps the oracle's records
 * small and the oracle fast. */
static void life(struct world *w, unsigned long number, unsigned long n)
{
    w->restarts = number % 16 == 3 ? 250 : 12;
    w->long_bursts = number % 16 == 5 ? 1 : 0;
    w->lsc = lsc_new(w->s.shared);
    device_init(w, &w->d[0], 1);
    device_init(w, &w->d[1], 2);
    for (; n > 0; n--, w->s.step++)
        step(w);
    for (int i = 0; i < POOL; i++)
        if (w->pool[i].used)
            envelope_free(&w->pool[i]);
    for (int i = 0; i < 2; i++) {
        w->archived_most =
            w->archived_most > w->d[i].ours->narchived ? w->archived_most : w->d[i].ours->narchived;
        signal_session_free(w->d[i].ours);
        lsc_party_free(w->d[i].oracle);
    }
    memset(w->d, 0, sizeof w->d);
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
    printf("%lu steps, seed %llu: %lu sessions started (at most %zu archived), %lu messages sent, "
           "%lu opened, %lu old, %lu refused\n",
           w.s.steps, (unsigned long long)w.s.seed, w.started, w.archived_most, w.sent, w.opened,
           w.old, w.refused);
    CHECK(&w.s, w.s.steps < 1000 || (w.opened > 0 && w.old > 0 && w.refused > 0 && w.started > 2));
    return 0;
}
