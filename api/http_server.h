/* http_server.h - what handlers need of the HTTP/1.1 server, which is libwebsockets and http_*.c.
 * It serves one request per connection. */
#ifndef API_HTTP_SERVER_H
#define API_HTTP_SERVER_H

#include "api/api.h"
#include "api/request.h"

const struct config *api_config(const struct api *api);

/* The answer in r is complete: it is sent when the socket takes it, then r is freed. */
void http_server_answer(struct api_request *r);
/* Is there room for an answer of n bytes, beside those that callers have not taken yet? */
bool http_server_may_hold(struct api_request *r, size_t n);

#endif
