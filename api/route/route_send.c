/* POST /api/send and POST /send-message: one JSON body, one validated request to the bridge, one
 * answer after the server's ack (or when the caller's time is over). */
#include "api/call/fields.h"
#include "api/route/route.h"
#include "base/text.h"

/* The fields of a body, borrowed from its json_t. */
struct send_body {
    struct send_request request;
    struct span mentions[SEND_MENTIONS_MAX];
};

static void bad(struct api_request *r, const char *field, const char *what)
{
    char text[200];

    snprintf(text, sizeof text, "'%s' %s", field, what);
    api_reply_error(r, CMD_BAD_REQUEST, text);
}

/* A missing field and null are the same: SPAN_NULL. False: the request was answered. */
static bool get_text(struct api_request *r, const json_t *body, const char *field,
                     struct span *ret_text)
{
    const json_t *v = json_object_get(body, field);

    *ret_text = SPAN_NULL;
    if (!v || json_is_null(v))
        return true;
    if (!json_is_string(v)) {
        bad(r, field, "must be a string");
        return false;
    }
    *ret_text = SPAN(json_string_value(v), json_string_length(v));
    if (memchr(ret_text->p, 0, ret_text->n)) {
        bad(r, field, "must not hold a NUL character");
        return false;
    }
    return true;
}

static bool get_seconds(struct api_request *r, const json_t *body, const char *field,
                        int64_t fallback, int64_t max, int64_t *ret_s)
{
    const json_t *v = json_object_get(body, field);

    *ret_s = fallback;
    if (!v || json_is_null(v))
        return true;
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > max) {
        char what[80];

        snprintf(what, sizeof what, "must be a whole number of seconds from 0 to %lld",
                 (long long)max);
        bad(r, field, what);
        return false;
    }
    *ret_s = json_integer_value(v);
    return true;
}

static bool get_flag(struct api_request *r, const json_t *body, const char *field, bool *ret_flag)
{
    const json_t *v = json_object_get(body, field);

    *ret_flag = json_is_true(v);
    if (!v || json_is_null(v) || json_is_boolean(v))
        return true;
    bad(r, field, "must be true or false");
    return false;
}

static bool add_mention(struct api_request *r, struct send_body *b, const json_t *v)
{
    struct span text;

    if (!json_is_string(v)) {
        bad(r, "mentioned_jid", "must be a string or an array of strings");
        return false;
    }
    text = SPAN(json_string_value(v), json_string_length(v));
    if (text.n == 0)
        return true; /* empty: some callers always send the field */
    if (span_eq_cstr(text, "all")) {
        b->request.mention_all = true;
        return true;
    }
    if (b->request.nmentions == SEND_MENTIONS_MAX) {
        bad(r, "mentioned_jid", "has more than 1024 entries; \"all\" mentions everybody");
        return false;
    }
    b->mentions[b->request.nmentions++] = text;
    return true;
}

static bool get_mentions(struct api_request *r, const json_t *body, struct send_body *b)
{
    const json_t *v = json_object_get(body, "mentioned_jid");

    b->request.mentions = b->mentions;
    if (!v || json_is_null(v))
        return true;
    if (!json_is_array(v))
        return add_mention(r, b, v);
    for (size_t i = 0; i < json_array_size(v); i++)
        if (!add_mention(r, b, json_array_get(v, i)))
            return false;
    return true;
}

/* GET and DELETE /api/outbox/{key} name a send in a path. Clients (browsers, curl) and proxies
 * remove "//", "." and ".." from a path, even percent-encoded ones: a key with such parts would
 * name another send. */
static bool fits_a_path(struct span key)
{
    const uint8_t *p = key.p, *end = key.p + key.n;

    while (p < end) {
        const uint8_t *slash = memchr(p, '/', (size_t)(end - p));
        struct span part = SPAN(p, (size_t)((slash ? slash : end) - p));

        if (part.n == 0 || span_eq_cstr(part, ".") || span_eq_cstr(part, ".."))
            return false;
        p = slash ? slash + 1 : end;
    }
    return true;
}

