/* http_reason.h - the words behind an HTTP status code. */
#ifndef BASE_HTTP_REASON_H
#define BASE_HTTP_REASON_H

/* The phrase in IANA's registry for this status (RFC 9110, 15), never empty: a status that the
 * registry does not have gets the name of its class. */
const char *http_reason(int status);

#endif
