#include "base/err.h"

#include <errno.h>

static const struct {
    const char *name;
    const char *text;
    enum wb_err_class cls;
} errors[] = {
#define X(name, cls, text) {#name, text, WB_CLASS_##cls},
    WB_ERR_LIST(X)
#undef X
};

const char *wb_err_text(enum wb_err e)
{
    return (unsigned)e < WB_ERR_COUNT ? errors[e].text : "unknown error";
}

const char *wb_err_name(enum wb_err e)
{
    return (unsigned)e < WB_ERR_COUNT ? errors[e].name : "UNKNOWN";
}

enum wb_err_class wb_err_class(enum wb_err e)
{
    return (unsigned)e < WB_ERR_COUNT ? errors[e].cls : WB_CLASS_BUG;
}

bool wb_err_is_ours(enum wb_err e)
{
    return wb_err_class(e) == WB_CLASS_LOCAL || wb_err_class(e) == WB_CLASS_BUG;
}

bool wb_err_stops_us(enum wb_err e)
{
    return wb_err_is_ours(e) || e == WB_ERR_LOCKED;
}

enum wb_err wb_err_of_errno(int error)
{
    switch (error) {
    case ENOENT:
        return WB_ERR_NOT_FOUND;
    case EEXIST:
        return WB_ERR_EXISTS;
    case ELOOP:  /* a symbolic link, and O_NOFOLLOW */
    case EISDIR: /* a directory, opened for writing */
    case ENXIO:  /* a socket, or a pipe without a reader */
        return WB_ERR_NOT_PLAIN;
    case ENOSPC:
    case EDQUOT:
        return WB_ERR_NO_SPACE;
    case ENOMEM:
        return WB_ERR_NOMEM;
    default:
        return WB_ERR_IO;
    }
}
