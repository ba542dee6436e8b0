#include "base/err.h"

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
