#include "bridge/pair/qr_terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>

enum {
    QUIET = 2, /* modules: the standard's 4 are for print; phones find a symbol on a screen by 2 */
    GAP = 2,   /* columns between the picture and the text at its side */
    LINES_MAX = 16,
    LINE_MAX = 128 /* bytes; an IPv6 address fits */
};

enum blocks { HALF, SEXTANT };
enum place { BELOW, BESIDE };

/* Modules per character, by kind of blocks. */
static const unsigned across[] = {[HALF] = 1, [SEXTANT] = 2}, down[] = {[HALF] = 2, [SEXTANT] = 3};

struct words {
    char line[LINES_MAX][LINE_MAX];
    size_t n;
};

/* Reads the variables in the order of setlocale(), which is not called because nothing else here
 * depends on the locale. */
static bool locale_lacks_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *locale = getenv(names[i]), *charset;

        if (!locale || !locale[0])
            continue;
        charset = strchr(locale, '.');
        return !charset ||
               (strncasecmp(charset, ".UTF-8", 6) != 0 && strncasecmp(charset, ".UTF8", 5) != 0);
    }
    return false;
}

struct qr_terminal qr_terminal_look(int fd)
{
    struct qr_terminal t = {0};
    struct winsize size;
    const char *kind = getenv("TERM");

    if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
        t.columns = size.ws_col;
        t.rows = t.columns ? size.ws_row : 0;
    }
    /* The consoles of Linux and of serial lines have half blocks at best. */
    t.sextants = kind && strcmp(kind, "linux") != 0 && strcmp(kind, "dumb") != 0 &&
                 strncmp(kind, "vt", 2) != 0;
    t.letters_only = (kind && strcmp(kind, "dumb") == 0) || locale_lacks_utf8();
    return t;
}

/* ---- words ---- */

static void add(struct words *w, const char *text)
{
    if (w->n < LINES_MAX)
        snprintf(w->line[w->n++], LINE_MAX, "%s", text);
}

static size_t longest(const struct words *w)
{
    size_t n = 0;

    for (size_t i = 0; i < w->n; i++)
        if (strlen(w->line[i]) > n)
            n = strlen(w->line[i]);
    return n;
}

struct ways {
    char browser[LINE_MAX], tunnel[LINE_MAX];
    const char *code;
};

static struct ways ways_of(const char *bind, uint16_t port)
{
    /* Does the API listen on localhost, too? With 127.0.0.5, for example, it does not. */
    bool here = strcmp(bind, "0.0.0.0") == 0 || strcmp(bind, "::") == 0 ||
                strcasecmp(bind, "localhost") == 0 || !bind[0];
    const char *address = here ? "127.0.0.1" : bind;
    bool v6 = strchr(address, ':') != NULL;
    struct ways ways;

    snprintf(ways.browser, LINE_MAX, "Or in a browser: http://%s%.64s%s:%u/pair", v6 ? "[" : "",
             address, v6 ? "]" : "", port);
    snprintf(ways.tunnel, LINE_MAX, "ssh -L %u:%s%.64s%s:%u HOST", port, v6 ? "[" : "", address,
             v6 ? "]" : "", port);
    return ways;
}

/* The other ways to link, in a few lines of up to 80 columns, for below the picture. */
static void wide(const struct ways *ways, enum blocks kind, unsigned plain_rows, struct words *w)
{
    char line[LINE_MAX + 64];

    add(w, "WhatsApp on the phone: Settings > Linked devices > Link a device, then scan.");
    add(w, ways->browser);
    snprintf(line, sizeof line, "from another computer after: %s", ways->tunnel);
    add(w, line);
    if (ways->code && ways->code[0]) {
        snprintf(line, sizeof line,
                 "Without a camera: Link a device > Link with phone number instead: %s.",
                 ways->code);
        add(w, line);
    } else {
        add(w, ways->code
                   ? "Without a camera: ask that page for a code."
                   : "Without a camera: start with --pair-code, or ask that page for a code.");
    }
    if (kind == SEXTANT) {
        snprintf(line, sizeof line,
                 "No clear picture? In a window of %u lines the next one has plainer blocks.",
                 plain_rows);
        add(w, line);
    }
}

