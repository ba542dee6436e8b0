/* port_holder.h - who listens on a port that we cannot have. */
#ifndef BASE_PORT_HOLDER_H
#define BASE_PORT_HOLDER_H

#include "base/buf.h"

struct ip; /* base/listen.h */

/* Appends "pid 4711 (python3 server.py)", from /proc: a process whose socket keeps us from
 * listening on this address and TCP port. Its socket is on the same address, else on all
 * addresses; if we want all addresses, any socket on this port counts. Of the command line only
 * the program and the first argument that is the name of a file are shown: the others may be
 * secrets. For a process that we may not look into, the text is its user: "a process of user
 * 1000". False: nobody listens there (any more), or /proc does not say; nothing is appended. */
bool port_holder_text(const struct ip *address, uint16_t port, struct buf *out);

#endif
