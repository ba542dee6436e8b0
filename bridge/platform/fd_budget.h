/* fd_budget.h - how the files and sockets that the system allows (RLIMIT_NOFILE) are shared out.
 *
 * A process that has used up its limit is not merely slow: accept() fails, the connection stays
 * in the queue, and the loop is woken for it again at once and for ever; WhatsApp cannot be
 * called, and no database can be opened. So the descriptors that we need ourselves are set
 * aside, and only the rest is for callers of the API.
 *
 * The system gives each new descriptor the lowest number that is free. So it is enough that the API
 * takes no connection whose number is not below a bound: the numbers from there on are ours. */
#ifndef BRIDGE_PLATFORM_FD_BUDGET_H
#define BRIDGE_PLATFORM_FD_BUDGET_H

#include <stddef.h>

#include "base/err.h"

enum {
    /* Our own descriptors that are open all the time: whatsapp.db and messages.db with -wal and
     * -shm (6), their locks (2), the log (1), the loop's timer, signals, event pipe, listening
     * sockets (6), the socket to WhatsApp (1), systemd's (1). The rest is reserve. */
    FD_BUDGET_ALWAYS = 24,
    /* Our own descriptors that come and go: both journals (2), a log that is opened anew (1), a
     * new socket to WhatsApp while the old one is closing (1); a backup in a worker: both
     * databases with their logs, the copy and its journal, its descriptor, lock, directory and
     * sealed file (13); a hook or the process of an HTTP request (4); name servers asked by each
     * of three workers (6); CAs and settings that are read, directories that are flushed, /proc
     * (4). That makes 31. */
    FD_BUDGET_LATER = 40,
    /* The fewest callers of the API (a monitor, a page at /pair, some programs that wait for
     * answers). With room for fewer the bridge is of little use: it refuses to start and says
     * why. */
    FD_BUDGET_API_MIN = 16,
    /* The most callers: API_CONNECTIONS_MAX, which this folder cannot see. bridge/main.c checks
     * that both are the same. */
    FD_BUDGET_API_MAX = 576,
};

/* limit: how many descriptors the process may have; inherited: how many are open before we open
 * our own (standard input, output, error, and those that the parent left open). *ret_callers:
 * how many connections to the API there is room for; *ret_bound: the API accepts a connection
 * only if its descriptor is below this number. TOO_LARGE: not even FD_BUDGET_API_MIN callers
 * would find a place. */
enum wb_err fd_budget_share(size_t limit, size_t inherited, size_t *ret_callers,
                            size_t *ret_bound) WB_MUST_CHECK;
/* The limit that has room for FD_BUDGET_API_MAX callers. */
size_t fd_budget_wanted(size_t inherited);
/* The smallest limit that fd_budget_share() accepts. */
size_t fd_budget_least(size_t inherited);

#endif
