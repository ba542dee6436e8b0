/* <ib>: the server's news about itself and the connection; never acked (P-LG-17..20). */
#include "bridge/conn/conn.h"
#include "bridge/conn/version_fetch.h"
#include "bridge/core/context.h"
#include "bridge/dispatch/handlers.h"
#include "bridge/groups/group_list.h"
#include "store/core/meta.h"

static uint64_t count_of(const struct node *n, const char *key)
{
    uint64_t v;

    return node_attr_get_u64(n, key, &v) ? v : 0;
}

/* Keeps the routing hint for the next connection (P-WS-10). A failure to store it is not worth
 * failing the stanza. */
static void keep_routing(struct bridge *b, const struct node *edge)
{
    struct span info = node_content_bytes(node_child(edge, "routing_info"));

    if (info.n == 0 || info.n > STORE_META_MAX)
        return;
    if (store_meta_put(b->store, STORE_META_ROUTING_INFO, info) != WB_OK)
        log_warn(b->log, "conn", "the routing hint was not kept");
}

/* <client_expiration>: the web version will end at t (P-X2-18). Without t the announcement is
 * withdrawn; a t that is no number is ignored. */
static void take_expiration(struct bridge *b, const struct node *n)
{
    uint64_t at;

    if (!node_has_attr(n, "t"))
        version_expiry_withdrawn(b->version);
    else if (node_attr_get_u64(n, "t", &at))
        version_expiry_announced(b->version, conn_version(b->conn), at);
    else
        log_warn(b->log, "version", "the announced end of the web version cannot be read");
}

static void apply_child(struct bridge *b, const struct stanza *s, const struct node *n)
{
    if (node_is(n, "offline_preview")) {
        log_info(b->log, "conn", "waiting on the server: %llu (%llu messages, %llu notifications)",
                 (unsigned long long)count_of(n, "count"),
                 (unsigned long long)count_of(n, "message"),
                 (unsigned long long)count_of(n, "notification"));
        conn_offline_announced(b->conn, count_of(n, "count"));
    } else if (node_is(n, "offline")) {
        log_info(b->log, "conn", "the offline queue is delivered (%llu)",
                 (unsigned long long)count_of(n, "count"));
        conn_offline_forget(b->conn);
        conn_offline_done(b->conn);
    } else if (node_is(n, "edge_routing")) {
        keep_routing(b, n);
    } else if (node_is(n, "client_expiration")) {
        take_expiration(b, n);
    } else if (node_is(n, "downgrade_webclient")) {
        log_warn(b->log, "pair",
                 "the QR was scanned by a phone that cannot link devices; update WhatsApp on it");
    } else if (node_is(n, "dirty")) {
        struct span type = node_attr_str(n, "type", s->arena);

        log_debug(b->log, "conn", "dirty: %.*s", (int)type.n, type.p ? (const char *)type.p : "");
        group_list_dirty(b, n);
    }
}

static enum wb_err ib_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    (void)parsed;
    if (s->node->content != NODE_CHILDREN)
        return WB_OK;
    for (const struct node *n = s->node->first; n; n = n->next)
        apply_child(b, s, n);
    return WB_OK;
}

const struct stanza_handler in_ib_handler = {"ib", STANZA_ACK_NEVER, NULL, ib_apply};
