#include "tools/mock/wire/client.h"

#include <stdlib.h>
#include <zlib.h>

#include "base/text.h"
#include "tools/mock/wire/handshake.h"

struct client *client_new(struct mock *m, void *socket, const struct client_ops *ops)
{
    struct client *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->m = m;
    c->ops = ops;
    c->socket = socket;
    c->number = ++m->next_client;
    c->intro = buf_new(1 << 16);
    c->reader = frame_reader_new(FRAME_PAYLOAD_MAX);
    (void)snprintf(c->label, sizeof c->label, "new-%llu", (unsigned long long)c->number);
    if (noise_handshake_init(&c->hs, false, SPAN(wa_intro, WA_INTRO_BYTES), &m->noise_static,
                             &m->rng) != WB_OK) {
        free(c);
        return NULL;
    }
    c->next = m->clients;
    m->clients = c;
    return c;
}

void client_gone(struct client *c)
{
    struct mock *m = c->m;

    mock_enter(m);
    c->ops->gone(c);
    mock_leave(m);
    mock_timer_cancel(m, c);
    struct client **at = &m->clients;
    while (*at && *at != c)
        at = &(*at)->next;
    if (*at == c)
        *at = c->next;
    while (c->out) {
        struct out_msg *o = c->out;

        c->out = o->next;
        free(o);
    }
    buf_free(&c->intro);
    frame_reader_free(&c->reader);
    noise_handshake_free(&c->hs);
    if (c->tr_ready)
        noise_transport_free(&c->tr);
    free(c);
}

void client_close(struct client *c)
{
    c->close_when_sent = true;
    c->m->want_write(c->socket);
}

void client_abort(struct client *c)
{
    while (c->out) {
        struct out_msg *o = c->out;

        c->out = o->next;
        free(o);
    }
    c->out_last = NULL;
    c->state = CLIENT_CLOSED;
    c->m->close_socket(c->socket);
}

/* WhatsApp leaves the socket open for a while after a stream error: clients that drop unread frames
 * on a close would miss the error. */
enum { LINGER_MS = 1000 };

static void linger_over(struct mock *m, void *arg)
{
    (void)m;
    client_close(arg);
}

void client_end(struct client *c)
{
    if (c->ending || c->state == CLIENT_CLOSED)
        return;
    c->ending = true;
    c->active = false;
    if (!mock_timer(c->m, LINGER_MS, linger_over, c, NULL))
        client_close(c);
}

struct out_msg *client_next_out(struct client *c)
{
    struct out_msg *o = c->out;

    if (o) {
        c->out = o->next;
        if (!c->out)
            c->out_last = NULL;
    }
    return o;
}

/* ---- out ---- */

static void enqueue(struct client *c, struct span bytes, bool start, bool more)
{
    struct out_msg *o = malloc(sizeof *o + bytes.n);

    if (!o)
        return;
    o->next = NULL;
    o->start = start;
    o->more = more;
    o->n = bytes.n;
    memcpy(o->bytes, bytes.p, bytes.n);
    if (c->out_last)
        c->out_last->next = o;
    else
        c->out = o;
    c->out_last = o;
}

struct late_frame {
    struct mock *m;
    uint64_t client_number;
    size_t n;
    uint8_t bytes[];
};

static void write_cut(struct client *c, struct span frame)
{
    const struct trouble *t = &c->m->trouble;
    size_t step = t->fragment_bytes > 0 ? t->fragment_bytes : t->chop_bytes;
    bool fragments = t->fragment_bytes > 0;

    if (step == 0)
        step = frame.n;
    for (size_t at = 0; at < frame.n; at += step) {
        struct span piece = span_first(span_skip(frame, at), step);

        enqueue(c, piece, !fragments || at == 0, fragments && at + piece.n < frame.n);
    }
    c->m->want_write(c->socket);
}

static void send_late(struct mock *m, void *arg)
{
    struct late_frame *late = arg;

    for (struct client *c = m->clients; c != NULL; c = c->next) {
        if (c->number == late->client_number) {
            c->nlate--;
            write_cut(c, SPAN(late->bytes, late->n));
        }
    }
    free(late);
}

/* Sends one frame as bytes, through the troubles that change bytes. */
void client_send_frame(struct client *c, struct span payload)
{
    struct mock *m = c->m;
    struct trouble *t = &m->trouble;
    struct buf framed = buf_new(MOCK_STANZA_BYTES + 64);

    if (frame_write(&framed, payload) != WB_OK)
        goto out;
    if (c->tr_ready && t->drop_frames > 0) {
        t->drop_frames--;
        goto out;
    }
    if (c->tr_ready && t->truncate_frames > 0) {
        t->truncate_frames--;
        framed.n--;
    }
    int64_t now = clock_mono_ms(m->clock);
    if (t->delay_ms > 0 || c->nlate > 0) {
        struct late_frame *late = malloc(sizeof *late + framed.n);

        if (!late)
            goto out;
        *late = (struct late_frame){m, c->number, framed.n};
        memcpy(late->bytes, framed.p, framed.n);
        if (c->late_until_ms < now + t->delay_ms)
            c->late_until_ms = now + t->delay_ms;
        int64_t wait = c->late_until_ms > now ? c->late_until_ms - now : 0;
        c->nlate += mock_timer(m, wait, send_late, late, free);
        goto out;
    }
    write_cut(c, buf_span(&framed));
out:
    buf_free(&framed);
}

void client_send_bytes(struct client *c, struct span bytes)
{
    enqueue(c, bytes, true, false);
    c->m->want_write(c->socket);
}

