/* rate.h - refuses requests of which a client has made too many for now (429 rate-overlimit),
 * counted as the server does: per account and per kind, which is namespace and type. */
#ifndef MOCK_CORE_RATE_H
#define MOCK_CORE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/node.h"

struct mock_account;
struct mock;

enum { RATE_RULES_MAX = 8, RATE_PAUSES_MAX = 64, RATE_KIND_MAX = 64 };

/* POST /admin/rate: the next `times` requests of that kind are refused. */
struct rate_rule {
    char kind[RATE_KIND_MAX]; /* "usync get" */
    int64_t times;
    int64_t backoff_s; /* 0: the refusal does not name a time */
    int code;
};

/* An account that was told to wait. */
struct rate_pause {
    const struct mock_account *account;
    char kind[RATE_KIND_MAX];
    int64_t since_ms, until_ms; /* monotonic */
};

struct rates {
    struct rate_rule rules[RATE_RULES_MAX];
    struct rate_pause pauses[RATE_PAUSES_MAX];
};

/* The error code with which to refuse this request of an account, 0: none. *ret_backoff_s is the
 * time that goes with the code. Flags a client that asks although it was told to wait. */
int rate_refuses(struct mock *m, const char *label, const struct mock_account *a,
                 const struct node *iq, int64_t *ret_backoff_s);
/* Sets the rule of its kind from now on. False: too many kinds. */
bool rate_set(struct mock *m, const struct rate_rule *rule);

#endif
