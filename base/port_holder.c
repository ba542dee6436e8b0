#include "base/port_holder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/listen.h"
#include "base/text.h"

enum {
    LINE_BYTES = 512,     /* a line of /proc/net/tcp has some 150 */
    STATE_LISTEN = 0x0A,  /* TCP_LISTEN */
    COMMAND_BYTES = 4096, /* read of a command line, to find a file's name in it */
    WORD_BYTES = 100,     /* shown of one word of the command line */
    WORD_HEX = 8,         /* an address is written in words of 32 bits */
};

struct holder {
    uint64_t inode; /* of the socket */
    unsigned user, rank;
};

/* "0100007F:1F90", or four such words before the colon (IPv6): each is a word of the address's
 * bytes as this machine reads it. */
static bool read_end(const char *end, struct ip *ret_ip, uint16_t *ret_port)
{
    static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};
    const char *colon = strchr(end, ':');
    size_t words = colon ? (size_t)(colon - end) / WORD_HEX : 0;

    if (words != 1 && words != 4)
        return false;
    memcpy(ret_ip->bytes, v4_prefix, sizeof v4_prefix);
    for (size_t i = 0; i < words; i++) {
        char hex[WORD_HEX + 1] = "";
        uint32_t word;

        memcpy(hex, end + i * WORD_HEX, WORD_HEX);
        word = (uint32_t)strtoul(hex, NULL, 16);
        memcpy(ret_ip->bytes + sizeof ret_ip->bytes - (words - i) * sizeof word, &word,
               sizeof word);
    }
    *ret_port = (uint16_t)strtoul(colon + 1, NULL, 16);
    return true;
}

static bool is_any(const struct ip *ip)
{
    static const uint8_t none[16];

    return memcmp(ip->bytes + 12, none, 4) == 0 &&
           (ip_is_v4(ip) || memcmp(ip->bytes, none, sizeof none) == 0);
}

/* How well a socket that listens on `theirs` explains that we cannot listen on `ours`; 0: not at
 * all. */
static unsigned rank_of(const struct ip *theirs, const struct ip *ours)
{
    bool same_kind = ip_is_v4(theirs) == ip_is_v4(ours);

    if (memcmp(theirs->bytes, ours->bytes, sizeof ours->bytes) == 0)
        return 4;
    if (is_any(theirs) && same_kind)
        return 3;
    if (is_any(theirs) && ip_is_v4(ours))
        return 2; /* "::", whose socket mostly takes IPv4, too */
    return is_any(ours) && (same_kind || !ip_is_v4(ours));
}

/* "  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 4242 …". */
static bool read_line(char *line, const struct ip *address, uint16_t port, struct holder *ret)
{
    enum { NUMBER, LOCAL, REMOTE, STATE, QUEUES, TIMER, RETRIES, USER, TIMEOUT, INODE, FIELDS };
    const char *field[FIELDS];
    char *rest = NULL;
    struct ip theirs;
    uint16_t their_port;

    for (int i = 0; i < FIELDS; i++) {
        field[i] = strtok_r(i ? NULL : line, " ", &rest);
        if (!field[i])
            return false;
    }
    ret->user = (unsigned)strtoul(field[USER], NULL, 10);
    ret->inode = strtoull(field[INODE], NULL, 10);
    if (!read_end(field[LOCAL], &theirs, &their_port) || their_port != port ||
        strtoul(field[STATE], NULL, 16) != STATE_LISTEN || ret->inode == 0)
        return false;
    ret->rank = rank_of(&theirs, address);
    return true;
}

/* Replaces *best by a socket of this list that ranks higher. */
static void look_in_list(const char *path, const struct ip *address, uint16_t port,
                         struct holder *best)
{
    FILE *list = fopen(path, "re");
    char line[LINE_BYTES];
    struct holder h;

    if (!list)
        return;
    while (fgets(line, sizeof line, list))
        if (read_line(line, address, port, &h) && h.rank > best->rank)
            *best = h;
    fclose(list);
}

/* Has this process a descriptor of that socket? /proc/PID/fd/N is a link that names the socket. */
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

/* Is that argument of this process the name of a file? */
static bool names_file(const char *pid, const char *word)
{
    char path[COMMAND_BYTES + 64];
    struct stat st;

    if (word[0] == '/')
        snprintf(path, sizeof path, "%s", word);
    else
        snprintf(path, sizeof path, "/proc/%.20s/cwd/%s", pid, word);
    return word[0] && word[0] != '-' && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static void append_word(const char *word, struct buf *out)
{
    char shown[WORD_BYTES + 1];

    snprintf(shown, sizeof shown, "%s", word);
    for (char *c = shown; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = ' ';
    utf8_clean(shown);
    buf_printf(out, "%s%s", shown, strlen(word) > WORD_BYTES ? "…" : "");
}

/* Appends the program, and the first of its arguments that is the name of a file (a script). */
static void append_command(const char *pid, struct buf *out)
{
    char path[64], text[COMMAND_BYTES + 1];
    ssize_t n;
    int fd;

    snprintf(path, sizeof path, "/proc/%.20s/cmdline", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0)
        close(fd);
    if (n <= 0 || !text[0])
        return;
    text[n] = '\0';
    buf_append_cstr(out, " (");
    append_word(text, out);
    for (const char *word = text + strlen(text) + 1; word < text + n; word += strlen(word) + 1)
        if (names_file(pid, word)) {
            buf_append_cstr(out, " ");
            append_word(word, out);
            break;
        }
    buf_append_cstr(out, ")");
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

bool port_holder_text(const struct ip *address, uint16_t port, struct buf *out)
{
    struct holder h = {0};

    look_in_list("/proc/net/tcp", address, port, &h);
    look_in_list("/proc/net/tcp6", address, port, &h);
    if (!h.rank)
        return false;
    if (!append_process(h.inode, out))
        buf_printf(out, "a process of user %u", h.user);
    return true;
}
