/* cut.h - ways in which a connection breaks below WebSocket and TLS. */
#ifndef MOCK_CORE_CUT_H
#define MOCK_CORE_CUT_H

enum socket_cut {
    SOCKET_RESET, /* RST */
    SOCKET_FIN,   /* FIN, without a close frame or TLS's close_notify */
    SOCKET_DEAF,  /* nothing is read any more: pings and close frames stay without an answer */
};

/* Breaks a connection by its socket; how is RESET or FIN. */
void cut_fd(int fd, enum socket_cut how);

#endif
