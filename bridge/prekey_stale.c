#include "bridge/prekey_stale.h"

static size_t find(const struct prekey_stale *s, const struct jid *device)
{
    for (size_t i = 0; i < PREKEY_STALE_MAX; i++)
        if (!jid_is_none(&s->list[i].device) &&
            (jid_eq(&s->list[i].device, device) || jid_eq(&s->list[i].address, device)))
            return i;
    return PREKEY_STALE_MAX;
}

bool prekey_stale_has(const struct prekey_stale *s, const struct jid *device, int64_t now_ms,
                      int64_t *ret_at_ms)
{
    const size_t i = find(s, device);

    if (i == PREKEY_STALE_MAX || now_ms - s->list[i].at_ms >= PREKEY_STALE_MS)
        return false;
    if (ret_at_ms)
        *ret_at_ms = s->list[i].at_ms;
    return true;
}

void prekey_stale_note(struct prekey_stale *s, const struct jid *device, const struct jid *address,
                       int64_t now_ms)
{
    size_t at = find(s, device);

    if (at == PREKEY_STALE_MAX) {
        at = 0;
        for (size_t i = 0; i < PREKEY_STALE_MAX; i++) {
            if (jid_is_none(&s->list[i].device)) {
                at = i;
                break;
            }
            if (s->list[i].at_ms < s->list[at].at_ms)
                at = i;
        }
    }
    s->list[at].device = *device;
    s->list[at].address = *address;
    s->list[at].at_ms = now_ms;
}

void prekey_stale_forget(struct prekey_stale *s, const struct jid *device)
{
    const size_t i = find(s, device);

    if (i < PREKEY_STALE_MAX)
        s->list[i].device = (struct jid){0};
}
