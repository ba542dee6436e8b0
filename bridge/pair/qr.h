/* qr.h - makes the QR symbol of a pairing text, as a square of dark and light modules. */
#ifndef BRIDGE_PAIR_QR_H
#define BRIDGE_PAIR_QR_H

#include "base/buf.h"

enum { QR_SIZE_MAX = 177, QR_QUIET_ZONE = 4 };

struct qr_symbol {
    unsigned size;                           /* modules per side, without the quiet zone */
    uint8_t dark[QR_SIZE_MAX * QR_SIZE_MAX]; /* row by row, 1 = dark */
};

/* TOO_LARGE when the text does not fit, NOMEM. Error correction L: what phones expect of a text of
 * this length on a screen. */
enum wb_err qr_make(const char *text, struct qr_symbol *ret_qr) WB_MUST_CHECK;

static inline bool qr_is_dark(const struct qr_symbol *qr, int x, int y)
{
    int n = (int)qr->size;

    return x >= 0 && y >= 0 && x < n && y < n && qr->dark[y * n + x];
}

#endif
