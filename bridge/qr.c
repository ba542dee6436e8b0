#include "bridge/qr.h"

#include <errno.h>
#include <qrencode.h>

enum wb_err qr_make(const char *text, struct qr_symbol *ret_qr)
{
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);

    if (!code)
        return errno == ENOMEM ? WB_ERR_NOMEM : WB_ERR_TOO_LARGE;
    ret_qr->size = (unsigned)code->width;
    for (size_t i = 0; i < (size_t)code->width * (size_t)code->width; i++)
        ret_qr->dark[i] = code->data[i] & 1;
    QRcode_free(code);
    return WB_OK;
}

void qr_draw_terminal(const struct qr_symbol *qr, struct buf *out)
{
    enum { QUIET = 2 }; /* enough on a screen, and saves four lines of a small terminal */
    int n = (int)qr->size;

    for (int y = -QUIET; y < n + QUIET; y += 2) {
        buf_append_cstr(out, "\x1b[30;107m"); /* black on bright white */
        for (int x = -QUIET; x < n + QUIET; x++) {
            bool top = qr_is_dark(qr, x, y), bottom = qr_is_dark(qr, x, y + 1);
            buf_append_cstr(out, top && bottom ? "█" : top ? "▀" : bottom ? "▄" : " ");
        }
        buf_append_cstr(out, "\x1b[0m\n");
    }
}
