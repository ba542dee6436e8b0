/* assets.h - files of api/pair/ that are part of the binary (cmake/Embed.cmake). */
#ifndef API_ROUTE_ASSETS_H
#define API_ROUTE_ASSETS_H

#include <stddef.h>
#include <stdint.h>

struct api_asset {
    const uint8_t *bytes; /* no NUL behind them */
    size_t n;
};

extern const struct api_asset asset_pair_html, asset_pair_js, asset_pair_css, asset_pair_snippet;

#endif
