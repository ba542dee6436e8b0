/* <success>, <failure>, <stream:error>, <xmlstreamend>, top-level <error>. */
#include "bridge/conn/in_stream.h"

#include "bridge/conn/conn_private.h"
#include "bridge/core/peer_time.h"

static struct span attr_or_empty(const struct stanza *s, const char *key)
{
    return node_has_attr(s->node, key) ? node_attr_str(s->node, key, s->arena) : SPAN_LIT("");
}

static uint32_t attr_u32(const struct node *n, const char *key)
{
    uint64_t v;

    return node_attr_get_u64(n, key, &v) && v <= UINT32_MAX ? (uint32_t)v : 0;
}

static void tell(struct bridge *b, enum conn_event e, const struct stanza *s, const void *parsed)
{
    conn_event(b->conn, e, &(struct conn_input){.parsed = parsed, .stanza = s});
}

/* ---- success ---- */

static enum wb_err success_parse(const struct stanza *s, void **ret_parsed)
{
    struct success_info *i = ARENA_NEW(s->arena, struct success_info);
    uint64_t t;

    if (!i)
        return WB_ERR_NOMEM;
    if (node_attr_get_u64(s->node, "t", &t) && peer_time_server(t, &i->server_time_s) != WB_OK)
        i->server_time_s = 0;
    if (node_attr_get_jid(s->node, "lid", &i->lid) && i->lid.server != JID_LID)
        i->lid = (struct jid){0};
    *ret_parsed = i;
    return WB_OK;
}

static enum wb_err success_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    tell(b, CONN_EV_SUCCESS, s, parsed);
    return WB_OK;
}

const struct stanza_handler in_success_handler = {"success", STANZA_ACK_NEVER, success_parse,
                                                  success_apply};

/* ---- failure ---- */

static enum wb_err failure_parse(const struct stanza *s, void **ret_parsed)
{
    struct failure_info *f = ARENA_NEW(s->arena, struct failure_info);

    if (!f)
        return WB_ERR_NOMEM;
    f->reason = attr_u32(s->node, "reason");
    f->ban_code = attr_u32(s->node, "code");
    if (!node_attr_get_u64(s->node, "expire", &f->expire_s))
        f->expire_s = 0;
    f->message = attr_or_empty(s, "message");
    if (f->message.n == 0)
        f->message = attr_or_empty(s, "logout_message_header");
    *ret_parsed = f;
    return WB_OK;
}

static enum wb_err failure_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    tell(b, CONN_EV_FAILURE, s, parsed);
    return WB_OK;
}

const struct stanza_handler in_failure_handler = {"failure", STANZA_ACK_NEVER, failure_parse,
                                                  failure_apply};

enum conn_reason failure_reaction(const struct failure_info *f)
{
    switch (f->reason) {
    case 401: /* logged out */
    case 403: /* account locked, main device gone */
    case 406: /* banned, unknown logout */
        return CONN_WHY_LOGGED_OUT;
    case 402:
        return CONN_WHY_BANNED;
    case 405:
        return CONN_WHY_OUTDATED;
    case 429:
        return CONN_WHY_RATE;
    default: /* 500 internal, 501 experimental, 502, 503 unavailable, 504: these errors pass */
        return f->reason >= 500 ? CONN_WHY_SERVER : CONN_WHY_FAILURE;
    }
}

const char *failure_text(uint32_t reason)
{
    switch (reason) {
    case 403:
        return " (the account is locked, or its phone is gone)";
    case 406:
        return " (the account is banned)";
    default:
        return "";
    }
}

const char *ban_code_text(uint32_t code)
{
    switch (code) {
    case 101:
        return "too many messages to people who do not know this number";
    case 102:
        return "blocked by too many people";
    case 103:
        return "made too many groups with people who do not know this number";
    case 104:
        return "the same message to too many people";
    case 106:
        return "too many messages to broadcast lists";
    default:
        return "reason not given";
    }
}

/* ---- stream:error ---- */

static enum wb_err stream_error_parse(const struct stanza *s, void **ret_parsed)
{
    struct stream_error_info *e = ARENA_NEW(s->arena, struct stream_error_info);
    const struct node *conflict = node_child(s->node, "conflict");
    const struct node *ack = node_child(s->node, "ack");

    if (!e)
        return WB_ERR_NOMEM;
    e->code = attr_u32(s->node, "code");
    if (conflict && node_attr_is(conflict, "type", "replaced"))
        e->conflict = CONFLICT_REPLACED;
    else if (conflict && node_attr_is(conflict, "type", "device_removed"))
        e->conflict = CONFLICT_DEVICE_REMOVED;
    else if (conflict)
        e->conflict = CONFLICT_OTHER;
    e->not_well_formed = node_child(s->node, "xml-not-well-formed") != NULL;
    if (ack && node_has_attr(ack, "id"))
        e->refused_id = node_attr_str(ack, "id", s->arena);
    if (s->node->content == NODE_CHILDREN && s->node->first)
        e->child = s->node->first->tag;
    *ret_parsed = e;
    return WB_OK;
}

static enum wb_err stream_error_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    tell(b, CONN_EV_STREAM_ERROR, s, parsed);
    return WB_OK;
}

const struct stanza_handler in_stream_error_handler = {"stream:error", STANZA_ACK_NEVER,
                                                       stream_error_parse, stream_error_apply};

enum conn_reason stream_error_reaction(const struct stream_error_info *e)
{
    if (e->conflict == CONFLICT_DEVICE_REMOVED)
        return CONN_WHY_LOGGED_OUT;
    if (e->conflict == CONFLICT_REPLACED)
        return CONN_WHY_REPLACED;
    switch (e->code) {
    case 515:
        return CONN_WHY_RESTART;
    case 401:
    case 516:
        return CONN_WHY_LOGGED_OUT;
    case 429:
        return CONN_WHY_RATE;
    default:
        return CONN_WHY_SERVER;
    }
}

/* ---- xmlstreamend, error ---- */

static enum wb_err stream_end_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    tell(b, CONN_EV_STREAM_END, s, parsed);
    return WB_OK;
}

const struct stanza_handler in_xmlstreamend_handler = {"xmlstreamend", STANZA_ACK_NEVER, NULL,
                                                       stream_end_apply};

/* 479: a stanza of ours had a bad shape; the connection goes on (P-ER-15). */
static enum wb_err error_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    (void)parsed;
    log_error(b->log, "conn", "the server says error %u%s", attr_u32(s->node, "code"),
              node_attr_is(s->node, "code", "479") ? " (a stanza of ours has a bad shape)" : "");
    conn_log_sent(b->conn);
    return WB_OK;
}

const struct stanza_handler in_error_handler = {"error", STANZA_ACK_NEVER, NULL, error_apply};
