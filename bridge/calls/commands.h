/* commands.h - what callers can ask for: the port that api/ (and the tools behind it) works
 * through. It knows no stanza, key or SQL. Everything is called on the loop's thread; what takes
 * time answers by callback. */
#ifndef BRIDGE_CALLS_COMMANDS_H
#define BRIDGE_CALLS_COMMANDS_H

#include "bridge/core/command.h"
#include "bridge/groups/group_calls.h"
#include "bridge/pair/pair_calls.h"
#include "bridge/send/send_calls.h"

struct bridge;

/* Try again now (after replaced, a ban, an outage). */
void bridge_reconnect(struct bridge *b, command_done_fn *done, void *ctx);
/* Show a QR again after a logout. CONFLICT when paired. */
void bridge_pair(struct bridge *b, command_done_fn *done, void *ctx);
/* Unlinks this device (P-PR-28); the account is set aside, never deleted. */
void bridge_unlink(struct bridge *b, command_done_fn *done, void *ctx);

#endif
