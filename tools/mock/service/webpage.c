/* webpage.c - the pages of web.whatsapp.com that name the current version (P-HS-18, P-X2-18). Only
 * a browser gets them, or what looks like one: the script of the service worker for a request that
 * no page has made, the page itself for one that a person has typed. */
#include <string.h>

#include "tools/mock/admin/admin.h"

/* NULL: it is what a client that works sends. */
static const char *odd_headers(const struct http_request *q, bool worker)
{
    if (strncmp(q->user_agent, "Mozilla/5.0 ", 12) != 0)
        return "no User-Agent of a browser";
    if (strcmp(q->fetch_site, "none") != 0)
        return "Sec-Fetch-Site is not none";
    /* Baileys asks for the script without one, and as for a page that a person has typed. */
    if (strcmp(q->fetch_dest, "document") != 0 && (!worker || q->fetch_dest[0] != '\0'))
        return "Sec-Fetch-Dest is not document";
    return NULL;
}

bool http_web_page(struct mock *m, const struct http_request *q, struct http_response *r)
{
    bool worker = strcmp(q->path, "/sw.js") == 0;
    if (m->trouble.client_revision == 0 || strcmp(q->method, "GET") != 0 ||
        (!worker && strcmp(q->path, "/") != 0) || (worker && m->no_worker_script))
        return false;
    const char *odd = odd_headers(q, worker);
    r->type = worker ? "application/javascript" : "text/html";
    if (odd != NULL) {
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

int admin_web_pages(struct mock *m, const struct http_request *q, const json_t *body,
                    json_t **ret_out)
{
    (void)q;
    m->no_worker_script = !admin_bool(body, "worker", true);
    return admin_ok(ret_out);
}
