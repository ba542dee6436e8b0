#include "bridge/send/out_deadline.h"

#include "bridge/core/context.h"

enum { NO_LONGER_S = SEND_KEEP_S }; /* no caller may ask for a longer life */

struct out_instant out_deadline_clocks(const struct bridge *b)
{
    return (struct out_instant){clock_mono_ms(b->clock), bridge_server_now_s(b)};
}

void out_deadline_set(struct out_item *it, const struct store_outbox_row *row)
{
    int64_t life_s = row->expires_at > row->created_at ? row->expires_at - row->created_at : 0;

    if (life_s > NO_LONGER_S)
        life_s = NO_LONGER_S;
    it->created_at = row->created_at;
    it->expires_at = row->expires_at;
    it->deadline_ms = life_s > 0 ? clock_mono_ms(it->b->clock) + life_s * 1000 : OUT_NEVER;
}

void out_deadline_earlier_run(struct out_item *it)
{
    it->orphan = it->deadline_ms == OUT_NEVER;
    it->unproven = !it->orphan;
    if (it->orphan)
        it->deadline_ms = clock_mono_ms(it->b->clock);
}

void out_deadline_earlier_seal(struct out_item *it)
{
    it->unproven = it->deadline_ms != OUT_NEVER;
}

bool out_deadline_is_own(const struct out_item *it)
{
    return it->expires_at > it->created_at;
}

void out_deadline_reopened(struct out_item *it)
{
    const struct out_instant now = out_deadline_clocks(it->b);
    const int64_t gone_s = now.server_s > it->sealed_at ? now.server_s - it->sealed_at : 0;
    const int64_t left_s = gone_s < SEND_RESEND_S ? SEND_RESEND_S - gone_s : 0;

    if (!out_deadline_is_own(it))
        it->deadline_ms = now.mono_ms + left_s * 1000;
}

void out_deadline_prove(struct out_item *it, struct out_instant now)
{
    const int64_t left_s = it->expires_at > now.server_s ? it->expires_at - now.server_s : 0;

    it->unproven = false;
    if (left_s < NO_LONGER_S && now.mono_ms + left_s * 1000 < it->deadline_ms)
        it->deadline_ms = now.mono_ms + left_s * 1000;
}

int64_t out_deadline_row_off_s(const struct out_item *it, struct out_instant now)
{
    int64_t off;

    if (it->unproven || it->orphan || it->over || !out_deadline_is_own(it))
        return 0;
    off = now.server_s + (it->deadline_ms - now.mono_ms) / 1000 - it->expires_at;
    return off > CLOCK_SLACK_S || off < -CLOCK_SLACK_S ? off : 0;
}
