/* callers.h - the API's connections: how many there may be, and who has to go when a newcomer finds
 * no room. It knows no sockets; api/http/http_accept.c does what it decides.
 *
 * A caller is a stranger until its request's head is complete and may be served (then it is let
 * in), or its answer can leave, be it a refusal. Strangers are never turned away for being many:
 * the oldest of them goes, so that connections which say nothing cannot keep out one that does. */
#ifndef API_HTTP_CALLERS_H
#define API_HTTP_CALLERS_H

#include "base/listen.h"
#include "bridge/platform/timers.h"

struct caller {
    struct caller *prev, *next; /* oldest first */
    struct ip address;
    bool let_in;
    bool answered;                   /* its answer can leave now: no stranger any more */
    bool leaving;                    /* it is being closed, and in nobody's way any more */
    size_t body_bytes, answer_bytes; /* held for it now */
    struct timer deadline;           /* the server's own, as what follows */
    void *link;
};

struct callers {
    struct caller *first, *last;
    size_t n, let_in;
    size_t body_bytes, answer_bytes; /* of all */
    /* Limits. */
    size_t max, let_in_max, strangers_per_address;
};

/* max: connections at once; one of nine is always for strangers: 64 of API_CONNECTIONS_MAX. */
void callers_init(struct callers *c, size_t max);

/* NULL: no memory. The caller is freed by callers_remove(). */
struct caller *callers_add(struct callers *c, const struct ip *address);
void callers_remove(struct callers *c, struct caller *who);

/* Who has to go before one from that address is added; NULL: nobody. Of the strangers from its
 * address when these are too many, or of the address with the most when there is no room: the
 * oldest of which nothing has come that waits to be read (is_waiting), else the oldest. *ret_room:
 * is there room, at the latest when that one is gone? */
struct caller *callers_in_the_way(const struct callers *c, const struct ip *newcomer,
                                  bool (*is_waiting)(const struct caller *), bool *ret_room);
/* Is there no room, and nobody who could go? */
bool callers_full(const struct callers *c);
/* How many strangers there are that are not being closed. */
size_t callers_strangers(const struct callers *c);
/* The oldest stranger, as above but whatever its address; NULL: there is none. */
struct caller *callers_oldest(const struct callers *c, bool (*is_waiting)(const struct caller *));

/* Its request will be served. False: so many are under way already that this one may not. */
bool callers_let_in(struct callers *c, struct caller *who);

/* Its answer has left: it is a stranger again, of whom nothing is wanted but to hang up, and holds
 * nothing. */
void callers_served(struct callers *c, struct caller *who);

/* Notes that n bytes are held for its body, or its answer. False: all of them together would be too
 * many, nothing is noted. A body of up to API_SMALL_BODY_BYTES and an answer of up to
 * API_SMALL_ANSWER_BYTES are never too much. */
bool callers_hold_body(struct callers *c, struct caller *who, size_t n);
bool callers_hold_answer(struct callers *c, struct caller *who, size_t n);

#endif
