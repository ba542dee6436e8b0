/* POST /api/download: media of stored messages is not fetched; the answer says so plainly. */
#include "api/route.h"

static void handle_download(struct api_request *r)
{
    api_reply_error(r, CMD_NOT_YET,
                    "Media cannot be downloaded yet; the message's text and the "
                    "keys of its media are in messages.db");
}

const struct api_route route_download = {API_POST, "/api/download", handle_download};
