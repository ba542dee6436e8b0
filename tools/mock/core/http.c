#include "tools/mock/core/http.h"

#include <stdio.h>
#include <string.h>

const char *http_query(const struct http_request *q, const char *name, char *buf, size_t max)
{
    size_t n = strlen(name);

    for (const char *at = q->query; at != NULL && *at != '\0';) {
        const char *end = strchr(at, '\n');
        size_t len = end != NULL ? (size_t)(end - at) : strlen(at);

        if (len > n && strncmp(at, name, n) == 0 && at[n] == '=') {
            (void)snprintf(buf, max, "%.*s", (int)(len - n - 1), at + n + 1);
            return buf;
        }
        at = end != NULL ? end + 1 : NULL;
    }
    return NULL;
}
