#include "api/http/callers.h"

#include <stdlib.h>
#include <string.h>

#include "api/http/limits.h"

void callers_init(struct callers *c, size_t max)
{
    size_t most = max - max / 9;

    *c = (struct callers){.max = max, .strangers_per_address = max - max / 2};
    c->let_in_max = most < API_REQUESTS_MAX ? most : API_REQUESTS_MAX;
}

struct caller *callers_add(struct callers *c, const struct ip *address)
{
    struct caller *who = calloc(1, sizeof *who);

    if (!who)
        return NULL;
    who->address = *address;
    who->prev = c->last;
    if (c->last)
        c->last->next = who;
    else
        c->first = who;
    c->last = who;
    c->n++;
    return who;
}

void callers_remove(struct callers *c, struct caller *who)
{
    if (who->prev)
        who->prev->next = who->next;
    else
        c->first = who->next;
    if (who->next)
        who->next->prev = who->prev;
    else
        c->last = who->prev;
    c->n--;
    c->let_in -= who->let_in;
    c->body_bytes -= who->body_bytes;
    c->answer_bytes -= who->answer_bytes;
    free(who);
}

/* Whoever has one IPv6 address has all of its /64. */
static bool same_place(const struct ip *a, const struct ip *b)
{
    bool v4 = ip_is_v4(a) || ip_is_v4(b);

    return memcmp(a->bytes, b->bytes, v4 ? sizeof a->bytes : 8) == 0;
}

static bool is_stranger(const struct caller *who, const struct ip *from)
{
    return !who->let_in && !who->answered && !who->leaving &&
           (!from || same_place(&who->address, from));
}

static size_t strangers(const struct callers *c, const struct ip *from)
{
    size_t n = 0;

    for (const struct caller *i = c->first; i; i = i->next)
        n += is_stranger(i, from);
    return n;
}

static struct caller *oldest(const struct callers *c, const struct ip *from,
                             bool (*is_waiting)(const struct caller *))
{
    struct caller *any = NULL;

    for (struct caller *i = c->first; i; i = i->next) {
        if (!is_stranger(i, from))
            continue;
        if (!is_waiting(i))
            return i;
        if (!any)
            any = i;
    }
    return any;
}

/* The address with the most strangers; NULL: there are no strangers. Each address is counted at its
 * first stranger; the work is bounded by the number of connections. */
static const struct ip *most_frequent(const struct callers *c)
{
    const struct ip *most = NULL;
    size_t most_n = 0;

    for (const struct caller *i = c->first; i; i = i->next) {
        size_t n;

        if (!is_stranger(i, NULL) || (most && same_place(&i->address, most)))
            continue;
        n = strangers(c, &i->address);
        if (n > most_n) {
            most = &i->address;
            most_n = n;
        }
    }
    return most;
}

static bool has_room(const struct callers *c)
{
    size_t staying = 0;

    for (const struct caller *i = c->first; i; i = i->next)
        staying += !i->leaving;
    return staying < c->max;
}

bool callers_full(const struct callers *c)
{
    return c->n >= c->max && !has_room(c) && strangers(c, NULL) == 0;
}

size_t callers_strangers(const struct callers *c)
{
    return strangers(c, NULL);
}

struct caller *callers_oldest(const struct callers *c, bool (*is_waiting)(const struct caller *))
{
    return oldest(c, NULL, is_waiting);
}

struct caller *callers_in_the_way(const struct callers *c, const struct ip *newcomer,
                                  bool (*is_waiting)(const struct caller *), bool *ret_room)
{
    const struct ip *most;

    *ret_room = true;
    if (strangers(c, newcomer) >= c->strangers_per_address)
        return oldest(c, newcomer, is_waiting);
    if (has_room(c))
        return NULL;
    most = most_frequent(c);
    *ret_room = most != NULL;
    return most ? oldest(c, most, is_waiting) : NULL;
}

bool callers_let_in(struct callers *c, struct caller *who)
{
    if (who->let_in)
        return true;
    if (c->let_in >= c->let_in_max)
        return false;
    who->let_in = true;
    c->let_in++;
    return true;
}

void callers_served(struct callers *c, struct caller *who)
{
    c->let_in -= who->let_in;
    c->body_bytes -= who->body_bytes;
    c->answer_bytes -= who->answer_bytes;
    who->body_bytes = who->answer_bytes = 0;
    who->let_in = who->answered = false;
}

static bool hold(size_t *all, size_t *its, size_t n, size_t max, size_t always)
{
    size_t others = *all - *its;

    if (n > always && n > *its && (others > max || n > max - others))
        return false;
    *all = others + n;
    *its = n;
    return true;
}

bool callers_hold_body(struct callers *c, struct caller *who, size_t n)
{
    return hold(&c->body_bytes, &who->body_bytes, n, API_BODIES_BYTES_MAX, API_SMALL_BODY_BYTES);
}

bool callers_hold_answer(struct callers *c, struct caller *who, size_t n)
{
    return hold(&c->answer_bytes, &who->answer_bytes, n, API_ANSWERS_BYTES_MAX,
                API_SMALL_ANSWER_BYTES);
}
