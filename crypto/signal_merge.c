/* signal_merge.c - merges two records of one peer that were filed under its two addresses. */
#include <string.h>

#include "crypto/signal_internal.h"

/* How many messages one copy of a sending chain may be ahead of the other and still be recognised
 * as the same chain, at one HMAC a message. No peer stays silent for so many messages. */
enum { SENT_APART_MAX = 1 << 16 };

/* Are these copies of one state? The base key names the state (P-SG-17). */
static bool same_state(const struct signal_state *a, const struct signal_state *b)
{
    return memcmp(a->base_key, b->base_key, sizeof a->base_key) == 0 &&
           memcmp(a->remote_identity, b->remote_identity, sizeof a->remote_identity) == 0 &&
           a->remote_registration_id == b->remote_registration_id;
}

static bool is_spent(const struct signal_state *s)
{
    return s->has_sender_chain && s->sender_chain.chain_key.index == SIGNAL_CHAIN_SPENT;
}

static bool can_send(const struct signal_state *s)
{
    return s->has_sender_chain && !is_spent(s);
}

static bool same_ratchet(const struct signal_chain *a, const struct signal_chain *b)
{
    return memcmp(a->ratchet.pub, b->ratchet.pub, sizeof a->ratchet.pub) == 0;
}

static struct signal_chain *receiver_like(struct signal_state *s, const struct signal_chain *c)
{
    for (size_t i = 0; i < s->nreceiver_chains; i++)
        if (same_ratchet(&s->receiver_chains[i], c))
            return &s->receiver_chains[i];
    return NULL;
}

enum order { FIRST_IS_AHEAD, SECOND_IS_AHEAD, LEVEL, PARTED };

/* Have both copies stepped for themselves? Then their own ratchet keys differ. */
static bool send_apart(const struct signal_state *a, const struct signal_state *b)
{
    return a->has_sender_chain && b->has_sender_chain &&
           !same_ratchet(&a->sender_chain, &b->sender_chain);
}

/* Which of two copies has seen more of the peer's ratchet keys? PARTED: each copy has stepped for
 * itself. */
static enum order compare(struct signal_state *a, struct signal_state *b)
{
    if (a->nreceiver_chains == 0 || b->nreceiver_chains == 0)
        return a->nreceiver_chains   ? FIRST_IS_AHEAD
               : b->nreceiver_chains ? SECOND_IS_AHEAD
               : send_apart(a, b)    ? PARTED
                                     : LEVEL;
    const struct signal_chain *last_a = &a->receiver_chains[a->nreceiver_chains - 1];
    const struct signal_chain *last_b = &b->receiver_chains[b->nreceiver_chains - 1];
    if (same_ratchet(last_a, last_b))
        return send_apart(a, b) ? PARTED : LEVEL;
    if (receiver_like(a, last_b))
        return FIRST_IS_AHEAD;
    if (receiver_like(b, last_a))
        return SECOND_IS_AHEAD;
    /* Neither copy keeps the other's last chain, so they are far apart: a copy whose sending chain
     * is still spent has not stepped since it was made. */
    if (is_spent(a) != is_spent(b))
        return is_spent(a) ? SECOND_IS_AHEAD : FIRST_IS_AHEAD;
    return PARTED;
}

static bool has_key(const struct signal_chain *c, uint32_t index)
{
    if (index >= c->chain_key.index)
        return true;
    for (size_t i = 0; i < c->nkeys; i++)
        if (c->keys[i].index == index)
            return true;
    return false;
}

/* Keeps the further one of two copies of a receiving chain, without the skipped keys that the other
 * copy has used: no key opens two messages. */
static void merge_chain(struct signal_chain *kept, struct signal_chain *other)
{
    size_t n = 0;

    if (other->chain_key.index > kept->chain_key.index) {
        struct signal_chain further = *other;

        *other = *kept;
        *kept = further;
        secret_wipe(&further, sizeof further);
    }
    for (size_t i = 0; i < kept->nkeys; i++)
        if (has_key(other, kept->keys[i].index))
            kept->keys[n++] = kept->keys[i];
    if (n < kept->nkeys) {
        secret_wipe(&kept->keys[n], (kept->nkeys - n) * sizeof *kept->keys);
        kept->nkeys = n;
    }
}

static void drop_receiver(struct signal_state *s, struct signal_chain *c)
{
    struct signal_chain *last = &s->receiver_chains[--s->nreceiver_chains];

    secret_free_sized(c->keys, c->nkeys * sizeof *c->keys);
    memmove(c, c + 1, (size_t)(last - c) * sizeof *c);
    secret_wipe(last, sizeof *last);
}

/* Receiving chains that both copies have stay in `kept` alone: a chain that stood in two states
 * would go on in each of them, and each would open what the other has opened. */
static void take_common_chains(struct signal_state *kept, struct signal_state *other)
{
    for (size_t i = 0; i < kept->nreceiver_chains; i++) {
        struct signal_chain *o = receiver_like(other, &kept->receiver_chains[i]);

        if (o) {
            merge_chain(&kept->receiver_chains[i], o);
            drop_receiver(other, o);
        }
    }
}