/* Takes the key, from `id` or the Idempotency-Key header, which mean the same. */
static bool get_key(struct api_request *r, const json_t *body, struct span *ret_key)
{
    struct span header = r->idempotency_key[0] ? span_cstr(r->idempotency_key) : SPAN_NULL;

    if (!get_text(r, body, "id", ret_key))
        return false;
    if (ret_key->p && ret_key->n == 0)
        *ret_key = SPAN_NULL;
    if (ret_key->p && header.p && !span_eq(*ret_key, header)) {
        api_reply_error(r, CMD_BAD_REQUEST,
                        "'id' and the Idempotency-Key header differ; send one of them");
        return false;
    }
    if (!ret_key->p)
        *ret_key = header;
    if (utf8_chars(*ret_key) > SEND_KEY_CHARS_MAX) {
        bad(r, "id", "is longer than 128 characters");
        return false;
    }
    if (!fits_a_path(*ret_key)) {
        bad(r, "id", "has an empty part, '.' or '..' between slashes");
        return false;
    }
    return true;
}

static bool get_wait(struct api_request *r, const json_t *body, struct send_request *s)
{
    const json_t *v = json_object_get(body, "wait_s");

    s->wait_is_default = !v || json_is_null(v);
    return get_seconds(r, body, "wait_s", API_WAIT_S_DEFAULT, API_WAIT_S_MAX, &s->wait_s);
}

/* Reads the fields that both calls share. */
static bool get_common(struct api_request *r, const json_t *body, struct send_body *b)
{
    return get_key(r, body, &b->request.key) && get_wait(r, body, &b->request) &&
           get_seconds(r, body, "expires_s", 0, API_EXPIRES_S_MAX, &b->request.expires_s) &&
           get_flag(r, body, "allow_absent_mentions", &b->request.allow_absent_mentions);
}

static bool parse_send(struct api_request *r, const json_t *body, struct send_body *b)
{
    if (!get_text(r, body, "recipient", &b->request.recipient) ||
        !get_text(r, body, "message", &b->request.message) ||
        !get_text(r, body, "media_path", &b->request.media_path) ||
        !get_text(r, body, "reply_to", &b->request.reply_to) || !get_mentions(r, body, b) ||
        !get_common(r, body, b))
        return false;
    if (b->request.media_path.n == 0)
        b->request.media_path = SPAN_NULL;
    if (b->request.reply_to.n == 0)
        b->request.reply_to = SPAN_NULL;
    if (b->request.recipient.n == 0) {
        api_reply_error(r, CMD_BAD_REQUEST, "Recipient is required");
        return false;
    }
    if (b->request.message.n == 0 && !b->request.media_path.p) {
        api_reply_error(r, CMD_BAD_REQUEST, "Message or media path is required");
        return false;
    }
    return true;
}

/* /send-message: the group sees "@<user> <message>", and the person is notified. The bridge
 * puts the "@digits" of a mention in front of a text that does not have them. */
static bool parse_send_message(struct api_request *r, const json_t *body, struct send_body *b)
{
    struct span person;
    struct jid group;

    if (!get_text(r, body, "group_jid", &b->request.recipient) ||
        !get_text(r, body, "recipient_jid", &person) ||
        !get_text(r, body, "message", &b->request.message) || !get_common(r, body, b))
        return false;
    if (b->request.recipient.n == 0 || person.n == 0 || b->request.message.n == 0) {
        api_reply_error(r, CMD_BAD_REQUEST, "group_jid, recipient_jid and message are required");
        return false;
    }
    if (jid_parse(b->request.recipient, &group) != WB_OK || group.server != JID_GROUP) {
        api_reply_error(r, CMD_BAD_RECIPIENT, "'group_jid' must be a group: <digits>@g.us");
        return false;
    }
    b->mentions[0] = person;
    b->request.mentions = b->mentions;
    b->request.nmentions = 1;
    return true;
}

/* The recipient as the caller wrote it, or the number that WhatsApp has for it. */
static const char *reached(const struct api_request *r, const struct send_result *s,
                           char room[static JID_TEXT_MAX])
{
    struct span typed = span_cstr(r->sent_to ? r->sent_to : "");
    struct jid asked, named;

    if ((jid_from_phone(typed, &asked) != WB_OK && jid_parse(typed, &asked) != WB_OK) ||
        jid_parse(s->recipient, &named) != WB_OK || asked.server != JID_PN ||
        named.server != JID_PN || jid_same_user(&asked, &named))
        return r->sent_to ? r->sent_to : "";
    return jid_text(&named, room);
}

