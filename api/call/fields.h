/* fields.h - names that callers may use, and the name that a caller may have meant. A field that
 * the bridge does not know is refused: if it were dropped silently, a slip like 'mentions' would
 * send the message and mention nobody. */
#ifndef API_CALL_FIELDS_H
#define API_CALL_FIELDS_H

#include "api/call/request.h"

/* The fields of one call's body. */
struct api_fields {
    const char *const *known; /* ends with NULL */
    const char *wanted;       /* told to a caller with an empty body: what to send; NULL: no body is
                               * needed */
};

/* The known name that is most like `given` (in spelling, in its beginning, or as another word for
 * the same thing); NULL: no name is like it. */
const char *nearest_name(struct span given, const char *const *known);

/* Writes "unknown <what> 'x'; did you mean 'y'?", or a list of all known names. */
void unknown_name_text(const char *what, struct span given, const char *const *known,
                       struct buf *out);

/* The body as a JSON object (a new reference) with known fields only; where no body is needed, an
 * empty one counts as an empty object. NULL: the request was answered with bad_request. */
json_t *api_body(struct api_request *r, const struct api_fields *fields) WB_MUST_CHECK;
/* Are all names in the object known? False: the request was answered. */
bool api_fields_known(struct api_request *r, json_t *object,
                      const char *const *known) WB_MUST_CHECK;

#endif
