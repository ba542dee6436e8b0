#include "bridge/sessions/prekey_stale.h"

/* The index of the device; s->n: not in the list. */
static size_t find(const struct prekey_stale *s, const struct jid *device)
{
    size_t i = 0;

    while (i < s->n && !jid_eq(&s->list[i].device, device) && !jid_eq(&s->list[i].address, device))
        i++;
    return i;
}

bool prekey_stale_has(const struct prekey_stale *s, const struct jid *device, int64_t now_ms,
                      int64_t *ret_at_ms)
{
    const size_t i = find(s, device);

    if (i == s->n || now_ms - s->list[i].at_ms >= PREKEY_STALE_MS)
        return false;
    if (ret_at_ms)
        *ret_at_ms = s->list[i].at_ms;
    return true;
}

void prekey_stale_note(struct prekey_stale *s, const struct jid *device, const struct jid *address,
                       int64_t now_ms)
{
    size_t at = find(s, device);

    if (at == s->n && s->n < PREKEY_STALE_MAX) {
        s->n++;
    } else if (at == s->n) {
        at = 0;
        for (size_t i = 1; i < s->n; i++)
            if (s->list[i].at_ms < s->list[at].at_ms)
                at = i;
    }
    s->list[at].device = *device;
    s->list[at].address = *address;
    s->list[at].at_ms = now_ms;
}

void prekey_stale_forget(struct prekey_stale *s, const struct jid *device)
{
    const size_t i = find(s, device);

    if (i < s->n)
        s->list[i] = s->list[--s->n];
}

void prekey_stale_forget_user(struct prekey_stale *s, const struct jid *user)
{
    for (size_t i = s->n; i-- > 0;)
        if (jid_same_user(&s->list[i].device, user) || jid_same_user(&s->list[i].address, user))
            s->list[i] = s->list[--s->n];
}
