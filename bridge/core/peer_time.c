#include "bridge/core/peer_time.h"

#include "bridge/core/context.h"
#include "bridge/core/limits.h"

static const uint64_t earliest_s = 1230768000;    /* 2009-01-01: WhatsApp's first year */
static const uint64_t millis_from = 100000000000; /* as seconds the year 5138, as ms 1973 */
/* When this program was written: a clock that shows an earlier time is wrong (1970 on a machine
 * without a clock). */
static const int64_t built_s = 1767225600; /* 2026-01-01 */
static const int64_t year_s = 365 * 86400;

static int64_t latest_s(const struct bridge *b)
{
    int64_t now = bridge_server_now_s(b);

    if (b->server_time_known)
        return now + PEER_TIME_SLACK_S;
    return (now > built_s ? now : built_s) + year_s;
}

int64_t peer_time_s(const struct bridge *b, uint64_t t, int64_t otherwise)
{
    if (t >= millis_from)
        t /= 1000;
    return t < earliest_s || t > (uint64_t)latest_s(b) ? otherwise : (int64_t)t;
}

int64_t peer_time_ms(const struct bridge *b, int64_t t)
{
    const int64_t latest = latest_s(b) * 1000;

    return t < 0 ? 0 : t > latest ? latest : t;
}

int64_t peer_time_stanza_s(const struct bridge *b, uint64_t t)
{
    return peer_time_s(b, t, bridge_server_now_s(b));
}

enum wb_err peer_time_server(uint64_t t, int64_t *ret_s)
{
    if (t < earliest_s || t > UINT32_MAX)
        return WB_ERR_INVALID;
    *ret_s = (int64_t)t;
    return WB_OK;
}

/* A duration over its maximum may be in milliseconds: then converts it to seconds. */
static uint64_t from_millis(uint64_t v, uint64_t max)
{
    return v > max && v % 1000 == 0 && v / 1000 <= max ? v / 1000 : v;
}

uint32_t peer_expiration_s(uint64_t seconds)
{
    seconds = from_millis(seconds, PEER_EXPIRATION_MAX_S);
    return seconds > PEER_EXPIRATION_MAX_S ? PEER_EXPIRATION_MAX_S : (uint32_t)seconds;
}

uint64_t peer_ban_s(uint64_t seconds)
{
    seconds = from_millis(seconds, PEER_BAN_MAX_S);
    return seconds > PEER_BAN_MAX_S ? 0 : seconds;
}
