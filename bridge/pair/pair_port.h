/* pair_port.h - pairing's functions, for conn_new(): the connection itself does not know this
 * room. */
#ifndef BRIDGE_PAIR_PAIR_PORT_H
#define BRIDGE_PAIR_PAIR_PORT_H

struct conn_pairing;

extern const struct conn_pairing pairing_of_conn;

#endif
