/* admin_server.c - how the server behaves towards all clients: which requests it refuses for a
 * while, which web pages it has, how it delivers what was queued while a client was away. */
#include "tools/mock/admin/admin.h"

int admin_rate(struct mock *m, const struct http_request *q, const json_t *body, json_t **ret_out)
{
    (void)q;
    const char *kind = admin_text(body, "query");
    struct rate_rule r = {.times = admin_int(body, "times", 1),
                          .backoff_s = admin_int(body, "backoff", 0),
                          .code = (int)admin_int(body, "code", 429)};
    if (kind[0] == '\0' || strlen(kind) >= RATE_KIND_MAX)
        return admin_bad(ret_out, 400, "query: namespace and type, as in 'usync get'");
    (void)snprintf(r.kind, sizeof r.kind, "%s", kind);
    return rate_set(m, &r) ? admin_ok(ret_out) : admin_bad(ret_out, 409, "no more kinds");
}

int admin_web_pages(struct mock *m, const struct http_request *q, const json_t *body,
                    json_t **ret_out)
{
    (void)q;
    m->no_worker_script = !admin_bool(body, "worker", true);
    return admin_ok(ret_out);
}

int admin_offline(struct mock *m, const struct http_request *q, const json_t *body,
                  json_t **ret_out)
{
    (void)q;
    m->offline_pull = admin_bool(body, "pull", true);
    return admin_ok(ret_out);
}
