#include "bridge/people/mex.h"

#include <jansson.h>

#include "bridge/people/limits.h"

/* The server writes numbers as texts; other clients have seen plain numbers, too. */
static int64_t seconds_of(const json_t *v)
{
    uint64_t n = 0;

    if (json_is_integer(v))
        return json_integer_value(v) > 0 ? json_integer_value(v) : 0;
    if (!json_is_string(v) || !span_to_u64(SPAN(json_string_value(v), json_string_length(v)), &n) ||
        n > INT64_MAX)
        return 0;
    return (int64_t)n;
}

enum wb_err mex_time_lock_parse(struct span json, const char *name, struct mex_time_lock *ret_lock)
{
    const json_t *errors, *lock;
    enum wb_err err = WB_OK;
    json_t *o;

    if (json.n > MEX_JSON_MAX)
        return WB_ERR_TOO_LARGE;
    /* jansson itself limits the depth to 2048 and refuses invalid UTF-8. */
    o = json_loadb(json.n ? (const char *)json.p : "", json.n, JSON_REJECT_DUPLICATES, NULL);
    errors = json_object_get(o, "errors");
    lock = json_object_get(json_object_get(o, "data"), name);
    if (!json_is_object(o))
        err = WB_ERR_MALFORMED;
    else if (json_array_size(errors) > 0)
        err = WB_ERR_REFUSED;
    else if (!lock || json_is_null(lock))
        err = WB_ERR_NOT_FOUND;
    else if (!json_is_object(lock))
        err = WB_ERR_MALFORMED;
    else
        *ret_lock = (struct mex_time_lock){
            .active = json_is_true(json_object_get(lock, "is_active")),
            .ends_s = seconds_of(json_object_get(lock, "time_enforcement_ends"))};
    json_decref(o);
    return err;
}
