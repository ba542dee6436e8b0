/* ws_tls.h - is a TLS connection what we asked for? Looked at after the handshake and before the
 * first byte of ours that matters, because libwebsockets 4.1.6 does not always do what it is told:
 * it takes what stands before the first ':' for the host's name, so that of an IPv6 address nothing
 * is left to compare, and it leaves the versions of TLS to the system's settings. */
#ifndef BRIDGE_PLATFORM_WS_TLS_H
#define BRIDGE_PLATFORM_WS_TLS_H

struct ssl_st;

/* NULL when it is: TLS 1.2 or newer, a certificate that verifies, for that host (a name, or an IPv4
 * or IPv6 address). Else what is wrong, a static text. */
const char *ws_tls_problem(const struct ssl_st *ssl, const char *host);
/* Options of OpenSSL that switch older versions off. */
long ws_tls_options(void);

#endif
