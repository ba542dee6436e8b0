/* pair_port.h - pairing, as the connection is given it. */
#ifndef BRIDGE_PAIR_PAIR_PORT_H
#define BRIDGE_PAIR_PAIR_PORT_H

struct conn_pairing;

extern const struct conn_pairing pairing_of_conn;

#endif
