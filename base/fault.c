#include "base/fault.h"

#ifdef WB_FAULTS
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/plain_file.h"

/* The fault that the environment asks for. Static: a fault point has no caller that could pass
 * it in. */
struct plan {
    bool read;
    char name[64];
    unsigned long left; /* passes until the fault strikes; 0: never */
    enum wb_err error;  /* OK: kill */
    int log_fd;
};

static void plan_read(struct plan *p)
{
    const char *what = getenv("WB_FAULT"), *log = getenv("WB_FAULT_LOG");
    size_t n = what ? strcspn(what, ":") : 0;

    p->read = true;
    p->log_fd = -1;
    if (log && plain_open(log, O_WRONLY | O_APPEND | O_CREAT, 0600, &p->log_fd) != WB_OK)
        p->log_fd = -1;
    if (n == 0 || n >= sizeof p->name || what[n] != ':')
        return;
    memcpy(p->name, what, n);
    p->left = strtoul(what + n + 1, NULL, 10);
    if (strstr(what, ":io"))
        p->error = WB_ERR_IO;
    else if (strstr(what, ":space"))
        p->error = WB_ERR_NO_SPACE;
}

static void note(int fd, const char *name)
{
    char line[80];
    size_t n = strlen(name);

    if (fd < 0 || n + 1 > sizeof line)
        return;
    memcpy(line, name, n);
    line[n++] = '\n';
    if (write(fd, line, n) < 0) {
        /* A lost line makes the proof "no point is dead" fail, which is noticed. */
    }
}

enum wb_err fault_point(const char *name)
{
    static struct plan p;

    if (!p.read)
        plan_read(&p);
    note(p.log_fd, name);
    if (p.left == 0 || strcmp(name, p.name) != 0 || --p.left > 0)
        return WB_OK;
    if (p.error == WB_OK)
        kill(getpid(), SIGKILL);
    return p.error;
}
#endif