/* Is b the chain a, some messages later? */
static bool goes_on_from(const struct signal_chain_key *a, const struct signal_chain_key *b)
{
    struct signal_chain_key at = *a;
    bool same;

    if (b->index < a->index || b->index - a->index > SENT_APART_MAX)
        return false;
    while (at.index < b->index)
        signal_chain_key_next(&at);
    same = secret_eq(at.key, b->key, sizeof at.key);
    secret_wipe(&at, sizeof at);
    return same;
}

/* Two copies that are level both send in one chain. The copy that has sent more goes on, or a key
 * would serve two messages. But the LID's copy must be proven to hold that chain: it was made
 * without a key for sending, and a program that does not know the mark of a spent chain sends with
 * the bytes that stand there instead, which nobody can read. */
static bool lid_sends_on(const struct signal_state *lid, const struct signal_state *number)
{
    if (can_send(lid) != can_send(number))
        return can_send(lid);
    return can_send(lid) &&
           goes_on_from(&number->sender_chain.chain_key, &lid->sender_chain.chain_key);
}

/* Makes one state of two copies; the other copy is freed, or left in *ret_parted. */
static struct signal_state *merge_states(struct signal_state *lid, struct signal_state *number,
                                         struct signal_state **ret_parted)
{
    enum order order = compare(lid, number);
    bool lid_goes_on = order == LEVEL    ? lid_sends_on(lid, number)
                       : order == PARTED ? can_send(lid) && !can_send(number)
                                         : order == FIRST_IS_AHEAD;
    struct signal_state *kept = lid_goes_on ? lid : number;
    struct signal_state *other = kept == lid ? number : lid;

    *ret_parted = NULL;
    take_common_chains(kept, other);
    if (order == PARTED) {
        *ret_parted = other;
        return kept;
    }
    signal_state_free(other);
    return kept;
}

/* All states of a record, the current one first; NULL where there is none. */
struct line {
    struct signal_state *states[SIGNAL_ARCHIVED_STATES_MAX + 1];
    size_t n;
};

static struct line line_of(struct signal_session *s)
{
    struct line l = {.n = 1 + s->narchived};

    l.states[0] = s->current;
    for (size_t i = 0; i < s->narchived; i++)
        l.states[i + 1] = s->archived[i];
    s->current = NULL;
    s->narchived = 0;
    return l;
}

static size_t find(const struct line *l, const struct signal_state *s)
{
    size_t i = 0;

    while (i < l->n && (!l->states[i] || !same_state(l->states[i], s)))
        i++;
    return i;
}

static bool share_a_chain(struct signal_state *a, const struct signal_state *b)
{
    for (size_t i = 0; i < b->nreceiver_chains; i++)
        if (receiver_like(a, &b->receiver_chains[i]))
            return true;
    return a->has_sender_chain && b->has_sender_chain && !send_apart(a, b);
}

enum { NO_COPY = SIGNAL_ARCHIVED_STATES_MAX + 1, STATES_MAX = NO_COPY };

/* Finds for each state of `first` its copy in `second`, or NO_COPY. Where copies that once parted
 * stand in one record side by side, copies that still have a chain in common are paired: what one
 * of them has read of that chain must reach the other. */
static void pair_copies(const struct line *first, const struct line *second,
                        size_t ret_copy[static STATES_MAX])
{
    bool taken[STATES_MAX] = {false};

    for (size_t i = 0; i < STATES_MAX; i++)
        ret_copy[i] = NO_COPY;
    for (int sharing = 1; sharing >= 0; sharing--)
        for (size_t i = 0; i < first->n; i++)
            for (size_t k = 0; k < second->n && first->states[i] && ret_copy[i] == NO_COPY; k++)
                if (second->states[k] && !taken[k] &&
                    same_state(first->states[i], second->states[k]) &&
                    (!sharing || share_a_chain(first->states[i], second->states[k]))) {
                    ret_copy[i] = k;
                    taken[k] = true;
                }
}

/* Does the number's record continue the LID's? If not, the LID's goes first. */
static bool number_leads(const struct line *lid, const struct line *number)
{
    const struct signal_state *a = lid->states[0], *b = number->states[0];

    if (!a || !b)
        return !a && b;
    if (is_spent(a) != is_spent(b))
        return is_spent(a);
    return !same_state(a, b) && find(number, a) < number->n && find(lid, b) == lid->n;
}

static void add(struct signal_session *s, struct signal_state *state)
{
    if (s->narchived < SIGNAL_ARCHIVED_STATES_MAX)
        s->archived[s->narchived++] = state;
    else
        signal_state_free(state); /* the oldest fall off */
}

static struct signal_state *state_at(const struct signal_session *s, size_t i)
{
    return i == 0 ? s->current : s->archived[i - 1];
}

/* Leaves each receiving chain in one state only, the first that has it, also where several copies
 * of a state have parted. */
static void part_chains(struct signal_session *s)
{
    for (size_t i = 0; i <= s->narchived; i++)
        for (size_t k = i + 1; k <= s->narchived; k++)
            if (state_at(s, i) && same_state(state_at(s, i), state_at(s, k)))
                take_common_chains(state_at(s, i), state_at(s, k));
}

