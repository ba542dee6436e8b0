/* ws_tls.h - is a TLS connection what we asked for? It is checked after the handshake and before
 * our first byte that matters, because libwebsockets 4.1.6 does not always do what it is told:
 * it takes the text before the first ':' for the host's name, so that nothing of an IPv6 address
 * is compared, and it leaves the versions of TLS to the system's settings. */
#ifndef BRIDGE_PLATFORM_WS_TLS_H
#define BRIDGE_PLATFORM_WS_TLS_H

struct ssl_st;

/* NULL when the connection is good: TLS 1.2 or newer, and a certificate that verifies for that
 * host (a name, or an IPv4 or IPv6 address). Else a static text that says what is wrong. */
const char *ws_tls_problem(const struct ssl_st *ssl, const char *host);
/* Options of OpenSSL that switch older versions off. */
long ws_tls_options(void);

#endif
