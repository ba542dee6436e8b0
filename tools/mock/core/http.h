/* http.h - one HTTP request and its answer, without the server that carries them. */
#ifndef MOCK_CORE_HTTP_H
#define MOCK_CORE_HTTP_H

#include <stdbool.h>

#include "base/buf.h"

struct http_request {
    const char *method; /* GET, POST, DELETE */
    const char *path;   /* decoded, without the query */
    const char *query;  /* decoded name=value parts joined by '\n', "" without */
    struct span body;
    /* headers, "" when absent */
    const char *user_agent, *fetch_site, *fetch_dest;
};

struct http_response {
    int status;
    const char *type; /* static */
    struct buf body;
};

/* Copies a value of the query to buf, cut to max - 1 bytes, and returns buf; NULL when absent. */
const char *http_query(const struct http_request *q, const char *name, char *buf, size_t max);

#endif
