/* signal_types.c - makes, copies and frees the Signal records. */
#include "crypto/signal_types.h"

#include <stdlib.h>

#include "base/secret.h"

static void chain_free(struct signal_chain *c)
{
    secret_free_sized(c->keys, c->nkeys * sizeof *c->keys);
    secret_wipe(c, sizeof *c);
}

/* `to` is a plain copy of `from`; gives it keys of its own. */
static bool chain_own_keys(struct signal_chain *to, const struct signal_chain *from)
{
    if (from->nkeys == 0) {
        to->keys = NULL;
        return true;
    }
    to->keys = malloc(from->nkeys * sizeof *to->keys);
    if (!to->keys) {
        to->nkeys = 0;
        return false;
    }
    memcpy(to->keys, from->keys, from->nkeys * sizeof *to->keys);
    return true;
}

struct signal_state *signal_state_new(void)
{
    return calloc(1, sizeof(struct signal_state));
}

struct signal_state *signal_state_clone(const struct signal_state *s)
{
    struct signal_state *c = signal_state_new();
    bool ok;

    if (!c)
        return NULL;
    *c = *s;
    ok = chain_own_keys(&c->sender_chain, &s->sender_chain);
    for (size_t i = 0; i < s->nreceiver_chains; i++)
        ok = chain_own_keys(&c->receiver_chains[i], &s->receiver_chains[i]) && ok;
    if (!ok) {
        signal_state_free(c);
        return NULL;
    }
    return c;
}

void signal_state_free(struct signal_state *s)
{
    if (!s)
        return;
    chain_free(&s->sender_chain);
    for (size_t i = 0; i < s->nreceiver_chains; i++)
        chain_free(&s->receiver_chains[i]);
    secret_free_sized(s, sizeof *s);
}

struct signal_session *signal_session_new(void)
{
    return calloc(1, sizeof(struct signal_session));
}

struct signal_session *signal_session_clone(const struct signal_session *s)
{
    struct signal_session *c = signal_session_new();

    if (!c)
        return NULL;
    if (s->current) {
        c->current = signal_state_clone(s->current);
        if (!c->current)
            goto fail;
    }
    for (; c->narchived < s->narchived; c->narchived++) {
        c->archived[c->narchived] = signal_state_clone(s->archived[c->narchived]);
        if (!c->archived[c->narchived])
            goto fail;
    }
    return c;
fail:
    signal_session_free(c);
    return NULL;
}

void signal_session_free(struct signal_session *s)
{
    if (!s)
        return;
    signal_state_free(s->current);
    for (size_t i = 0; i < s->narchived; i++)
        signal_state_free(s->archived[i]);
    free(s);
}

void signal_session_archive(struct signal_session *s, struct signal_state *state)
{
    if (s->narchived == SIGNAL_ARCHIVED_STATES_MAX)
        signal_state_free(s->archived[--s->narchived]);
    memmove(&s->archived[1], &s->archived[0], s->narchived * sizeof s->archived[0]);
    s->archived[0] = state;
    s->narchived++;
}

void signal_session_archive_current(struct signal_session *s)
{
    if (!s->current)
        return;
    signal_session_archive(s, s->current);
    s->current = NULL;
}

static void spend(struct signal_state *s, const struct rng *rng)
{
    struct signal_chain_key *k = &s->sender_chain.chain_key;

    /* Random, not zero: a program that does not know the mark then sends something that nobody can
     * read, and goes on with a new session. */
    rng_fill(rng, k->key, sizeof k->key);
    k->index = SIGNAL_CHAIN_SPENT;
}

void signal_session_spend(struct signal_session *s, const struct rng *rng)
{
    if (s->current)
        spend(s->current, rng);
    for (size_t i = 0; i < s->narchived; i++)
        spend(s->archived[i], rng);
}

void signal_session_retire(struct signal_session *s, const struct rng *rng)
{
    signal_session_archive_current(s);
    signal_session_spend(s, rng);
}

struct sender_key_state *sender_key_state_new(void)
{
    return calloc(1, sizeof(struct sender_key_state));
}

void sender_key_state_free(struct sender_key_state *s)
{
    if (!s)
        return;
    secret_free_sized(s->keys, s->nkeys * sizeof *s->keys);
    secret_free_sized(s, sizeof *s);
}

static struct sender_key_state *sender_key_state_clone(const struct sender_key_state *s)
{
    struct sender_key_state *c = sender_key_state_new();

    if (!c)
        return NULL;
    *c = *s;
    c->keys = NULL;
    if (s->nkeys == 0)
        return c;
    c->keys = malloc(s->nkeys * sizeof *c->keys);
    if (!c->keys) {
        c->nkeys = 0;
        sender_key_state_free(c);
        return NULL;
    }
    memcpy(c->keys, s->keys, s->nkeys * sizeof *c->keys);
    return c;
}

struct sender_key_record *sender_key_record_new(void)
{
    return calloc(1, sizeof(struct sender_key_record));
}

struct sender_key_record *sender_key_record_clone(const struct sender_key_record *r)
{
    struct sender_key_record *c = sender_key_record_new();

    if (!c)
        return NULL;
    for (; c->nstates < r->nstates; c->nstates++) {
        c->states[c->nstates] = sender_key_state_clone(r->states[c->nstates]);
        if (!c->states[c->nstates]) {
            sender_key_record_free(c);
            return NULL;
        }
    }
    return c;
}

void sender_key_record_free(struct sender_key_record *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->nstates; i++)
        sender_key_state_free(r->states[i]);
    free(r);
}
