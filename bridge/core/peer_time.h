/* peer_time.h - times and durations that others have written, limited to the range that they can
 * have. Every such value that is kept or compared goes through here: a time in the far future would
 * be the newest of its kind for ever, and a monitor would see a bridge that never grows silent.
 * docs/protocol/receiving.md lists all numbers of others and their ranges. */
#ifndef BRIDGE_CORE_PEER_TIME_H
#define BRIDGE_CORE_PEER_TIME_H

#include <stdint.h>

#include "base/err.h"

struct bridge;

/* A Unix time in seconds. Milliseconds, which some clients write, are seen as such (they would be
 * later than the year 5138) and made seconds. A time before WhatsApp existed (2009), or more than
 * PEER_TIME_SLACK_S later than now by WhatsApp's clock, is invalid: then returns `otherwise`, which
 * must be in range itself. While WhatsApp has not told its time, up to a year after our own clock's
 * time is accepted, because that clock may be slow. */
int64_t peer_time_s(const struct bridge *b, uint64_t t, int64_t otherwise);
/* The same in milliseconds, without conversion: at most now, at least 0. */
int64_t peer_time_ms(const struct bridge *b, int64_t t);
/* The time of a stanza: now when t is invalid. */
int64_t peer_time_stanza_s(const struct bridge *b, uint64_t t);

/* Checks the time that WhatsApp tells as its own: INVALID before 2009 and from 2106 on. */
enum wb_err peer_time_server(uint64_t t, int64_t *ret_s) WB_MUST_CHECK;

/* How long messages of a chat stay: at most 90 days, as WhatsApp offers it. Whole seconds in
 * milliseconds are made seconds. */
uint32_t peer_expiration_s(uint64_t seconds);
/* The rest of a ban in seconds; 0 when there is none, or one over PEER_BAN_MAX_S. */
uint64_t peer_ban_s(uint64_t seconds);

#endif
