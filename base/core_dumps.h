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
/* Once the settings are known. allow: for developers; all is as it was before, so that debuggers
 * and core dumps work. Else the hard limit is taken away too, for good. */
void core_dumps_settle(const struct core_dumps *before, bool allow);
/* Does the environment allow them (true, yes, on, 1)? */
bool core_dumps_env(void);
/* All of it for a program without settings, first thing in main(): allowed by the environment, or
 * by an argument --core-dumps. */
void core_dumps_guard(int argc, char *const *argv);

#endif
