/* qr_terminal.h - a QR symbol and the other ways to link, as they fit into a terminal's window. */
#ifndef BRIDGE_PAIR_QR_TERMINAL_H
#define BRIDGE_PAIR_QR_TERMINAL_H

#include "bridge/pair/qr.h"

struct qr_terminal {
    unsigned columns, rows; /* rows 0: unknown, so nothing is made smaller */
    bool sextants;          /* characters of 2 x 3 blocks can be shown (Unicode 13) */
    bool letters_only;      /* no blocks and no colours: TERM=dumb, or a locale without UTF-8 */
};

/* Finds out what the terminal behind fd can show, from its window's size, TERM and the locale's
 * variables. Where no locale is set, as in most containers, the terminal is taken for one of
 * UTF-8. */
struct qr_terminal qr_terminal_look(int fd);

/* Appends the picture and the other ways to link; the API listens at `bind` and `port`. All of it
 * fits into the window, with the line of the cursor, or the picture is left out and the text says
 * so. Both colours are drawn, so the terminal's own do not matter.
 *   Half blocks (two modules per character) where the window is large enough for them. WhatsApp's
 * texts are some 240 to 280 characters: 57 or 61 modules, 31 or 33 lines. In smaller windows
 * sextants: three modules per line, 21 or 22 lines with the text at the side.
 *   `code` is the link code that can be typed on the phone instead: "" if --pair-code is set and
 *   there is no code now; NULL if --pair-code is not set: then the text names this option.
 *   Returns how many lines were used. */
unsigned qr_terminal_draw(const struct qr_symbol *qr, const struct qr_terminal *t, const char *bind,
                          uint16_t port, const char *code, struct buf *out);

#endif
