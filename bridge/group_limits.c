#include "bridge/group_limits.h"

#include "bridge/bridge.h"
#include "store/group_limits.h"

/* Has the interval since `at` passed? What a wrong clock has noted for the future counts as never.
 */
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
