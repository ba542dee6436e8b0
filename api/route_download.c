/* POST /api/download: media of stored messages is not fetched; the answer says so plainly. */
#include "api/fields.h"
#include "api/route.h"

static void handle_download(struct api_request *r)
{
    static const char *const names[] = {"message_id", "chat_jid", NULL};
    static const struct api_fields fields = {names,
                                             "a JSON object with 'message_id' and 'chat_jid'"};
    json_t *body = api_body(r, &fields);

    if (!body)
        return;
    json_decref(body);
    api_reply_error(r, CMD_NOT_YET,
                    "Media cannot be downloaded yet; the message's text and the "
                    "keys of its media are in messages.db");
}

const struct api_route route_download = {API_POST, "/api/download", handle_download};
