#include "bridge/send/out_retry_devices.h"

#include "bridge/core/context.h"
#include "bridge/send/out_queue.h"
#include "store/session/devices.h"

/* The JID in the form that is asked about, not the canonical form: the answer may teach the LID,
 * and then the slot would not be found again. */
static struct jid user_of(const struct jid *device)
{
    return jid_bare(jid_unhosted(*device));
}

static struct out_retry_asked *slot_of(struct out_message_state *s, const struct jid *user)
{
    for (size_t i = 0; i < RETRY_ASKED_SLOTS; i++)
        if (jid_eq(&s->retry_asked[i].user, user))
            return &s->retry_asked[i];
    return NULL;
}

/* A slot for a new person: of those that nobody waits for, the one that was asked the longest ago;
 * NULL: none. */
static struct out_retry_asked *take_slot(struct out_message_state *s, const struct jid *user)
{
    struct out_retry_asked *best = NULL;

    for (size_t i = 0; i < RETRY_ASKED_SLOTS; i++) {
        struct out_retry_asked *a = &s->retry_asked[i];

        if (!a->waiting && (!best || jid_is_none(&a->user) ||
                            (!jid_is_none(&best->user) && a->at_ms < best->at_ms)))
            best = a;
    }
    if (best)
        *best = (struct out_retry_asked){.user = *user};
    return best;
}

/* Is a device list of the person kept? An empty list from the server is not kept (P-SD-07), and
 * would be asked for each time. */
static enum wb_err is_kept(struct bridge *b, const struct jid *user, bool *ret_kept)
{
    struct arena a = arena_new(1 << 20);
    struct store_device_list list;
    enum wb_err err = store_devices_get(b->store, user, &a, &list);

    *ret_kept = err == WB_OK;
    arena_free(&a);
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

enum wb_err out_retry_devices_ask(struct bridge *b, const struct jid *device, device_sync_fn *fn,
                                  uint64_t key, enum out_retry_devices_how *ret_how)
{
    struct out_message_state *s = b->out_message;
    const struct jid user = user_of(device);
    const int64_t now = clock_mono_ms(b->clock);
    struct out_retry_asked *slot = slot_of(s, &user);
    bool kept = true;
    enum wb_err err = WB_OK;

    *ret_how = RETRY_DEVICES_TOO_MANY;
    if (slot && slot->waiting >= RETRY_ASKED_WAITING_MAX)
        return WB_OK;
    if (!slot && !(slot = take_slot(s, &user)))
        return WB_OK;
    if (!slot->at_ms || now - slot->at_ms > RETRY_ASKED_MS) {
        TRY(device_sync_drop(b, &user, 1));
        slot->at_ms = now > 0 ? now : 1;
    } else if (!slot->waiting) {
        TRY(is_kept(b, &user, &kept));
        if (!kept)
            return WB_OK;
    }
    TRY(s->ports->devices(b, &user, 1, false, fn, key));
    slot->waiting++;
    *ret_how = RETRY_DEVICES_ASKED;
out:
    return err;
}

void out_retry_devices_answered(struct bridge *b, const struct jid *device,
                                const struct device_sync_result *r, bool *ret_listed)
{
    const struct jid user = user_of(device), wanted = jid_unhosted(*device);
    struct out_retry_asked *slot = slot_of(b->out_message, &user);

    *ret_listed = false;
    if (slot && slot->waiting)
        slot->waiting--;
    if (r->err != WB_OK) {
        if (slot) /* nothing was learnt */
            slot->at_ms = 0;
        return;
    }
    for (size_t i = 0; i < r->ndevices && !*ret_listed; i++) {
        struct jid listed = jid_unhosted(r->devices[i]);

        *ret_listed = jid_eq(&listed, &wanted);
    }
}
