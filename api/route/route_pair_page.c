/* GET /pair: a page that leads a person through linking, the passkey step included. The page is the
 * same for everybody and holds nothing of the account, so it needs no token: it asks the API for
 * what it shows, with the token that the person enters. */
#include "api/route/assets.h"
#include "api/route/route.h"

/* Allows only our own script and style, no other host, and no frame around the page. The QR is a
 * blob, because a picture's address could not carry the token. */
#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src blob:; connect-src 'self'; " \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static void answer(struct api_request *r, const char *type, const struct api_asset *asset)
{
    r->policy = POLICY;
    api_reply(r, 200, type, SPAN(asset->bytes, asset->n));
}

static void handle_page(struct api_request *r)
{
    answer(r, "text/html; charset=utf-8", &asset_pair_html);
}

static void handle_script(struct api_request *r)
{
    answer(r, "text/javascript; charset=utf-8", &asset_pair_js);
}

static void handle_style(struct api_request *r)
{
    answer(r, "text/css; charset=utf-8", &asset_pair_css);
}

/* People type the address without a path. They are sent to the page, which shows the bridge's state
 * even once it is linked. */
static void handle_root(struct api_request *r)
{
    r->location = "/pair";
    api_reply(r, 302, "text/plain; charset=utf-8", span_cstr("See /pair\n"));
}

const struct api_route route_root = {API_GET, "/", handle_root};
const struct api_route route_pair_page = {API_GET, "/pair", handle_page};
const struct api_route route_pair_script = {API_GET, "/pair.js", handle_script};
const struct api_route route_pair_style = {API_GET, "/pair.css", handle_style};
