/* port_holder.h - who listens on a port that we cannot have. */
#ifndef BASE_PORT_HOLDER_H
#define BASE_PORT_HOLDER_H

#include "base/buf.h"

/* Appends "pid 4711 (python3 server.py)", as /proc has it: one that listens on this TCP port, on
 * whatever address. Of a process that we may not look into, its user: "a process of user 1000".
 * False: nobody listens there (any more), or /proc does not say; nothing is appended. */
bool port_holder_text(uint16_t port, struct buf *out);

#endif