void signal_session_merge(struct signal_session *lid, struct signal_session *number)
{
    struct line of_lid = line_of(lid), of_number = line_of(number);
    bool leads = number_leads(&of_lid, &of_number);
    struct line *first = leads ? &of_number : &of_lid, *second = leads ? &of_lid : &of_number;
    size_t copy[STATES_MAX];

    pair_copies(first, second, copy);
    for (size_t i = 0; i < first->n; i++) {
        struct signal_state *state = first->states[i], *parted = NULL;

        if (!state)
            continue;
        size_t k = copy[i];
        if (k != NO_COPY) {
            state = merge_states(leads ? second->states[k] : state,
                                 leads ? state : second->states[k], &parted);
            second->states[k] = NULL;
        }
        if (i == 0)
            lid->current = state;
        else
            add(lid, state);
        if (parted)
            add(lid, parted);
    }
    for (size_t i = 0; i < second->n; i++)
        if (second->states[i])
            add(lid, second->states[i]);
    part_chains(lid);
}

/* ---- sender keys ---- */

static bool same_chain(const struct sender_key_state *a, const struct sender_key_state *b)
{
    return a->key_id == b->key_id &&
           memcmp(a->signing_pub, b->signing_pub, sizeof a->signing_pub) == 0;
}

/* The index of the furthest state of this chain; nstates: the record does not have the chain. */
static size_t furthest_at(const struct sender_key_record *r, const struct sender_key_state *chain)
{
    size_t best = r->nstates;

    for (size_t i = 0; i < r->nstates; i++)
        if (same_chain(r->states[i], chain) &&
            (best == r->nstates || r->states[i]->iteration > r->states[best]->iteration))
            best = i;
    return best;
}

static const struct sender_key_state *furthest(const struct sender_key_record *r,
                                               const struct sender_key_state *chain)
{
    size_t at = furthest_at(r, chain);

    return at < r->nstates ? r->states[at] : NULL;
}

static bool number_key_leads(const struct sender_key_record *lid,
                             const struct sender_key_record *number)
{
    const struct sender_key_state *there;

    if (lid->nstates == 0 || number->nstates == 0)
        return lid->nstates == 0;
    there = furthest(number, lid->states[0]);
    if (!there) /* the LID's chain is new to the number's record */
        return false;
    if (!furthest(lid, number->states[0]))
        return true;
    return there->iteration >= furthest(lid, lid->states[0])->iteration;
}

/* Removes the keys that the other copy of the chain has used. */
static void drop_used_keys(struct sender_key_state *kept, const struct sender_key_state *other)
{
    size_t n = 0;

    for (size_t i = 0; i < kept->nkeys; i++)
        if (!sender_key_is_used(other, kept->keys[i].iteration))
            kept->keys[n++] = kept->keys[i];
    if (n < kept->nkeys) {
        secret_wipe(&kept->keys[n], (kept->nkeys - n) * sizeof *kept->keys);
        kept->nkeys = n;
    }
}

/* Can the copy open messages from before `kept` knew the chain? */
static bool opens_earlier(const struct sender_key_state *copy, const struct sender_key_state *kept)
{
    if (copy->iteration < kept->first_iteration)
        return true;
    for (size_t i = 0; i < copy->nkeys; i++)
        if (copy->keys[i].iteration < kept->first_iteration)
            return true;
    return false;
}

/* Merges two copies of a chain: the further copy stays, without the keys that the other has used.
 * The other copy is freed, or takes the next place if it opens messages that the further one
 * cannot; then sender_key_decrypt() asks both which keys are used. If there is no place for it,
 * those messages are lost. */
static void merge_copy(struct sender_key_record *r, size_t at, struct sender_key_state *other,
                       bool room)
{
    struct sender_key_state *kept = r->states[at];

    if (other->iteration > kept->iteration) {
        r->states[at] = other;
        other = kept;
        kept = r->states[at];
    }
    drop_used_keys(kept, other);
    if (room && opens_earlier(other, kept)) {
        r->states[r->nstates++] = other;
        return;
    }
    if (other->first_iteration < kept->first_iteration)
        kept->first_iteration = other->first_iteration;
    sender_key_state_free(other);
}

void sender_key_record_merge(struct sender_key_record *lid, struct sender_key_record *number)
{
    struct sender_key_record first = *lid, second = *number;

    if (number_key_leads(lid, number)) {
        first = *number;
        second = *lid;
    }
    number->nstates = 0;
    *lid = first;
    for (size_t i = 0; i < second.nstates; i++) {
        size_t at = furthest_at(&first, second.states[i]);

        if (at < first.nstates) {
            /* No copy may take the place of a chain that only the second record has. */
            merge_copy(lid, furthest_at(lid, second.states[i]), second.states[i],
                       lid->nstates + second.nstates - i <= SENDER_KEY_STATES_MAX);
        } else if (lid->nstates == SENDER_KEY_STATES_MAX) {
            sender_key_state_free(second.states[i]);
        } else {
            lid->states[lid->nstates++] = second.states[i];
        }
    }
}
