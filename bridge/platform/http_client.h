/* http_client.h - outgoing HTTP on a worker: one GET with a size and a time limit.
 *
 * A process of its own does it, this program run once more, and ends with it: libcurl and the
 * twenty libraries that it brings are needed for a moment each day and would stay for ever, at a
 * third of the bridge's memory. Only that process loads them. */
#ifndef BRIDGE_PLATFORM_HTTP_CLIENT_H
#define BRIDGE_PLATFORM_HTTP_CLIENT_H

#include "base/buf.h"

/* Appends the body of a 200 answer to out (its maximum is the limit: TOO_LARGE). headers: NULL or
 * a NULL-ended list of "Name: value", at most 16. ca_file "": the system's. Redirects are not
 * followed, proxies of the environment are not used. INVALID url, NET, TIMEOUT, GONE (404 and 410:
 * the same is not worth another try), REFUSED (any other status), NOT_FOUND (there is no libcurl),
 * IO (the process could not be started or broke). ret_why: NULL, or set for NET to a static text
 * that says what it was, where that is known; else untouched. */
enum wb_err http_get(const char *url, const char *const *headers, const char *ca_file,
                     long timeout_ms, struct buf *out, const char **ret_why) WB_MUST_CHECK;

/* The first thing in main() of every program that uses http_get(): the exit status when it was run
 * as that process, else -1. */
int http_client_main(int argc, char *const *argv);

#endif