/* The same in lines of up to 45 columns, for the picture's side. */
static void narrow(const struct ways *ways, enum blocks kind, unsigned plain_rows, struct words *w)
{
    char line[LINE_MAX];

    add(w, "WhatsApp on the phone: Settings >");
    add(w, "Linked devices > Link a device, then scan.");
    add(w, "");
    add(w, ways->browser);
    add(w, "from another computer after:");
    add(w, ways->tunnel);
    add(w, "(HOST is this machine)");
    add(w, "");
    if (ways->code && ways->code[0]) {
        add(w, "Without a camera: Link a device > Link with");
        snprintf(line, sizeof line, "phone number instead, and type %s", ways->code);
        add(w, line);
    } else {
        add(w, ways->code ? "Without a camera:" : "Without a camera: start with --pair-code,");
        add(w, ways->code ? "ask that page for a code." : "or ask that page for a code.");
    }
    if (kind == SEXTANT) {
        add(w, "");
        snprintf(line, sizeof line, "No clear picture? In a window of %u", plain_rows);
        add(w, line);
        add(w, "lines the next one has plainer blocks.");
    }
}

/* ---- the picture ---- */

static unsigned picture_columns(const struct qr_symbol *qr, enum blocks kind)
{
    return (qr->size + 2 * QUIET + across[kind] - 1) / across[kind];
}

static unsigned picture_rows(const struct qr_symbol *qr, enum blocks kind)
{
    return (qr->size + 2 * QUIET + down[kind] - 1) / down[kind];
}

/* One character of Unicode's basic plane, or of the plane behind it, in UTF-8. */
static void put_char(struct buf *out, uint32_t c)
{
    char utf8[5] = {0};

    if (c >= 0x10000) {
        utf8[0] = (char)(0xF0 | c >> 18);
        utf8[1] = (char)(0x80 | (c >> 12 & 0x3F));
        utf8[2] = (char)(0x80 | (c >> 6 & 0x3F));
        utf8[3] = (char)(0x80 | (c & 0x3F));
    } else {
        utf8[0] = (char)(0xE0 | c >> 12);
        utf8[1] = (char)(0x80 | (c >> 6 & 0x3F));
        utf8[2] = (char)(0x80 | (c & 0x3F));
    }
    buf_append_cstr(out, utf8);
}

/* The modules of one character as bits: bit 0 is the top left module at x, y, then row by row. */
static unsigned modules(const struct qr_symbol *qr, enum blocks kind, int x, int y)
{
    unsigned bits = 0, bit = 0;

    for (int dy = 0; dy < (int)down[kind]; dy++)
        for (int dx = 0; dx < (int)across[kind]; dx++)
            bits |= (unsigned)qr_is_dark(qr, x + dx, y + dy) << bit++;
    return bits;
}

static void put_block(struct buf *out, enum blocks kind, unsigned bits)
{
    /* Upper half, lower half. */
    static const uint32_t halves[] = {0, 0x2580, 0x2584, 0x2588};

    /* Sextants are in the order of their bits from U+1FB00 on, without the four that older blocks
     * show: none, left half, right half, all (Unicode 13, Symbols for Legacy Computing). */
    enum { LEFT = 0x15, RIGHT = 0x2A, ALL = 0x3F };

    if (!bits)
        buf_append_cstr(out, " ");
    else if (kind == HALF)
        put_char(out, halves[bits]);
    else if (bits == LEFT || bits == RIGHT || bits == ALL)
        put_char(out, bits == LEFT ? 0x258C : bits == RIGHT ? 0x2590 : 0x2588);
    else
        put_char(out, 0x1FB00 + bits - 1 - (bits > LEFT) - (bits > RIGHT));
}

