/* sdnotify.h - systemd's readiness and watchdog protocol: datagrams to
 * $NOTIFY_SOCKET. Does nothing when not started by systemd. */
#ifndef BRIDGE_PLATFORM_SDNOTIFY_H
#define BRIDGE_PLATFORM_SDNOTIFY_H

#include "bridge/platform/timers.h"

struct sdnotify {
    struct timers *timers;
    struct timer timer;
    int64_t every_ms; /* 0: no watchdog */
    bool busy;        /* the watchdog was given more time */
    char path[128];   /* "": no systemd */
    unsigned path_n;
};

/* timers: may be NULL here, but must be set before sdnotify_ready(). Reads NOTIFY_SOCKET,
 * WATCHDOG_USEC and WATCHDOG_PID. */
void sdnotify_init(struct sdnotify *s, struct timers *timers);
/* Reports readiness; from then on the loop itself sends a sign of life every half of the
 * watchdog's time, so that systemd restarts a hung bridge. */
void sdnotify_ready(struct sdnotify *s);
/* Call it before work on this thread that may take minutes: for busy_ms systemd neither ends the
 * start nor expects signs of life; sdnotify_ready() ends that. what: a few words for `systemctl
 * status`. */
void sdnotify_busy(struct sdnotify *s, const char *what, int64_t busy_ms);
void sdnotify_stopping(struct sdnotify *s);
void sdnotify_reloading(struct sdnotify *s, int64_t mono_us);
void sdnotify_status(struct sdnotify *s, const char *text);
void sdnotify_stop(struct sdnotify *s);

#endif
