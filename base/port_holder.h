/* port_holder.h - who listens on a port that we cannot have. */
#ifndef BASE_PORT_HOLDER_H
#define BASE_PORT_HOLDER_H

#include "base/buf.h"

struct ip; /* base/listen.h */

/* Appends "pid 4711 (python3 server.py)", as /proc has it: one whose socket keeps us from listening
 * on this address and TCP port. That is one on the same address, else one on all addresses; where
 * we want all of them, any on this port. Of its arguments only the program's and the first that is
 * the name of a file are shown: the others may be secrets. Of a process that we may not look into,
 * its user: "a process of user 1000". False: nobody listens there (any more), or /proc does not
 * say; nothing is appended. */
bool port_holder_text(const struct ip *address, uint16_t port, struct buf *out);

#endif
