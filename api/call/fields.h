/* fields.h - names that callers may use, and the one that they may have meant. A field that the
 * bridge does not know is refused: dropped silently, a slip like 'mentions' would send the message
 * and mention nobody. */
#ifndef API_CALL_FIELDS_H
#define API_CALL_FIELDS_H

#include "api/call/request.h"

/* The fields of one call's body. */
struct api_fields {
    const char *const *known; /* ends with NULL */
    const char *wanted;       /* of an empty body: what to send; NULL: none is needed */
};

/* The known name that is most like this one (spelling, beginning, or the same thing by another
 * name); NULL: none is like it. */
const char *nearest_name(struct span given, const char *const *known);

/* "unknown <what> 'x'; did you mean 'y'?", or with all that are known. */
void unknown_name_text(const char *what, struct span given, const char *const *known,
                       struct buf *out);

/* The body as a JSON object (a new reference) with known fields only; where none is needed, an
 * empty body is an empty object. NULL: answered with bad_request. */
json_t *api_body(struct api_request *r, const struct api_fields *fields) WB_MUST_CHECK;
/* All names in it are known. False: answered. */
bool api_fields_known(struct api_request *r, json_t *object,
                      const char *const *known) WB_MUST_CHECK;

#endif
