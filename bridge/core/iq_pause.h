/* iq_pause.h - the server's word that we ask too much (429 rate-overlimit, `backoff`): no request
 * of that kind leaves before the pause is over, whoever wants it (P-X2-05). Inside of iq.c; others
 * look at what is left.
 *
 * A kind is namespace and type ("usync get"); the steps of pairing and unlinking, which share one
 * namespace and which people wait for, count one by one ("md set remove-companion-device"). Pings
 * and <active/> belong to the connection, whose own pauses hold for them: they are never held back.
 *
 * Time is monotonic, and a pause holds over reconnects: it is one of the account, not of the
 * connection; iq_pause_keep.h writes it down for the next start. */
#ifndef BRIDGE_CORE_IQ_PAUSE_H
#define BRIDGE_CORE_IQ_PAUSE_H

#include "base/arena.h"
#include "bridge/core/limits.h"
#include "bridge/platform/timers.h"
#include "proto/node.h"

struct iq_pause {
    char kind[IQ_KIND_MAX];
    int64_t until_ms;  /* monotonic */
    unsigned refusals; /* in a row */
    bool probing;      /* one request is under way to see whether the server has enough of it */
};

struct iq_pauses {
    struct iq_pause list[IQ_PAUSES_MAX];
    size_t n;
};

/* The kind of a request, NUL-terminated; "" is never held back. */
void iq_pause_kind(const struct node *iq, struct arena *a, char out[static IQ_KIND_MAX]);

/* May a request of this kind leave at now_ms? After a pause one goes first and the others wait for
 * its answer, or everything that has gathered would leave at once. *ret_probe: this is the one. */
bool iq_pause_may_send(struct iq_pauses *p, const char *kind, int64_t now_ms, bool *ret_probe);
/* How long none may leave: 0, or milliseconds (IQ_PROBE_MS while one is under way). */
int64_t iq_pause_left(const struct iq_pauses *p, const char *kind, int64_t now_ms);

/* The server refuses for now; backoff_s: 0 when it does not say for how long. Refusals in a row
 * double it; those that were under way already when the pause began do not count again. */
void iq_pause_begin(struct iq_pauses *p, const char *kind, uint64_t backoff_s, int64_t now_ms);
/* The refusals in a row so far. */
unsigned iq_pause_refusals(const struct iq_pauses *p, const char *kind);
/* Before iq_pause_begin(), when the answer to a probe turns out to be another refusal after all: so
 * many came before it. */
void iq_pause_go_on(struct iq_pauses *p, const char *kind, unsigned refusals);
/* A probe has ended otherwise. answered: the server has looked at it, so the pause is forgotten. */
void iq_pause_probed(struct iq_pauses *p, const char *kind, bool answered);

#endif
