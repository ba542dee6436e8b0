#include "base/port_holder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINE_BYTES = 512,    /* of /proc/net/tcp: some 150 */
    STATE_LISTEN = 0x0A, /* TCP_LISTEN */
    COMMAND_BYTES = 200, /* of a command, in a message */
};

struct holder {
    uint64_t inode; /* of the socket */
    unsigned user;
};

/* "0100007F:1F90" */
static uint16_t port_of(const char *end)
{
    const char *colon = strchr(end, ':');

    return colon ? (uint16_t)strtoul(colon + 1, NULL, 16) : 0;
}

/* "  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 4242 …". */
static bool read_line(char *line, uint16_t port, struct holder *ret)
{
    enum { NUMBER, LOCAL, REMOTE, STATE, QUEUES, TIMER, RETRIES, USER, TIMEOUT, INODE, FIELDS };
    const char *field[FIELDS];
    char *rest = NULL;

    for (int i = 0; i < FIELDS; i++) {
        field[i] = strtok_r(i ? NULL : line, " ", &rest);
        if (!field[i])
            return false;
    }
    ret->user = (unsigned)strtoul(field[USER], NULL, 10);
    ret->inode = strtoull(field[INODE], NULL, 10);
    return port_of(field[LOCAL]) == port && strtoul(field[STATE], NULL, 16) == STATE_LISTEN &&
           ret->inode != 0;
}

static bool in_list(const char *path, uint16_t port, struct holder *ret)
{
    FILE *list = fopen(path, "re");
    char line[LINE_BYTES];
    bool found = false;

    if (!list)
        return false;
    while (!found && fgets(line, sizeof line, list))
        found = read_line(line, port, ret);
    fclose(list);
    return found;
}

/* Has this process a descriptor of that socket? A descriptor's number is a link to what it is. */
static bool has_socket(const char *pid, uint64_t inode)
{
    char path[64];
    bool found = false;
    const struct dirent *e;
    DIR *dir;

    snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
    dir = opendir(path);
    while (dir && !found && (e = readdir(dir)) != NULL) {
        struct stat st;

        found = fstatat(dirfd(dir), e->d_name, &st, 0) == 0 && S_ISSOCK(st.st_mode) &&
                st.st_ino == inode;
    }
    if (dir)
        closedir(dir);
    return found;
}

/* Its arguments, with spaces between them. */
static void append_command(const char *pid, struct buf *out)
{
    char path[64], text[COMMAND_BYTES];
    ssize_t n;
    int fd;

    snprintf(path, sizeof path, "/proc/%.20s/cmdline", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd >= 0 ? read(fd, text, sizeof text) : 0;
    if (fd >= 0)
        close(fd);
    while (n > 0 && text[n - 1] == '\0')
        n--;
    for (ssize_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
            text[i] = ' ';
    if (n > 0)
        buf_printf(out, " (%.*s)", (int)n, text);
}

static bool append_process(uint64_t inode, struct buf *out)
{
    DIR *proc = opendir("/proc");
    const struct dirent *e;
    bool found = false;

    while (proc && !found && (e = readdir(proc)) != NULL) {
        if (e->d_name[0] < '1' || e->d_name[0] > '9' || !has_socket(e->d_name, inode))
            continue;
        found = true;
        buf_printf(out, "pid %s", e->d_name);
        append_command(e->d_name, out);
    }
    if (proc)
        closedir(proc);
    return found;
}

bool port_holder_text(uint16_t port, struct buf *out)
{
    struct holder h;

    if (!in_list("/proc/net/tcp", port, &h) && !in_list("/proc/net/tcp6", port, &h))
        return false;
    if (!append_process(h.inode, out))
        buf_printf(out, "a process of user %u", h.user);
    return true;
}
