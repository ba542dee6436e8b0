/* The parameters of a request, as http_request.c has left them in r->query. */
#include "api/call/fields.h"

/* A sentence with the names of all parameters of a call. */
enum { TEXT_BYTES_MAX = 1000 };

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
    struct buf text = buf_new(TEXT_BYTES_MAX);

    for (const char *p = r->query; *p && text.n == 0; p += strlen(p) + 1) {
        size_t k = 0;

        while (known[k] && !is_named(p, known[k]))
            k++;
        if (!known[k])
            unknown_name_text("parameter", SPAN(p, name_length(p)), known, &text);
        else if (times_given(r, known[k]) > 1)
            buf_printf(&text, "parameter '%s' is given more than once", known[k]);
    }
    if (text.n > 0)
        api_reply_error(r, CMD_BAD_REQUEST, buf_text(&text));
    buf_free(&text);
    return !r->answered;
}
