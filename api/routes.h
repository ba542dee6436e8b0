/* routes.h - the table of all calls: may this caller call, and which call is it? */
#ifndef API_ROUTES_H
#define API_ROUTES_H

#include "api/route/route.h"

/* Decides by the head alone, before any of the body is kept. Sets r->handle and the fields after
 * it, or answers with an error. */
void routes_check(struct api_request *r);

#endif
