#include "bridge/groups/group_limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/core/context.h"
#include "store/session/group_limits.h"
#include "store/session/lid_map.h"

/* One person's share of a group's resends. Only the group's own limit is kept over a restart. */
struct group_share {
    struct jid group, person;
    int64_t due_ms; /* monotonic: when the share is full again */
};

struct group_limits {
    struct group_share shares[GROUP_RESEND_SHARES];
};

enum wb_err group_limits_new(struct group_limits **ret_l)
{
    struct group_limits *l = calloc(1, sizeof *l);

    if (!l)
        return WB_ERR_NOMEM;
    *ret_l = l;
    return WB_OK;
}

void group_limits_free(struct group_limits *l)
{
    free(l);
}

/* Has the interval since `at` passed? A time in the future, noted by a wrong clock, counts as
 * never. */
static bool is_over(int64_t at, int64_t interval_s, int64_t now)
{
    return now - at >= interval_s || at > now + CLOCK_SLACK_S;
}

enum wb_err group_limit_mode(struct bridge *b, const struct jid *group, bool *ret_may)
{
    const int64_t now = bridge_server_now_s(b);
    struct store_group_limits l;
    enum wb_err err;

    TRY(store_group_limits_get(b->store, group, &l));
    *ret_may = is_over(l.mode_at, GROUP_REFRESH_S, now);
    if (!*ret_may)
        return WB_OK;
    l.mode_at = now;
    err = store_group_limits_put(b->store, group, &l);
out:
    return err;
}

/* This person's share: the noted one, or a new one in the slot whose share is full again first. */
static struct group_share *share_of(struct bridge *b, const struct jid *group,
                                    const struct jid *person)
{
    struct jid who = jid_bare(jid_unhosted(*person)), canonical;
    struct group_share *shares = b->group_limits->shares, *best = shares;

    if (store_canonical(b->store, &who, &canonical) == WB_OK)
        who = canonical;
    for (size_t i = 0; i < GROUP_RESEND_SHARES; i++) {
        struct group_share *s = &shares[i];

        if (jid_eq(&s->group, group) && jid_eq(&s->person, &who))
            return s;
        if (s->due_ms < best->due_ms)
            best = s;
    }
    *best = (struct group_share){.group = *group, .person = who};
    return best;
}

/* Both limits are buckets that fill by one per interval, kept as the time at which they will be
 * full. */
enum wb_err group_limit_resend(struct bridge *b, const struct jid *group, const struct jid *person,
                               bool *ret_may)
{
    const int64_t mono = clock_mono_ms(b->clock);
    struct group_share *share = share_of(b, group, person);
    const int64_t now = bridge_server_now_s(b);
    const int64_t empty = now + (int64_t)GROUP_RESEND_BURST * GROUP_RESEND_S;
    struct store_group_limits l;
    enum wb_err err;

    if (share->due_ms < mono)
        share->due_ms = mono;
    if (share->due_ms - mono > (GROUP_RESEND_SHARE - 1) * GROUP_RESEND_SHARE_S * 1000) {
        b->group_resends_held++;
        *ret_may = false;
        return WB_OK;
    }
    TRY(store_group_limits_get(b->store, group, &l));
    if (l.resend_due <= now) {
        l.resend_due = now;
        l.resends_held = 0;
    } else if (l.resend_due > empty) { /* the clock was ahead */
        l.resend_due = empty;
    }
    *ret_may = l.resend_due + GROUP_RESEND_S <= empty;
    if (*ret_may) {
        l.resend_due += GROUP_RESEND_S;
        share->due_ms += GROUP_RESEND_SHARE_S * 1000;
    } else {
        if (l.resends_held++ == 0)
            log_warn(
                b->log, "send",
                "many devices of the group %s ask for messages again; beyond %d at once and one "
                "each %d s they get the key with the next message instead",
                group->user, GROUP_RESEND_BURST, GROUP_RESEND_S);
        b->group_resends_held++;
    }
    err = store_group_limits_put(b->store, group, &l);
out:
    return err;
}

/* The text under which a hash is noted: with a '+' while newcomers explain it. */
static void hash_text(struct span hash, bool newcomers, char out[static STORE_GROUP_HASH_MAX + 1])
{
    hash = span_first(hash, STORE_GROUP_HASH_MAX - 1);
    snprintf(out, STORE_GROUP_HASH_MAX + 1, "%s%.*s", newcomers ? "+" : "", (int)hash.n,
             hash.n ? (const char *)hash.p : "");
}

enum wb_err group_limit_refresh(struct bridge *b, const struct jid *group, struct span hash,
                                bool *ret_may)
{
    char text[STORE_GROUP_HASH_MAX + 1];
    struct store_group_limits l;
    enum wb_err err;

    TRY(store_group_limits_get(b->store, group, &l));
    hash_text(hash, false, text);
    *ret_may = strcmp(text, l.refreshed_for) != 0 ||
               is_over(l.refreshed_at, GROUP_REFRESH_S, bridge_server_now_s(b));
out:
    return err;
}

enum wb_err group_limit_devices(struct bridge *b, const struct jid *group, struct span hash,
                                bool newcomers, bool *ret_may)
{
    const int64_t now = bridge_server_now_s(b);
    char before[STORE_GROUP_HASH_MAX + 1];
    struct store_group_limits l;
    enum wb_err err;

    TRY(store_group_limits_get(b->store, group, &l));
    hash_text(hash, true, before);
    /* A member without any device would count as a newcomer each time: newcomers explain a hash
     * once. */
    newcomers = newcomers && (strcmp(before, l.refreshed_for) != 0 ||
                              is_over(l.refreshed_at, GROUP_REFRESH_S, now));
    hash_text(hash, newcomers, l.refreshed_for);
    l.refreshed_at = now;
    *ret_may = !newcomers && is_over(l.devices_at, GROUP_REFRESH_S, now);
    if (*ret_may)
        l.devices_at = now;
    err = store_group_limits_put(b->store, group, &l);
out:
    return err;
}

enum wb_err group_limit_scarce(struct bridge *b, const struct jid *group, bool *ret_is)
{
    struct store_group_limits l;
    enum wb_err err = store_group_limits_get(b->store, group, &l);

    if (err == WB_OK)
        *ret_is =
            l.resend_due - bridge_server_now_s(b) > (int64_t)GROUP_RESEND_TRUSTING * GROUP_RESEND_S;
    return err;
}
