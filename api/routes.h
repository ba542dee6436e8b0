/* routes.h - the table of all calls: may this caller call, and what? */
#ifndef API_ROUTES_H
#define API_ROUTES_H

#include "api/route/route.h"

/* By the head alone, before any of the body is kept. Sets r->handle and what follows it, or answers
 * the error. */
void routes_check(struct api_request *r);

#endif
