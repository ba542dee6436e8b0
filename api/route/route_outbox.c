/* GET /api/outbox, GET and DELETE /api/outbox/{id}: what was sent, what waits, and cancelling a
 * queued send. */
#include "bridge/calls/outbox_view.h"

#include "api/route/route.h"
#include "base/text.h"

static json_t *time_or_null(int64_t unix_s)
{
    return unix_s ? json_integer(unix_s) : json_null();
}

static json_t *entry_json(const struct outbox_entry *e)
{
    char chat[JID_TEXT_MAX];
    json_t *o =
        json_pack("{s:I, s:o, s:o, s:o, s:s, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:I}",
                  "seq", (json_int_t)e->seq, "message_id", api_text_or_null(e->message_id), "id",
                  api_text_or_null(e->key), "recipient",
                  api_text(span_cstr(jid_text(&e->chat, chat))), "state", e->state, "reason",
                  api_text_or_null(e->reason), "detail", api_text_or_null(e->detail), "created_at",
                  (json_int_t)e->created_at, "expires_at", time_or_null(e->expires_at), "sealed_at",
                  time_or_null(e->sealed_at), "timestamp", time_or_null(e->sent_at), "failed_at",
                  time_or_null(e->failed_at), "recipients", (json_int_t)e->recipients,
                  "delivered_to", (json_int_t)e->delivered, "read_by", (json_int_t)e->read);

    if (o && e->server_code)
        json_object_set_new(o, "server_code", json_integer(e->server_code));
    if (o && e->text.p)
        json_object_set_new(o, "text", api_text(e->text));
    return o;
}

/* ---- the list ---- */

static void bad(struct api_request *r, const char *name, const char *what)
{
    char text[200];

    snprintf(text, sizeof text, "'%s' %s", name, what);
    api_reply_error(r, CMD_BAD_REQUEST, text);
}

/* False: the request was answered. */
static bool get_number(struct api_request *r, const char *name, uint64_t min, uint64_t max,
                       uint64_t *ret)
{
    struct span text;
    char what[100];

    if (!api_query(r, name, &text))
        return true;
    if (span_to_u64(text, ret) && *ret >= min && *ret <= max)
        return true;
    snprintf(what, sizeof what, "must be a whole number from %llu to %llu", (unsigned long long)min,
             (unsigned long long)max);
    bad(r, name, what);
    return false;
}

static bool parse_query(struct api_request *r, struct outbox_query *q)
{
    static const char *const known[] = {"state", "chat", "limit", "before", "after", NULL};
    uint64_t limit = API_OUTBOX_PAGE, before = 0, after = 0;
    struct span text;

    if (!api_query_known(r, known) || !get_number(r, "limit", 1, OUTBOX_PAGE_MAX, &limit) ||
        !get_number(r, "before", 1, INT64_MAX, &before) ||
        !get_number(r, "after", 0, INT64_MAX, &after))
        return false;
    q->oldest_first = api_query(r, "after", &text);
    if (q->oldest_first && before) {
        bad(r, "before", "and 'after' cannot both be given: one is for each direction");
        return false;
    }
    if (!api_query(r, "state", &q->state))
        q->state = SPAN_NULL;
    if (!api_query(r, "chat", &q->chat))
        q->chat = SPAN_NULL;
    q->limit = (size_t)limit;
    q->beyond = (int64_t)(q->oldest_first ? after : before);
    return true;
}

static json_t *list_json(const struct outbox_entry *entries, size_t n, size_t limit)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, entry_json(&entries[i]));
    return json_pack("{s:b, s:o, s:o}", "success", 1, "messages", list, "next",
                     n == limit ? json_integer(entries[n - 1].seq) : json_null());
}

static void handle_list(struct api_request *r)
{
    struct outbox_query q = {.limit = API_OUTBOX_PAGE};
    struct outbox_entry *entries = NULL;
    enum cmd_result result;
    size_t n = 0;

    if (!parse_query(r, &q))
        return;
    result = bridge_outbox_list(r->bridge, &q, &r->arena, &entries, &n);
    if (result == CMD_OK)
        api_reply_json(r, 200, list_json(entries, n, q.limit));
    else if (result == CMD_BAD_REQUEST)
        bad(r, "state", "must be queued, sealed, sent, delivered, read or failed");
    else if (result == CMD_BAD_RECIPIENT)
        api_reply_error(r, result,
                        "'chat' must be a phone number, <digits>@s.whatsapp.net, <digits>@lid or "
                        "<id>@g.us");
    else
        api_reply_error(r, result, "The outbox cannot be read now; see the log");
}

/* ---- one send ---- */

static void reply_one(struct api_request *r, enum cmd_result result, const struct outbox_entry *e)
{
    json_t *o;

    if (result == CMD_NOT_FOUND) {
        api_reply_error(r, result, "There is no send with this message id or key (any more)");
    } else if (result == CMD_INTERNAL) {
        api_reply_error(r, result, "The outbox cannot be read or written now; see the log");
    } else {
        o = entry_json(e);
        if (o && result == CMD_NOT_QUEUED) {
            json_object_set_new(o, "success", json_false());
            json_object_set_new(o, "error", json_string(cmd_result_code(result)));
            json_object_set_new(
                o, "message",
                json_sprintf("The message is not queued any more: it is %s", e->state));
        } else if (o) {
            json_object_set_new(o, "success", json_true());
        }
        api_reply_json(r, cmd_result_http_status(result), o);
    }
}

static void handle_one(struct api_request *r)
{
    struct outbox_entry e = {0};
    enum cmd_result result = bridge_outbox_get(r->bridge, span_cstr(r->param), &r->arena, &e);

    reply_one(r, result, &e);
}

static void handle_cancel(struct api_request *r)
{
    struct outbox_entry e = {0};
    enum cmd_result result = bridge_outbox_cancel(r->bridge, span_cstr(r->param), &r->arena, &e);

    reply_one(r, result, &e);
}

const struct api_route route_outbox = {API_GET, "/api/outbox", handle_list};
const struct api_route route_outbox_one = {API_GET, "/api/outbox/*", handle_one};
const struct api_route route_outbox_cancel = {API_DELETE, "/api/outbox/*", handle_cancel};
