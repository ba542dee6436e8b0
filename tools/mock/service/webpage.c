#include "tools/mock/service/webpage.h"

#include <string.h>

/* What in the headers is odd; NULL for those that a working client sends. */
static const char *odd_headers(const struct http_request *q, bool worker)
{
    if (strncmp(q->user_agent, "Mozilla/5.0 ", 12) != 0)
        return "no User-Agent of a browser";
    if (strcmp(q->fetch_site, "none") != 0)
        return "Sec-Fetch-Site is not none";
    /* Baileys asks for the script without this header, and for it as for a page that a person
     * typed. */
    if (strcmp(q->fetch_dest, "document") != 0 && (!worker || q->fetch_dest[0] != '\0'))
        return "Sec-Fetch-Dest is not document";
    return NULL;
}

bool webpage_http(struct mock *m, const struct http_request *q, struct http_response *r)
{
    bool worker = strcmp(q->path, "/sw.js") == 0;

    if (m->trouble.client_revision == 0 || strcmp(q->method, "GET") != 0 ||
        (!worker && strcmp(q->path, "/") != 0) || (worker && m->no_worker_script))
        return false;
    const char *odd = odd_headers(q, worker);
    r->type = worker ? "application/javascript" : "text/html";
    if (odd) {
        mock_flag(m, "http", "bad-page-request", NULL, "%s: %s", q->path, odd);
        r->status = 400;
        buf_append_cstr(&r->body, "<!DOCTYPE html><title>Error</title>\n");
        return true;
    }
    r->status = 200;
    buf_printf(&r->body,
               worker ? "self.x='{\\\"client_revision\\\":%u,\\\"y\\\":1}';\n"
                      : "<script>x={\"client_revision\":%u,\"y\":1}</script>\n",
               m->trouble.client_revision);
    return true;
}
