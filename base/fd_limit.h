/* fd_limit.h - how many files and sockets this process may have open at once (RLIMIT_NOFILE). */
#ifndef BASE_FD_LIMIT_H
#define BASE_FD_LIMIT_H

#include <stddef.h>

/* Raises the soft limit to `want` descriptors, or as far as the hard limit lets it; a higher one
 * stays as it is. Returns the limit that is in force then; 0 when the system does not tell. */
size_t fd_limit_raise(size_t want);
/* How many descriptors are open now. Those above the 4096th are not counted: nobody starts a
 * program with so many. */
size_t fd_limit_open(void);

#endif
