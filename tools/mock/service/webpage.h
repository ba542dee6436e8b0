/* webpage.h - the pages of web.whatsapp.com that name the current version (P-HS-18, P-X2-18). Only
 * requests that look like a browser's get them: the script of the service worker must be asked for
 * without a page, the page itself as one that a person has typed. */
#ifndef MOCK_SERVICE_WEBPAGE_H
#define MOCK_SERVICE_WEBPAGE_H

#include "tools/mock/core/http.h"
#include "tools/mock/core/mock.h"

/* True when the request was for one of these pages, and r is the answer. */
bool webpage_http(struct mock *m, const struct http_request *q, struct http_response *r);

#endif
