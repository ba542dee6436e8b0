#include "bridge/core/context.h"

#include <stdarg.h>
#include <stdio.h>

void bridge_say(struct bridge *b, const char *fmt, ...)
{
    char line[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    log_info(b->log, "bridge", "%s", line);
    if (b->log->path) {
        printf("%s\n", line);
        fflush(stdout);
    }
}

bool bridge_is_self(const struct bridge *b, const struct jid *j)
{
    return (!jid_is_none(&b->own_pn) && jid_same_user(&b->own_pn, j)) ||
           (!jid_is_none(&b->own_lid) && jid_same_user(&b->own_lid, j));
}
