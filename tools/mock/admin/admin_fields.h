/* admin_fields.h - which fields each /admin call takes. A misspelled one would change nothing, and
 * a test that relies on it would test something else than it says. */
#ifndef MOCK_ADMIN_ADMIN_FIELDS_H
#define MOCK_ADMIN_ADMIN_FIELDS_H

#include <jansson.h>

#include "tools/mock/core/http.h"

/* Whether the call takes all that the query and the body (NULL: plain text) name, in these types.
 * If not, why is its text, of `size` bytes: the field, and what is wrong with it. null counts as
 * absent. */
bool admin_fields_ok(const struct http_request *q, const json_t *body, char *why, size_t size);
/* The call number i (from 0), false behind the last one. */
bool admin_fields_call(size_t i, const char **ret_method, const char **ret_path);

#endif
