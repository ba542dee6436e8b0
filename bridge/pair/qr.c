#include "bridge/pair/qr.h"

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
