/* route.h - the calls of the API, one or a few in each route_*.c; api/routes.c has the table of
 * all. They know the bridge by its calls, and no sockets. */
#ifndef API_ROUTE_ROUTE_H
#define API_ROUTE_ROUTE_H

#include "api/call/request.h"
#include "api/route/limits.h"

/* A path that ends in '*' takes any text there except an empty one; handlers find it in
 * r->param. */
struct api_route {
    enum api_method method;
    const char *path;
    void (*handle)(struct api_request *r);
};

extern const struct api_route route_health;
extern const struct api_route route_qr, route_qr_svg, route_qr_png;
extern const struct api_route route_pair_code, route_pair_code_new;
extern const struct api_route route_send, route_send_message;
extern const struct api_route route_groups;
extern const struct api_route route_contacts;
extern const struct api_route route_outbox, route_outbox_one, route_outbox_cancel;
extern const struct api_route route_reconnect, route_pair, route_unlink;
extern const struct api_route route_download;
extern const struct api_route route_passkey, route_passkey_response, route_passkey_confirm;
extern const struct api_route route_root, route_pair_page, route_pair_script, route_pair_style;

#endif
