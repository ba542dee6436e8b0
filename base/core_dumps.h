/* core_dumps.h - keys stay in the process that has them.
 *
 * A core dump is a file with all keys in it, often readable by others or sent somewhere; and any
 * process of the same user may read another one's memory (ptrace). PR_SET_DUMPABLE 0 forbids both:
 * the files of the process in /proc then belong to root. RLIMIT_CORE 0 alone would not do, since
 * the kernel does not ask it when dumps go to a program (systemd-coredump, apport). */
#ifndef BASE_CORE_DUMPS_H
#define BASE_CORE_DUMPS_H

#include <stdbool.h>
#include <sys/resource.h>

#define CORE_DUMPS_ENV "WHATSAPP_CORE_DUMPS"

struct core_dumps {
    struct rlimit before;
    bool known;
};

/* First thing in main(), before a key is read. */
void core_dumps_forbid(struct core_dumps *ret);
/* Call it once the settings are known. allow (for developers): restores what was before
 * core_dumps_forbid(), so that debuggers and core dumps work. Otherwise the hard limit becomes 0
 * too, for good. */
void core_dumps_settle(const struct core_dumps *before, bool allow);
/* Does the environment allow core dumps (true, yes, on, 1)? */
bool core_dumps_env(void);
/* For a program without settings, first thing in main(): forbids core dumps unless the
 * environment or an argument --core-dumps allows them. */
void core_dumps_guard(int argc, char *const *argv);

#endif
