#include "proto/web_message.h"

#include "proto/wire_field.h"

enum {
    WEB_KEY = 1,
    WEB_MESSAGE = 2,
    WEB_TIMESTAMP = 3,
    WEB_PARTICIPANT = 5,
    WEB_PUSH_NAME = 19,
    WEB_SECRET = 49
};
enum { KEY_REMOTE = 1, KEY_FROM_ME = 2, KEY_ID = 3, KEY_PARTICIPANT = 4 };

static enum wb_err read_key(struct span in, struct content_key *k)
{
    struct wire_field f;
    enum wb_err err = WB_OK;

    while (in.n) {
        TRY(wire_next(&in, &f));
        if (f.number == KEY_FROM_ME && f.type == WIRE_VARINT)
            k->from_me = f.value != 0;
        if (f.type != WIRE_BYTES)
            continue;
        if (f.number == KEY_REMOTE)
            k->remote_jid = f.bytes;
        else if (f.number == KEY_ID)
            k->id = f.bytes;
        else if (f.number == KEY_PARTICIPANT)
            k->participant = f.bytes;
    }
    if (k->remote_jid.n == 0 || k->id.n == 0)
        return WB_ERR_MALFORMED;
out:
    return err;
}

enum wb_err web_message_decode(struct span in, struct web_message *ret_w)
{
    struct web_message w = {.timestamp = 0};
    struct span key = SPAN_NULL;
    struct wire_field f;
    enum wb_err err = WB_OK;

    while (in.n) {
        TRY(wire_next(&in, &f));
        if (f.number == WEB_TIMESTAMP && f.type == WIRE_VARINT && f.value <= INT64_MAX)
            w.timestamp = (int64_t)f.value;
        if (f.type != WIRE_BYTES)
            continue;
        if (f.number == WEB_KEY)
            key = f.bytes;
        else if (f.number == WEB_MESSAGE)
            w.message = f.bytes;
        else if (f.number == WEB_PARTICIPANT)
            w.participant = f.bytes;
        else if (f.number == WEB_PUSH_NAME)
            w.push_name = f.bytes;
        else if (f.number == WEB_SECRET)
            w.secret = f.bytes;
    }
    TRY(read_key(key, &w.key));
    *ret_w = w;
out:
    return err;
}

static void put(struct buf *out, uint32_t number, struct span s)
{
    if (!span_is_null(s))
        wire_put_bytes(out, number, s);
}

enum wb_err web_message_encode(const struct web_message *w, struct buf *out)
{
    size_t mark = wire_open(out, WEB_KEY);

    put(out, KEY_REMOTE, w->key.remote_jid);
    if (w->key.from_me)
        wire_put_uint(out, KEY_FROM_ME, 1);
    put(out, KEY_ID, w->key.id);
    put(out, KEY_PARTICIPANT, w->key.participant);
    wire_close(out, mark);
    put(out, WEB_MESSAGE, w->message);
    if (w->timestamp > 0)
        wire_put_uint(out, WEB_TIMESTAMP, (uint64_t)w->timestamp);
    put(out, WEB_PARTICIPANT, w->participant);
    put(out, WEB_PUSH_NAME, w->push_name);
    put(out, WEB_SECRET, w->secret);
    return buf_err(out);
}
