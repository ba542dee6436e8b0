/* The parameters of a request, as http_request.c has left them in r->query. */
#include "api/request.h"

static size_t name_length(const char *param)
{
    return strcspn(param, "=");
}

static bool is_named(const char *param, const char *name)
{
    return name_length(param) == strlen(name) && strncmp(param, name, strlen(name)) == 0;
}

bool api_query(const struct api_request *r, const char *name, struct span *ret_value)
{
    for (const char *p = r->query; *p; p += strlen(p) + 1)
        if (is_named(p, name)) {
            *ret_value = span_cstr(p[name_length(p)] ? p + name_length(p) + 1 : "");
            return true;
        }
    return false;
}

static unsigned times_given(const struct api_request *r, const char *name)
{
    unsigned n = 0;

    for (const char *p = r->query; *p; p += strlen(p) + 1)
        n += is_named(p, name);
    return n;
}

bool api_query_known(struct api_request *r, const char *const *known)
{
    char text[400] = "Parameters are, once each:";
    size_t given = 0, good = 0;

    for (const char *p = r->query; *p; p += strlen(p) + 1)
        given++;
    for (; *known; known++) {
        size_t at = strlen(text);

        snprintf(text + at, sizeof text - at, " %s", *known);
        good += times_given(r, *known) == 1;
    }
    if (good == given)
        return true;
    api_reply_error(r, CMD_BAD_REQUEST, text);
    return false;
}
