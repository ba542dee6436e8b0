/* http_client.h - outgoing HTTP on a worker: one GET with a size and a time limit.
 *
 * A helper process, which is this program run once more, does the GET and ends. libcurl and the
 * twenty libraries that it brings are needed for a moment each day; loaded into the bridge they
 * would stay for ever and take a third of its memory. Only the helper loads them. */
#ifndef BRIDGE_PLATFORM_HTTP_CLIENT_H
#define BRIDGE_PLATFORM_HTTP_CLIENT_H

#include "base/buf.h"

/* Appends the body of a 200 answer to out (its maximum is the limit: TOO_LARGE). headers: NULL
 * or a NULL-ended list of "Name: value", at most 16. ca_file "": the system's. Redirects are not
 * followed, proxies of the environment are not used. INVALID url, NET, TIMEOUT, GONE (404 and
 * 410: trying the same URL again is of no use), REFUSED (any other status), NOT_FOUND (there is
 * no libcurl), IO (the process could not be started or broke). ret_why: may be NULL; for NET
 * with a known cause it is set to a static text that names the cause, else untouched. */
enum wb_err http_get(const char *url, const char *const *headers, const char *ca_file,
                     long timeout_ms, struct buf *out, const char **ret_why) WB_MUST_CHECK;
typedef enum wb_err http_get_fn(const char *url, const char *const *headers, const char *ca_file,
                                long timeout_ms, struct buf *out, const char **ret_why);

/* Call it first in main() of every program that uses http_get(). Returns the exit status when
 * the program was run as the helper, else -1. */
int http_client_main(int argc, char *const *argv);

#endif
