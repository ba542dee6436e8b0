#include "tools/mock/core/rate.h"

#include <stdio.h>
#include <string.h>

#include "tools/mock/admin/admin.h"
#include "tools/mock/wire/conn.h"

enum {
    /* What was under way when the refusal left is no fault of the client. */
    ON_ITS_WAY_MS = 500,
    /* Without a time a client is expected to wait for some seconds at least. */
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

/* The pause of that account and kind; a fresh one takes the place of the one that ends first. */
static struct rate_pause *pause_of(struct mock *m, const struct account *a, const char *kind)
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

int rate_refuses(struct conn *c, const struct node *iq, int64_t *ret_backoff_s)
{
    struct mock *m = c->m;
    char kind[RATE_KIND_MAX];
    if (c->device == NULL)
        return 0;
    (void)snprintf(kind, sizeof kind, "%s %s", mock_attr(m, iq, "xmlns"), mock_attr(m, iq, "type"));
    struct rate_rule *r = rule_of(m, kind);
    if (r == NULL)
        return 0;
    struct rate_pause *p = pause_of(m, c->device->account, kind);
    int64_t now = clock_mono_ms(m->clock);
    if (p->until_ms > now) {
        if (now > p->since_ms + ON_ITS_WAY_MS)
            mock_flag(m, c->label, "asked-in-pause", iq, "%s, %lld ms before the pause ends", kind,
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

int admin_rate(struct mock *m, const struct http_request *q, const json_t *body, json_t **ret_out)
{
    (void)q;
    const char *kind = admin_text(body, "query");
    if (kind[0] == '\0' || strlen(kind) >= RATE_KIND_MAX)
        return admin_bad(ret_out, 400, "query: namespace and type, as in 'usync get'");
    struct rate_rule *r = rule_of(m, kind);
    if (r == NULL)
        r = rule_of(m, "");
    if (r == NULL)
        return admin_bad(ret_out, 409, "no more kinds");
    (void)snprintf(r->kind, sizeof r->kind, "%s", kind);
    r->times = admin_int(body, "times", 1);
    r->backoff_s = admin_int(body, "backoff", 0);
    r->code = (int)admin_int(body, "code", 429);
    return admin_ok(ret_out);
}
