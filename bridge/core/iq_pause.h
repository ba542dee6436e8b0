/* iq_pause.h - pauses that the server demands when we ask too much (429 rate-overlimit, `backoff`):
 * no request of that kind leaves before the pause is over, whichever part sends it (P-X2-05). Used
 * by iq.c; other parts only ask how long a pause lasts.
 *
 * A kind is namespace and type ("usync get"); the steps of pairing and unlinking share one
 * namespace, but each is a kind of its own because people wait for them ("md set
 * remove-companion-device"). Pings and <active/> belong to the connection, whose own pauses hold
 * for them: they are never held back.
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
    bool probing;      /* one request is under way to see whether the server answers again */
};

struct iq_pauses {
    struct iq_pause list[IQ_PAUSES_MAX];
    size_t n;
};

/* The kind of a request, NUL-terminated; "" is never held back. */
void iq_pause_kind(const struct node *iq, struct arena *a, char out[static IQ_KIND_MAX]);

/* May a request of this kind leave at now_ms? After a pause one request goes first as a probe, and
 * the others wait for its answer, or all that have gathered would leave at once. *ret_probe: this
 * request is the probe. */
bool iq_pause_may_send(struct iq_pauses *p, const char *kind, int64_t now_ms, bool *ret_probe);
/* How long no request may leave: 0, or milliseconds (IQ_PROBE_MS while a probe is under way). */
int64_t iq_pause_left(const struct iq_pauses *p, const char *kind, int64_t now_ms);

/* The server refuses for now; backoff_s: 0 when it does not say for how long. Refusals in a row
 * double the pause; requests that were under way when it began do not count again. */
void iq_pause_begin(struct iq_pauses *p, const char *kind, uint64_t backoff_s, int64_t now_ms);
/* The refusals in a row so far. */
unsigned iq_pause_refusals(const struct iq_pauses *p, const char *kind);
/* Before iq_pause_begin(), when the answer to a probe turns out to be a refusal after all.
 * refusals: how many came in a row before it. */
void iq_pause_go_on(struct iq_pauses *p, const char *kind, unsigned refusals);
/* A probe has ended without a refusal. answered: the server has answered it, so the pause is
 * forgotten. */
void iq_pause_probed(struct iq_pauses *p, const char *kind, bool answered);

#endif
