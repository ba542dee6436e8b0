/* GET /api/qr, /api/qr.svg, /api/qr.png: the QR that a phone scans under Linked devices. */
#include <png.h>

#include "api/route/route.h"
#include "bridge/pair/qr.h"

enum { PIXELS_PER_MODULE = 6, SVG_BYTES_MAX = 1 << 20 };

/* False: the request was answered with 404 and the reason. */
static bool current(struct api_request *r, struct qr_current *ret_qr)
{
    if (bridge_qr(r->bridge, ret_qr))
        return true;
    api_reply_error(r, CMD_NOT_FOUND, bridge_no_qr_reason(r->bridge));
    return false;
}

static bool current_symbol(struct api_request *r, struct qr_symbol *ret_symbol)
{
    struct qr_current qr;

    if (!current(r, &qr))
        return false;
    if (qr_make(qr.code, ret_symbol) == WB_OK)
        return true;
    api_reply_error(r, CMD_INTERNAL, "The QR could not be drawn");
    return false;
}

static void handle_qr(struct api_request *r)
{
    struct qr_current qr;

    if (current(r, &qr))
        api_reply_json(r, 200,
                       json_pack("{s:b, s:s, s:I}", "success", 1, "code", qr.code, "expires_in",
                                 (json_int_t)qr.expires_in_s));
}

static void handle_svg(struct api_request *r)
{
    struct buf svg = buf_new(SVG_BYTES_MAX);
    struct qr_symbol s;

    if (!current_symbol(r, &s))
        return;
    buf_printf(&svg,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\" "
               "shape-rendering=\"crispEdges\"><rect width=\"100%%\" height=\"100%%\" "
               "fill=\"#fff\"/><path fill=\"#000\" d=\"",
               s.size + 2 * QR_QUIET_ZONE, s.size + 2 * QR_QUIET_ZONE);
    for (unsigned y = 0; y < s.size; y++)
        for (unsigned x = 0; x < s.size; x++)
            if (s.dark[y * s.size + x])
                buf_printf(&svg, "M%u %uh1v1h-1z", x + QR_QUIET_ZONE, y + QR_QUIET_ZONE);
    buf_append_cstr(&svg, "\"/></svg>\n");
    if (buf_err(&svg) == WB_OK)
        api_reply(r, 200, "image/svg+xml", buf_span(&svg));
    else
        api_reply_error(r, CMD_INTERNAL, "The QR could not be drawn");
    buf_free(&svg);
}

static void write_png(png_structp png, png_bytep bytes, png_size_t n)
{
    buf_append(png_get_io_ptr(png), SPAN(bytes, n));
}

static void flush_png(png_structp png)
{
    (void)png;
}

/* One bit per pixel, 0 = black. libpng reports errors by longjmp. */
static bool encode_png(const struct qr_symbol *s, struct buf *out)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    unsigned side = (s->size + 2 * QR_QUIET_ZONE) * PIXELS_PER_MODULE;
    png_byte row[((QR_SIZE_MAX + 2 * QR_QUIET_ZONE) * PIXELS_PER_MODULE + 7) / 8];

    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        return false;
    }
    png_set_write_fn(png, out, write_png, flush_png);
    png_set_IHDR(png, info, side, side, 1, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (unsigned y = 0; y < side; y++) {
        memset(row, 0xFF, sizeof row);
        for (unsigned x = 0; x < side; x++)
            if (qr_is_dark(s, (int)(x / PIXELS_PER_MODULE) - QR_QUIET_ZONE,
                           (int)(y / PIXELS_PER_MODULE) - QR_QUIET_ZONE))
                row[x / 8] &= (png_byte) ~(0x80u >> (x % 8));
        png_write_row(png, row);
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return buf_err(out) == WB_OK;
}

static void handle_png(struct api_request *r)
{
    struct buf png = buf_new(SVG_BYTES_MAX);
    struct qr_symbol s;

    if (!current_symbol(r, &s))
        return;
    if (encode_png(&s, &png))
        api_reply(r, 200, "image/png", buf_span(&png));
    else
        api_reply_error(r, CMD_INTERNAL, "The QR could not be drawn");
    buf_free(&png);
}

const struct api_route route_qr = {API_GET, "/api/qr", handle_qr};
const struct api_route route_qr_svg = {API_GET, "/api/qr.svg", handle_svg};
const struct api_route route_qr_png = {API_GET, "/api/qr.png", handle_png};
