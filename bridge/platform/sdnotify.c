#include "bridge/platform/sdnotify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/span.h"

/* A systemd that does not read must not stop the loop: a repeated message never waits, a message
 * that is sent only once waits for at most a second. */
static void tell(const struct sdnotify *s, const char *text, bool once)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = 1};
    int flags = MSG_NOSIGNAL | (once ? 0 : MSG_DONTWAIT);
    int fd;

    if (s->path_n == 0)
        return;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0)
        flags |= MSG_DONTWAIT;
    memcpy(to.sun_path, s->path, s->path_n);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0'; /* the abstract namespace */
    /* An error is ignored: systemd notices when a sign of life is missing. */
    (void)(sendto(fd, text, strlen(text), flags, (struct sockaddr *)(void *)&to,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + s->path_n)) < 0);
    close(fd);
}

void sdnotify_init(struct sdnotify *s, struct timers *timers)
{
    const char *path = getenv("NOTIFY_SOCKET");
    const char *usec = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    uint64_t v;

    *s = (struct sdnotify){.timers = timers};
    if (!path || (path[0] != '/' && path[0] != '@') ||
        strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return;
    s->path_n = (unsigned)strlen(path);
    memcpy(s->path, path, s->path_n);
    if (!usec || !span_to_u64(span_cstr(usec), &v))
        return;
    /* Half of it, as sd_watchdog_enabled(3) advises. */
    s->every_ms = (int64_t)(v / 2000);
    if (pid && (!span_to_u64(span_cstr(pid), &v) || v != (uint64_t)getpid()))
        s->every_ms = 0;
}

static void on_timer(void *ctx)
{
    struct sdnotify *s = ctx;

    tell(s, "WATCHDOG=1", false);
    timer_start(s->timers, &s->timer, s->every_ms, on_timer, s);
}

void sdnotify_busy(struct sdnotify *s, const char *what, int64_t busy_ms)
{
    char text[200];
    int n = snprintf(text, sizeof text, "EXTEND_TIMEOUT_USEC=%lld\nSTATUS=%s",
                     (long long)busy_ms * 1000, what);

    s->busy = s->every_ms > 0;
    if (s->busy && n > 0 && (size_t)n < sizeof text)
        snprintf(text + n, sizeof text - (size_t)n, "\nWATCHDOG_USEC=%lld",
                 (long long)busy_ms * 1000);
    tell(s, text, true);
}

void sdnotify_ready(struct sdnotify *s)
{
    char text[48];

    if (s->busy) {
        snprintf(text, sizeof text, "WATCHDOG_USEC=%lld", (long long)s->every_ms * 2000);
        tell(s, text, true);
        s->busy = false;
    }
    tell(s, "READY=1", true);
    if (s->every_ms > 0)
        on_timer(s);
}

void sdnotify_stopping(struct sdnotify *s)
{
    tell(s, "STOPPING=1", true);
}

void sdnotify_reloading(struct sdnotify *s, int64_t mono_us)
{
    char text[80];

    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)mono_us);
    tell(s, text, true);
}

void sdnotify_status(struct sdnotify *s, const char *text)
{
    char line[200];

    snprintf(line, sizeof line, "STATUS=%s", text);
    tell(s, line, false);
}

void sdnotify_stop(struct sdnotify *s)
{
    timer_stop(s->timers, &s->timer);
}
