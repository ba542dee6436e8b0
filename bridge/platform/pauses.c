#include "bridge/platform/pauses.h"

void pauses_init(struct pauses *p, const struct clock *clock)
{
    *p = (struct pauses){.clock = clock, .longest_who = ""};
}

/* Names are compared as pointers, because they are literals; two entries for one name do no
 * harm. */
static void add(struct pauses *p, const char *who, int64_t ms)
{
    size_t i = 0;

    while (i < p->nparts && p->parts[i].who != who)
        i++;
    if (i == PAUSES_PARTS_MAX)
        i--;
    else if (i == p->nparts)
        p->parts[p->nparts++] = (struct pauses_part){who, 0};
    p->parts[i].ms += ms;
}

void pauses_mark(struct pauses *p, const char *who)
{
    int64_t now;

    if (p->who == who)
        return;
    now = clock_mono_ms(p->clock);
    if (p->who)
        add(p, p->who, now - p->since_ms);
    p->who = who;
    p->since_ms = now;
}

void pauses_over(struct pauses *p)
{
    const struct pauses_part *most = &p->parts[0];
    int64_t all = 0;

    pauses_mark(p, NULL);
    for (size_t i = 0; i < p->nparts; i++) {
        all += p->parts[i].ms;
        if (p->parts[i].ms > most->ms)
            most = &p->parts[i];
    }
    if (all > p->longest_ms) {
        p->longest_ms = all;
        p->longest_who = most->who;
    }
    if (p->told && p->nparts && all >= p->told_from_ms)
        p->told(p->ctx, all, most->who);
    p->nparts = 0;
}
