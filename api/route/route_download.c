/* POST /api/download: names a file that the Go bridge has saved; media is not fetched yet, and the
 * answer says so plainly. */
#include "api/call/fields.h"
#include "api/route/route.h"
#include "base/text.h"
#include "bridge/media/saved_file.h"

/* False: the request was answered. */
static bool get(struct api_request *r, const json_t *body, const char *field, struct span *ret)
{
    const json_t *v = json_object_get(body, field);
    char text[80];

    *ret = json_is_string(v) ? SPAN(json_string_value(v), json_string_length(v)) : SPAN_NULL;
    if (ret->n > 0)
        return true;
    snprintf(text, sizeof text, "'%s' is required, a string", field);
    api_reply_error(r, CMD_BAD_REQUEST, text);
    return false;
}

static void answer(struct api_request *r, enum cmd_result result, const struct saved_file *f)
{
    if (result == CMD_OK && !utf8_valid(span_cstr(f->path)))
        api_reply_error(r, CMD_NOT_YET,
                        "The file is here, but its path is not UTF-8, as an answer in JSON has to "
                        "be: look for it in the store's folder of that chat");
    else if (result == CMD_OK)
        api_reply_json(r, 200,
                       json_pack("{s:b, s:s, s:o, s:o}", "success", 1, "message",
                                 "The file is here already", "filename", api_text(f->filename),
                                 "path", api_text(span_cstr(f->path))));
    else if (result == CMD_BAD_REQUEST)
        api_reply_error(r, result,
                        "'chat_jid' is no JID of a chat, such as 27820000001@s.whatsapp.net");
    else if (result == CMD_INTERNAL)
        api_reply_error(r, result, "The message cannot be read now; see the log");
    else
        api_reply_error(r, CMD_NOT_YET,
                        "Media cannot be downloaded yet; the message's text and the "
                        "keys of its media are in messages.db");
}

static void handle_download(struct api_request *r)
{
    static const char *const names[] = {"message_id", "chat_jid", NULL};
    static const struct api_fields fields = {names,
                                             "a JSON object with 'message_id' and 'chat_jid'"};
    json_t *body = api_body(r, &fields);
    struct saved_file f = {0};
    struct span id, chat;

    if (body && get(r, body, "message_id", &id) && get(r, body, "chat_jid", &chat))
        answer(r, bridge_saved_file(r->bridge, id, chat, &r->arena, &f), &f);
    json_decref(body);
}

const struct api_route route_download = {API_POST, "/api/download", handle_download};
