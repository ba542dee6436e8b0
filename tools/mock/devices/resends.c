#include "tools/mock/devices/resends.h"

#include <stdlib.h>

enum {
    BURST = 20,
    INTERVAL_MS = 6000,
    ROUNDING = 1, /* a client that counts whole seconds may be early by less than one */
};

/* One client's bucket: the time at which it will be full. */
struct bucket {
    int64_t full_ms;
};

static struct bucket *bucket_of(struct group *g, const struct device *from)
{
    char key[JID_TEXT_MAX];
    struct jid j = device_jid(from, false);
    struct bucket *b = map_get(&g->resends, jid_text(&j, key));

    if (!b && (b = calloc(1, sizeof *b)) != NULL && !map_put(&g->resends, key, b)) {
        free(b);
        b = NULL;
    }
    return b;
}

void resends_note(struct mock *m, const char *label, const struct device *from, struct group *g,
                  const struct node *n)
{
    int64_t now = clock_mono_ms(m->clock);
    struct bucket *b = !world_is_played(from) ? bucket_of(g, from) : NULL;

    if (!b)
        return;
    if (b->full_ms < now)
        b->full_ms = now;
    b->full_ms += INTERVAL_MS;
    if (b->full_ms > now + (BURST + ROUNDING) * INTERVAL_MS)
        mock_flag(m, label, "resend-flood", n, "more than 20 at once and 10 a minute in %s",
                  g->jid.user);
}
