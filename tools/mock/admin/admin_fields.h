/* admin_fields.h - which fields each /admin call takes. A misspelled field would change nothing,
 * and a test that relies on it would test something other than it says. */
#ifndef MOCK_ADMIN_ADMIN_FIELDS_H
#define MOCK_ADMIN_ADMIN_FIELDS_H

#include <jansson.h>

#include "tools/mock/core/http.h"

/* Whether the call takes all fields that the query and the body (NULL: plain text) name, in their
 * types. If not, why (`size` bytes) gets a text: the field, and what is wrong with it. A null
 * counts as absent. */
bool admin_fields_ok(const struct http_request *q, const json_t *body, char *why, size_t size);
/* Method and path of call number i (from 0). False behind the last call. */
bool admin_fields_call(size_t i, const char **ret_method, const char **ret_path);

#endif