static json_t *sent_json(const struct api_request *r, const struct send_result *s)
{
    char room[JID_TEXT_MAX];
    const char *to = reached(r, s, room);
    json_t *o = json_object();

    json_object_set_new(o, "success", json_true());
    json_object_set_new(o, "message",
                        s->result == CMD_OK
                            ? json_sprintf("Message sent to %s", to)
                            : json_sprintf("Message for %s is queued and goes out by itself", to));
    json_object_set_new(o, "message_id", api_text(s->message_id));
    if (s->result == CMD_OK)
        json_object_set_new(o, "timestamp", json_integer(s->timestamp_s));
    else
        json_object_set_new(o, "state", api_text(s->text));
    if (s->restricted_s)
        json_object_set_new(o, "restricted_until", json_integer(s->restricted_s));
    return o;
}

static json_t *failed_json(const struct send_result *s)
{
    json_t *o = json_object();

    json_object_set_new(o, "success", json_false());
    json_object_set_new(o, "error", json_string(cmd_result_code(s->result)));
    json_object_set_new(o, "message", api_text(s->text));
    if (s->message_id.p)
        json_object_set_new(o, "message_id", api_text(s->message_id));
    if (s->server_code)
        json_object_set_new(o, "server_code", json_integer(s->server_code));
    if (s->restricted_s)
        json_object_set_new(o, "restricted_until", json_integer(s->restricted_s));
    return o;
}

static void sent(void *ctx, const struct send_result *s)
{
    struct api_request *r = ctx;
    bool good = s->result == CMD_OK || s->result == CMD_ACCEPTED;

    api_reply_json(r, cmd_result_http_status(s->result), good ? sent_json(r, s) : failed_json(s));
}

static void caller_gone(void *ctx)
{
    struct api_request *r = ctx;

    bridge_send_abandon(r->bridge, r->ticket);
}

static void handle(struct api_request *r, const struct api_fields *fields,
                   bool (*parse)(struct api_request *r, const json_t *body, struct send_body *b))
{
    struct send_body b = {.request = {.wait_s = API_WAIT_S_DEFAULT}};
    json_t *body;

    if (strncasecmp(r->content_type, "multipart/", 10) == 0) {
        api_reply_error(r, CMD_UNSUPPORTED_MEDIA, "Send the fields as a JSON object");
        return;
    }
    body = api_body(r, fields);
    if (!body)
        return;
    if (parse(r, body, &b)) {
        if (utf8_chars(b.request.message) > API_TEXT_CHARS_MAX) {
            api_reply_error(r, CMD_TOO_LARGE, "'message' is longer than 65536 characters");
        } else {
            r->sent_to = arena_cstr(&r->arena, b.request.recipient);
            r->gone = caller_gone;
            r->gone_ctx = r;
            bridge_send(r->bridge, &b.request, sent, r, &r->ticket);
        }
    }
    json_decref(body);
}

static const char *const send_names[] = {"recipient",
                                         "message",
                                         "mentioned_jid",
                                         "allow_absent_mentions",
                                         "reply_to",
                                         "media_path",
                                         "id",
                                         "wait_s",
                                         "expires_s",
                                         NULL};
static const struct api_fields send_fields = {send_names,
                                              "a JSON object with 'recipient' and 'message'"};

static void handle_send(struct api_request *r)
{
    handle(r, &send_fields, parse_send);
}

static const char *const send_message_names[] = {
    "group_jid", "recipient_jid", "message",   "allow_absent_mentions",
    "id",        "wait_s",        "expires_s", NULL};
static const struct api_fields send_message_fields = {
    send_message_names, "a JSON object with 'group_jid', 'recipient_jid' and 'message'"};

static void handle_send_message(struct api_request *r)
{
    handle(r, &send_message_fields, parse_send_message);
}

const struct api_route route_send = {API_POST, "/api/send", handle_send};
const struct api_route route_send_message = {API_POST, "/send-message", handle_send_message};
