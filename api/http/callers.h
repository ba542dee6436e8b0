/* callers.h - the API's connections: how many there may be, and which one has to go when a newcomer
 * finds no room. It knows no sockets; api/http/http_accept.c carries its decisions out.
 *
 * A caller is a stranger until its request's head is complete and may be served (then it is let
 * in), or until its answer can leave, even a refusal. Strangers are never turned away for being
 * many: the oldest stranger goes, so that silent connections cannot keep out a caller with a
 * request. */
#ifndef API_HTTP_CALLERS_H
#define API_HTTP_CALLERS_H

#include "base/listen.h"
#include "bridge/platform/timers.h"

struct caller {
    struct caller *prev, *next; /* oldest first */
    struct ip address;
    bool let_in;
    bool answered;                   /* its answer can leave now: it is no stranger any more */
    bool leaving;                    /* it is being closed, and takes nobody's room any more */
    size_t body_bytes, answer_bytes; /* held for its body and its answer now */
    struct timer deadline;           /* used by the server alone, like `link` */
    void *link;
};

struct callers {
    struct caller *first, *last;
    size_t n, let_in;
    size_t body_bytes, answer_bytes; /* of all callers */
    /* Limits. */
    size_t max, let_in_max, strangers_per_address;
};

/* max: connections at once; a ninth of them (64 of API_CONNECTIONS_MAX) is kept for strangers. */
void callers_init(struct callers *c, size_t max);

/* NULL: no memory. The caller is freed by callers_remove(). */
struct caller *callers_add(struct callers *c, const struct ip *address);
void callers_remove(struct callers *c, struct caller *who);

/* The caller that has to go before one from the newcomer's address is added; NULL: nobody. It is a
 * stranger: one from the same address when that has too many, or one from the address with the most
 * strangers when there is no room. Of those it is the oldest whose bytes do not wait to be read
 * (is_waiting), else the oldest. *ret_room: is there room, at the latest when that caller is
 * gone? */
struct caller *callers_in_the_way(const struct callers *c, const struct ip *newcomer,
                                  bool (*is_waiting)(const struct caller *), bool *ret_room);
/* Is there no room, and no caller that could go? */
bool callers_full(const struct callers *c);
/* How many strangers there are that are not being closed. */
size_t callers_strangers(const struct callers *c);
/* The oldest stranger, chosen as above but of any address; NULL: there is none. */
struct caller *callers_oldest(const struct callers *c, bool (*is_waiting)(const struct caller *));

/* The caller's request will be served. False: too many are under way, so this one may not. */
bool callers_let_in(struct callers *c, struct caller *who);

/* The caller's answer has left: the caller holds no room any more, and is a stranger again that
 * only needs to hang up. */
void callers_served(struct callers *c, struct caller *who);

/* Notes that n bytes are held for the caller's body, or its answer. False: with them all callers
 * would hold too much, and nothing is noted. A body of up to API_SMALL_BODY_BYTES and an answer of
 * up to API_SMALL_ANSWER_BYTES are never too much. */
bool callers_hold_body(struct callers *c, struct caller *who, size_t n);
bool callers_hold_answer(struct callers *c, struct caller *who, size_t n);

#endif
