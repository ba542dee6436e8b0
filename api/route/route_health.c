/* GET /health: 200 while connected and logged in, 503 with the reason otherwise (a health
 * check). */
#include "bridge/calls/health.h"

#include "api/route/route.h"

static json_t *time_or_null(int64_t unix_s)
{
    return unix_s ? json_integer(unix_s) : json_null();
}

/* "" means not known: null. */
static json_t *known_or_null(const char *text)
{
    return api_text_or_null(text[0] ? span_cstr(text) : SPAN_NULL);
}

static json_t *groups_json(const struct health *h)
{
    json_t *list = json_array();

    for (size_t i = 0; i < h->ngroups; i++) {
        const struct health_group *g = &h->groups[i];
        char jid[JID_TEXT_MAX];

        json_array_append_new(list,
                              json_pack("{s:s, s:o, s:o, s:o}", "jid", jid_text(g->jid, jid),
                                        "name", api_text(span_cstr(g->name)), "member",
                                        g->known ? json_boolean(g->member) : json_null(),
                                        "last_message_at", time_or_null(g->last_message_at_s)));
    }
    return list;
}

/* Adds "history_gap", only while messages may be missing or came late. */
static void put_gaps(json_t *o, const struct health *h)
{
    if (!h->gap_until_s && !h->gap_chats && !h->gap_filled)
        return;
    json_object_set_new(
        o, "history_gap",
        json_pack("{s:o, s:o, s:I, s:I, s:I}", "since", time_or_null(h->gap_since_s), "until",
                  time_or_null(h->gap_until_s), "chats_open", (json_int_t)h->gap_chats,
                  "chats_quiet", (json_int_t)h->gap_quiet, "filled", (json_int_t)h->gap_filled));
}

/* Adds "phone_history", only while parts of it wait or were given up. */
static void put_history(json_t *o, const struct health *h)
{
    if (h->history_waiting || h->history_given_up)
        json_object_set_new(o, "phone_history",
                            json_pack("{s:I, s:I}", "waiting", (json_int_t)h->history_waiting,
                                      "given_up", (json_int_t)h->history_given_up));
}

/* Adds "query_pauses", only while WhatsApp wants fewer questions. */
static void put_query_pauses(json_t *o, const struct health *h)
{
    json_t *list;

    if (h->nquery_pauses == 0)
        return;
    list = json_array();
    for (size_t i = 0; i < h->nquery_pauses; i++)
        json_array_append_new(list, json_pack("{s:o, s:I}", "query",
                                              api_text(span_cstr(h->query_pauses[i].kind)), "for_s",
                                              (json_int_t)h->query_pauses[i].left_s));
    json_object_set_new(o, "query_pauses", list);
}

/* Adds "warnings", only where there are any. */
static void put_warnings(json_t *o, const struct health *h)
{
    json_t *list;

    if (!h->nwarnings)
        return;
    list = json_array();
    for (size_t i = 0; i < h->nwarnings; i++)
        json_array_append_new(list, api_text(span_cstr(h->warnings[i])));
    json_object_set_new(o, "warnings", list);
}

static json_t *health_json(const struct health *h)
{
    json_t *o = json_pack(
        "{s:s, s:b, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:s, s:o, s:o, s:o, s:s, s:o, s:I, s:I}",
        "status", health_status_word(h->status), "connected", (int)h->connected, "role",
        api_text(span_cstr(h->role)), "phone", known_or_null(h->phone), "jid",
        known_or_null(h->jid), "lid", known_or_null(h->lid), "uptime_s", (json_int_t)h->uptime_s,
        "last_message_at", time_or_null(h->last_message_at_s), "last_stanza_at",
        time_or_null(h->last_stanza_at_s), "state", h->conn_state, "reason",
        known_or_null(h->reason), "detail", api_text(span_cstr(h->detail)), "connected_since",
        time_or_null(h->connected_since_s), "wa_version", h->wa_version, "push_name",
        known_or_null(h->push_name), "reconnects", (json_int_t)h->reconnects, "messages_stored",
        (json_int_t)h->messages_stored);

    if (!o)
        return NULL;
    json_object_set_new(
        o, "longest_pause",
        json_pack("{s:I, s:o}", "ms", (json_int_t)h->pause_ms, "in", known_or_null(h->pause_who)));
    if (strcmp(h->passkey, "none") != 0)
        json_object_set_new(o, "passkey", json_string(h->passkey));
    if (h->next_attempt_in_s >= 0)
        json_object_set_new(o, "next_attempt_in_s", json_integer(h->next_attempt_in_s));
    if (h->wa_version_expires_at_s)
        json_object_set_new(o, "wa_version_expires_at", json_integer(h->wa_version_expires_at_s));
    if (h->banned_until_s)
        json_object_set_new(o, "banned_until", json_integer(h->banned_until_s));
    if (h->restricted_until_s) {
        json_object_set_new(o, "restricted_until", json_integer(h->restricted_until_s));
        json_object_set_new(o, "restricted_until_guessed", json_boolean(h->restricted_guessed));
    }
    json_object_set_new(o, "refused",
                        json_pack("{s:I, s:I, s:I}", "changes", (json_int_t)h->refused_changes,
                                  "receipts", (json_int_t)h->refused_receipts, "retries",
                                  (json_int_t)h->refused_retries));
    json_object_set_new(o, "group_resends_held", json_integer((json_int_t)h->group_resends_held));
    put_gaps(o, h);
    put_history(o, h);
    put_query_pauses(o, h);
    put_warnings(o, h);
    json_object_set_new(o, "trust",
                        json_pack("{s:I, s:I, s:I, s:I, s:I}", "codes_changed",
                                  (json_int_t)h->codes_changed, "foreign_keys",
                                  (json_int_t)h->foreign_keys, "unvouched_devices",
                                  (json_int_t)h->unvouched_devices, "unvouched_refused",
                                  (json_int_t)h->unvouched_refused, "unasked_answers",
                                  (json_int_t)h->unasked_answers));
    json_object_set_new(o, "groups", groups_json(h));
    json_object_set_new(o, "backup",
                        json_pack("{s:o, s:o, s:o}", "name", known_or_null(h->backup_name), "at",
                                  time_or_null(h->backup_at_s), "error",
                                  known_or_null(h->backup_error)));
    if (h->repaired[0])
        json_object_set_new(o, "repaired", api_text(span_cstr(h->repaired)));
    if (h->restored_at_s)
        json_object_set_new(o, "restored",
                            json_pack("{s:I, s:o, s:I}", "at", (json_int_t)h->restored_at_s,
                                      "backup", api_text(span_cstr(h->restored_name)), "backup_at",
                                      (json_int_t)h->restored_backup_at_s));
    return o;
}

static void handle_health(struct api_request *r)
{
    struct health h;

    if (bridge_health(r->bridge, &r->arena, &h) != WB_OK) {
        api_reply_error(r, CMD_INTERNAL, "The state could not be read");
        return;
    }
    api_reply_json(r, h.connected ? 200 : 503, health_json(&h));
}

const struct api_route route_health = {API_GET, "/health", handle_health};
