#include "base/fd_limit.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/resource.h>

enum { LOOK_UP_TO = 4096 };

size_t fd_limit_raise(size_t want)
{
    struct rlimit limit, raised;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    if (limit.rlim_cur < want) {
        raised = limit;
        raised.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
        if (raised.rlim_cur > limit.rlim_cur && setrlimit(RLIMIT_NOFILE, &raised) == 0)
            limit = raised;
    }
    return limit.rlim_cur < SIZE_MAX ? (size_t)limit.rlim_cur : SIZE_MAX;
}

size_t fd_limit_open(void)
{
    size_t n = 0;

    for (int fd = 0; fd < LOOK_UP_TO; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}
