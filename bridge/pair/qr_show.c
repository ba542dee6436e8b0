/* The QR on the terminal that the bridge was started from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/pair/pairing.h"

enum {
    QR_DRAWING_MAX = 128 * 1024,
    QR_LOOK_MS = 500, /* how often the window is looked at (an ioctl), only while a QR is shown */
    QR_ROWS_PER_LINE = 2 /* a log line takes so many rows in a window of 80 columns */
};

/* The link code to show; "": there is none. */
static void code_now(struct conn *c, char out[static 10])
{
    if (!bridge_pair_code(c->b, out))
        out[0] = '\0';
}

static void draw(struct conn *c)
{
    struct qr_drawn *d = &c->pairing->drawn;
    struct buf picture = buf_new(QR_DRAWING_MAX);
    struct qr_symbol *q = malloc(sizeof *q);
    const struct config *config = c->b->config;
    unsigned used;

    d->window = qr_terminal_look(STDOUT_FILENO);
    code_now(c, d->code);
    d->lines = d->lines_seen = c->b->log->lines;
    if (q && qr_make(c->pairing->qr, q) == WB_OK) {
        used = qr_terminal_draw(q, &d->window, config->bind, c->b->api_port,
                                d->code[0] || config->pair_code ? d->code : NULL, &picture);
        d->spare = d->window.rows > used ? d->window.rows - used - 1 : 0;
        fputs(buf_cstr(&picture), stdout);
        fflush(stdout);
    }
    free(q);
    buf_free(&picture);
}

/* Have log lines, which go to the same terminal, pushed the top of the picture out of the window?
 * Not while more lines come: a new picture would be gone as soon. */
static bool pushed_out(struct conn *c)
{
    struct qr_drawn *d = &c->pairing->drawn;
    uint64_t lines = c->b->log->lines;
    bool quiet = lines == d->lines_seen;

    d->lines_seen = lines;
    return !c->b->log->path && d->window.rows && quiet &&
           (lines - d->lines) * QR_ROWS_PER_LINE > d->spare;
}

static void look(void *ctx)
{
    struct conn *c = ctx;
    const struct qr_terminal *was = &c->pairing->drawn.window;
    struct qr_terminal now = qr_terminal_look(STDOUT_FILENO);
    char code[sizeof c->pairing->drawn.code];

    if (!c->pairing->qr[0] || c->state != CONN_WAIT_PAIR_SCAN)
        return;
    code_now(c, code);
    if (pushed_out(c) || now.rows != was->rows || now.columns != was->columns ||
        strcmp(code, c->pairing->drawn.code) != 0)
        draw(c);
    timer_start(c->b->timers, &c->pairing->drawn.timer, QR_LOOK_MS, look, c);
}

/* The QR's text holds the ADV secret: it goes to a terminal, never to the log, nor into a pipe
 * whose reader may store it. */
void qr_show(struct conn *c)
{
    if (!isatty(STDOUT_FILENO))
        return;
    draw(c);
    timer_start(c->b->timers, &c->pairing->drawn.timer, QR_LOOK_MS, look, c);
}

void qr_show_stop(struct conn *c)
{
    timer_stop(c->b->timers, &c->pairing->drawn.timer);
}
