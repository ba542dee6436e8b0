#include "tools/mock/core/cut.h"

#include <sys/socket.h>

void cut_fd(int fd, enum socket_cut how)
{
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};

    switch (how) {
    case SOCKET_RESET:
        /* Linux answers "connect to nobody" on an open connection with a reset, at once. A close
         * with SO_LINGER 0 would come behind the library's own shutdown(). */
        (void)connect(fd, &nobody, sizeof nobody);
        break;
    case SOCKET_FIN:
        (void)shutdown(fd, SHUT_WR);
        break;
    case SOCKET_DEAF:
        break;
    }
}
