/* http_client.h - outgoing HTTP on a worker: one GET with a size and a time limit. */
#ifndef BRIDGE_HTTP_CLIENT_H
#define BRIDGE_HTTP_CLIENT_H

#include "base/buf.h"

/* Appends the body of a 200 answer to out (its maximum is the limit: TOO_LARGE). headers: NULL or
 * a NULL-ended list of "Name: value". ca_file "": the system's. Redirects are not followed, proxies
 * of the environment are not used. INVALID url, NET, TIMEOUT, REFUSED (any other status). */
enum wb_err http_get(const char *url, const char *const *headers, const char *ca_file,
                     long timeout_ms, struct buf *out) WB_MUST_CHECK;

#endif