/* Black on bright white, or on white where the terminal has no bright white. */
static void put_row(const struct qr_symbol *qr, enum blocks kind, unsigned row, struct buf *out)
{
    buf_append_cstr(out, "\x1b[30;47m\x1b[107m");
    for (unsigned i = 0; i < picture_columns(qr, kind); i++)
        put_block(
            out, kind,
            modules(qr, kind, (int)(i * across[kind]) - QUIET, (int)(row * down[kind]) - QUIET));
    buf_append_cstr(out, "\x1b[0m");
}

static void put_picture(const struct qr_symbol *qr, enum blocks kind, enum place place,
                        const struct words *w, struct buf *out)
{
    unsigned rows = picture_rows(qr, kind);

    for (unsigned row = 0; row < rows; row++) {
        put_row(qr, kind, row, out);
        if (place == BESIDE && row < w->n && w->line[row][0])
            buf_printf(out, "%*s%s", GAP, "", w->line[row]);
        buf_append_cstr(out, "\n");
    }
    for (size_t i = 0; place == BELOW && i < w->n; i++)
        buf_printf(out, "%s\n", w->line[i]);
}

/* Rows of picture and words, with the line of the cursor. */
static unsigned rows_needed(const struct qr_symbol *qr, enum blocks kind, enum place place,
                            const struct words *w)
{
    unsigned rows = picture_rows(qr, kind), lines = (unsigned)w->n;

    return (place == BELOW ? rows + lines : rows > lines ? rows : lines) + 1;
}

static unsigned columns_needed(const struct qr_symbol *qr, enum blocks kind, enum place place,
                               const struct words *w)
{
    unsigned columns = picture_columns(qr, kind), text = (unsigned)longest(w);

    return place == BESIDE ? columns + GAP + text : columns > text ? columns : text;
}

/* Writes why there is no picture, and the other ways to link. Returns how many lines. */
static unsigned words_alone(const struct ways *ways, const struct qr_terminal *t, unsigned rows,
                            unsigned columns, struct buf *out)
{
    struct words w = {.n = 0};

    narrow(ways, HALF, 0, &w);
    if (t->letters_only)
        buf_append_cstr(out, "No QR: TERM or the locale lacks its characters.\n");
    else
        buf_printf(out, "The QR needs a window of %u lines, %u columns.\n", rows, columns);
    for (size_t i = 3; i < w.n; i++) /* without the lines about scanning */
        buf_printf(out, "%s\n", w.line[i]);
    return (unsigned)w.n - 2;
}

unsigned qr_terminal_draw(const struct qr_symbol *qr, const struct qr_terminal *t, const char *bind,
                          uint16_t port, const char *code, struct buf *out)
{
    static const struct {
        enum blocks kind;
        enum place place;
    } tries[] = {{HALF, BELOW}, {HALF, BESIDE}, {SEXTANT, BELOW}, {SEXTANT, BESIDE}};
    struct ways ways = ways_of(bind, port);
    struct words w = {.n = 0};
    unsigned plain_rows, plain_columns;

    ways.code = code;
    wide(&ways, HALF, 0, &w);
    plain_rows = rows_needed(qr, HALF, BELOW, &w);
    plain_columns = columns_needed(qr, HALF, BELOW, &w);
    for (size_t i = 0; !t->letters_only && i < sizeof tries / sizeof *tries; i++) {
        if (tries[i].kind == SEXTANT && !t->sextants)
            continue;
        w.n = 0;
        (tries[i].place == BELOW ? wide : narrow)(&ways, tries[i].kind, plain_rows, &w);
        if (t->rows && (rows_needed(qr, tries[i].kind, tries[i].place, &w) > t->rows ||
                        columns_needed(qr, tries[i].kind, tries[i].place, &w) > t->columns))
            continue;
        put_picture(qr, tries[i].kind, tries[i].place, &w, out);
        return rows_needed(qr, tries[i].kind, tries[i].place, &w) - 1;
    }
    return words_alone(&ways, t, plain_rows, plain_columns, out);
}
