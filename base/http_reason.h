/* http_reason.h - the words behind an HTTP status code. */
#ifndef BASE_HTTP_REASON_H
#define BASE_HTTP_REASON_H

/* The phrase that IANA's registry has for it (RFC 9110, 15), never empty: of a code that it does
 * not have, the name of its class. */
const char *http_reason(int status);

#endif