/* Appends flag byte 2 and the deflated node, as WhatsApp sends large stanzas (P-BN-02). */
static bool deflated(struct span packed, struct buf *out)
{
    uLongf n = compressBound((uLong)packed.n - 1);
    buf_u8(out, 2);
    uint8_t *to = buf_extend(out, n);
    if (!to || compress(to, &n, packed.p + 1, (uLong)packed.n - 1) != Z_OK)
        return false;
    out->n = 1 + n;
    return true;
}

void client_send_packed(struct client *c, struct span packed)
{
    struct buf sealed = buf_new(MOCK_STANZA_BYTES + 64);
    struct buf small = buf_new(MOCK_STANZA_BYTES);

    if (!c->tr_ready || c->ending || c->close_when_sent || !c->socket)
        return;
    unsigned over = c->m->cfg.compress_over;
    if (over > 0 && packed.n > over && packed.p[0] == 0 && deflated(packed, &small))
        packed = buf_span(&small);
    if (noise_transport_seal(&c->tr, packed, &sealed) == WB_OK)
        client_send_frame(c, buf_span(&sealed));
    buf_free(&small);
    buf_free(&sealed);
}

void client_send(struct client *c, const struct node *n)
{
    struct buf packed = buf_new(MOCK_STANZA_BYTES);

    if (node_pack(n, &packed) == WB_OK) {
        mock_trace(c->m, "out", c->label, n);
        client_send_packed(c, buf_span(&packed));
    } else {
        mock_say(c->m, "a stanza for %s could not be packed", c->label);
    }
    buf_free(&packed);
}

void client_stream_error(struct client *c, const char *code, const char *conflict)
{
    struct node *n = mock_node(c->m, "stream:error");

    node_attr_text(&c->m->a, n, "code", code);
    if (conflict && conflict[0] != '\0') {
        struct node *k = node_child_new(&c->m->a, n, "conflict");

        node_attr_text(&c->m->a, k, "type", conflict);
    }
    client_send(c, n);
    client_end(c);
}

/* ---- in ---- */

/* Takes edge routing (P-WS-09: routing bytes before the intro) and the intro off the stream. False:
 * more bytes must come, or the connection is closed. */
static bool take_intro(struct client *c, struct span *bytes)
{
    static const uint8_t routing[WA_INTRO_BYTES] = {'E', 'D', 0, 1};

    buf_append(&c->intro, *bytes);
    struct span all = buf_span(&c->intro);
    if (all.n < WA_INTRO_BYTES)
        return false;
    if (memcmp(all.p, routing, WA_INTRO_BYTES) == 0) {
        if (all.n < WA_INTRO_BYTES + FRAME_HEADER_BYTES)
            return false;
        size_t n = (size_t)all.p[4] << 16 | (size_t)all.p[5] << 8 | all.p[6];
        if (all.n < 2 * WA_INTRO_BYTES + FRAME_HEADER_BYTES + n)
            return false;
        all = span_skip(all, WA_INTRO_BYTES + FRAME_HEADER_BYTES + n);
    }
    if (memcmp(all.p, wa_intro, WA_INTRO_BYTES) != 0) {
        mock_flag(c->m, c->label, "bad-intro", NULL, "first bytes %02x %02x %02x %02x", all.p[0],
                  all.p[1], all.p[2], all.p[3]);
        client_abort(c);
        return false;
    }
    *bytes = span_skip(all, WA_INTRO_BYTES);
    c->state = CLIENT_HELLO;
    return true;
}

static void take_stanza(struct client *c, struct span frame)
{
    struct mock *m = c->m;
    struct buf plain = buf_new(MOCK_STANZA_BYTES);
    struct node *n;

    if (noise_transport_open(&c->tr, frame, &plain) != WB_OK) {
        mock_flag(m, c->label, "bad-frame", NULL, "a frame of %zu bytes does not decrypt", frame.n);
        client_abort(c);
    } else if (node_unpack(buf_span(&plain), &m->a, &n) != WB_OK) {
        mock_flag(m, c->label, "bad-node", NULL, "a stanza of %zu bytes cannot be decoded",
                  plain.n);
        client_stream_error(c, "500", NULL);
    } else {
        mock_trace(m, "in", c->label, n);
        c->ops->stanza(c, n);
    }
    buf_free(&plain);
}

static void take_frame(struct client *c, struct span frame)
{
    switch (c->state) {
    case CLIENT_HELLO:
        handshake_hello(c, frame);
        break;
    case CLIENT_FINISH:
        handshake_finish(c, frame);
        break;
    case CLIENT_REGISTERING:
    case CLIENT_LOGGED_IN:
        take_stanza(c, frame);
        break;
    case CLIENT_INTRO:
    case CLIENT_CLOSED:
        break;
    }
}

void client_receive(struct client *c, struct span bytes)
{
    if (c->state == CLIENT_CLOSED || (c->state == CLIENT_INTRO && !take_intro(c, &bytes)))
        return;
    if (frame_reader_push(&c->reader, bytes) != WB_OK) {
        client_abort(c);
        return;
    }
    buf_clear(&c->intro);
    for (;;) {
        struct span frame;

        if (frame_reader_next(&c->reader, &frame) != WB_OK) {
            client_abort(c);
            return;
        }
        if (!frame.p || c->state == CLIENT_CLOSED || c->ending || c->close_when_sent)
            return;
        mock_enter(c->m);
        take_frame(c, frame);
        mock_leave(c->m);
    }
}
