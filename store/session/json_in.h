/* json_in.h - a small strict pull parser for machine-written JSON; private to store/.
 *
 * Nothing is copied and nothing allocated: records hold keys, and a general JSON library would
 * leave unwiped copies of them behind. Errors are sticky. */
#ifndef STORE_SESSION_JSON_IN_H
#define STORE_SESSION_JSON_IN_H

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"

struct json_in {
    struct span in;
    size_t at;
    unsigned depth;
    enum wb_err err;
};

static inline struct json_in json_in_new(struct span in)
{
    return (struct json_in){in, 0, 0, WB_OK};
}

void json_in_fail(struct json_in *j, enum wb_err err);
/* Consumes null if it is next. */
bool json_in_null(struct json_in *j);
/* Objects: json_in_object() at '{', then json_in_key() until false (which consumes '}'). */
void json_in_object(struct json_in *j);
bool json_in_key(struct json_in *j, bool *first, struct span *ret_key);
/* Arrays: the same with json_in_item(). */
void json_in_array(struct json_in *j);
bool json_in_item(struct json_in *j, bool *first);
/* A string without escapes, borrowed: keys, base64. */
struct span json_in_string(struct json_in *j);
uint32_t json_in_u32(struct json_in *j);
bool json_in_bool(struct json_in *j);
/* Any value, to be ignored. */
void json_in_skip(struct json_in *j);
/* Only white space may be left. */
void json_in_end(struct json_in *j);
/* Go's field matching: letter case does not count. */
bool json_in_key_is(struct span key, const char *name);

#endif
