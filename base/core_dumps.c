#include "base/core_dumps.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/text.h"

void core_dumps_forbid(struct core_dumps *ret)
{
    struct rlimit now;

    ret->known = getrlimit(RLIMIT_CORE, &ret->before) == 0;
    now = ret->before;
    now.rlim_cur = 0;
    /* Neither can fail with these values. */
    (void)(prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) == 0);
    (void)(ret->known && setrlimit(RLIMIT_CORE, &now) == 0);
}

void core_dumps_settle(const struct core_dumps *before, bool allow)
{
    static const struct rlimit none = {0, 0};

    if (allow) {
        (void)(prctl(PR_SET_DUMPABLE, 1UL, 0UL, 0UL, 0UL) == 0);
        (void)(before->known && setrlimit(RLIMIT_CORE, &before->before) == 0);
    } else {
        (void)(setrlimit(RLIMIT_CORE, &none) == 0);
    }
}

bool core_dumps_env(void)
{
    const char *value = getenv(CORE_DUMPS_ENV);
    bool allow = false;

    return value && text_yes_no(value, &allow) && allow;
}

void core_dumps_guard(int argc, char *const *argv)
{
    struct core_dumps before;
    bool allow = core_dumps_env();

    core_dumps_forbid(&before);
    for (int i = 1; i < argc; i++)
        allow = allow || strcmp(argv[i], "--core-dumps") == 0;
    core_dumps_settle(&before, allow);
}
