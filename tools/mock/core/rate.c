#include "tools/mock/core/rate.h"

#include <stdio.h>
#include <string.h>

#include "tools/mock/core/mock.h"

enum {
    /* Requests under way when the refusal left are no fault of the client. */
    ON_ITS_WAY_MS = 500,
    /* If the refusal names no time, a client is expected to wait for at least some seconds. */
    UNNAMED_MS = 2000,
};

static struct rate_rule *rule_of(struct mock *m, const char *kind)
{
    for (size_t i = 0; i < RATE_RULES_MAX; i++) {
        if (strcmp(m->rates.rules[i].kind, kind) == 0)
            return &m->rates.rules[i];
    }
    return NULL;
}

/* The pause of that account and kind. A new pause takes the place of the pause that ends first. */
static struct rate_pause *pause_of(struct mock *m, const struct mock_account *a, const char *kind)
{
    struct rate_pause *p = m->rates.pauses, *oldest = p;

    for (size_t i = 0; i < RATE_PAUSES_MAX; i++, p++) {
        if (p->account == a && strcmp(p->kind, kind) == 0)
            return p;
        if (p->until_ms < oldest->until_ms)
            oldest = p;
    }
    *oldest = (struct rate_pause){.account = a};
    (void)snprintf(oldest->kind, sizeof oldest->kind, "%s", kind);
    return oldest;
}

int rate_refuses(struct mock *m, const char *label, const struct mock_account *a,
                 const struct node *iq, int64_t *ret_backoff_s)
{
    char kind[RATE_KIND_MAX];

    (void)snprintf(kind, sizeof kind, "%s %s", mock_attr(m, iq, "xmlns"), mock_attr(m, iq, "type"));
    struct rate_rule *r = rule_of(m, kind);
    if (!r)
        return 0;
    struct rate_pause *p = pause_of(m, a, kind);
    int64_t now = clock_mono_ms(m->clock);
    if (p->until_ms > now) {
        if (now > p->since_ms + ON_ITS_WAY_MS)
            mock_flag(m, label, "asked-in-pause", iq, "%s, %lld ms before the pause ends", kind,
                      (long long)(p->until_ms - now));
        *ret_backoff_s = r->backoff_s > 0 ? (p->until_ms - now + 999) / 1000 : 0;
        return r->code;
    }
    if (r->times == 0)
        return 0;
    r->times--;
    p->since_ms = now;
    p->until_ms = now + (r->backoff_s > 0 ? r->backoff_s * 1000 : UNNAMED_MS);
    *ret_backoff_s = r->backoff_s;
    return r->code;
}

bool rate_set(struct mock *m, const struct rate_rule *rule)
{
    struct rate_rule *r = rule_of(m, rule->kind);

    if (!r)
        r = rule_of(m, "");
    if (!r)
        return false;
    *r = *rule;
    return true;
}
