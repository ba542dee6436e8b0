#include "tools/mock/people/phone_resend.h"

#include <stdlib.h>

#include "base/text.h"
#include "tools/mock/core/pb.h"
#include "tools/mock/core/records.h"
#include "tools/mock/people/actor.h"

enum { PROTOCOL_MESSAGE = 12, TYPE_REQUEST = 16, TYPE_RESPONSE = 17, PLACEHOLDER_RESEND = 4 };
enum { DEVICE_SENT = 31, CONTEXT_INFO = 35, RESEND_MAX = 4 << 20 };

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text != NULL ? text : "";
}

/* Writes WebMessageInfo{1 key{1 chat, 2 from me, 3 id, 4 participant}, 2 message, 3 time, 49
 * secret}: as a phone has it, with the secret beside the message, not inside. */
static bool put_web(struct buf *out, const json_t *o, struct span key)
{
    const char *hex = text_of(o, "message");
    size_t n = 0, room = strlen(hex) / 2;
    uint8_t *bytes = malloc(room + 1);
    struct jid from;
    bool ok = bytes != NULL && hex_decode(span_cstr(hex), bytes, room, &n) == WB_OK &&
              jid_parse_cstr(text_of(o, "from"), &from) == WB_OK;

    if (ok) {
        struct span message = SPAN(bytes, n), rest, inner = pb_bytes(message, DEVICE_SENT);
        struct buf content = buf_new(RESEND_MAX);
        struct pb_field f;
        struct span secret = pb_bytes(pb_bytes(message, CONTEXT_INFO), 3);

        if (inner.p)
            message = pb_bytes(inner, 2);
        if (!secret.p)
            secret = pb_bytes(pb_bytes(message, CONTEXT_INFO), 3);
        for (rest = message; pb_next(&rest, &f);)
            if (f.wire == 2 && f.number != CONTEXT_INFO)
                pb_put_bytes(&content, f.number, f.bytes);
        pb_put_bytes(out, 1, key);
        pb_put_bytes(out, 2, buf_span(&content));
        pb_put_u64(out, 3, (uint64_t)json_integer_value(json_object_get(o, "t")));
        if (secret.p)
            pb_put_bytes(out, 49, secret);
        buf_free(&content);
    }
    free(bytes);
    return ok;
}

/* Sends peerDataOperationRequestResponseMessage{1 type, 2 id of the request, 3 {4 {1 the
 * message}}} */
static void answer(struct mock *m, struct device *phone, struct device *to, const char *id,
                   struct buf *web)
{
    struct buf part = buf_new(RESEND_MAX), result = buf_new(RESEND_MAX);
    struct buf response = buf_new(RESEND_MAX), protocol = buf_new(RESEND_MAX);
    struct buf msg = buf_new(RESEND_MAX);

    pb_put_bytes(&part, 1, buf_span(web));
    pb_put_bytes(&result, 4, buf_span(&part));
    pb_put_u64(&response, 1, PLACEHOLDER_RESEND);
    pb_put_text(&response, 2, id);
    pb_put_bytes(&response, 3, buf_span(&result));
    pb_put_u64(&protocol, 2, TYPE_RESPONSE);
    pb_put_bytes(&protocol, 17, buf_span(&response));
    pb_put_bytes(&msg, PROTOCOL_MESSAGE, buf_span(&protocol));
    actor_send_peer(m, phone, to, buf_span(&msg));
    buf_free(&part);
    buf_free(&result);
    buf_free(&response);
    buf_free(&protocol);
    buf_free(&msg);
}

void phone_resend_asked(struct mock *m, struct device *phone, struct device *by, const char *id,
                        struct span plain)
{
    struct span protocol = pb_bytes(plain, PROTOCOL_MESSAGE);
    struct span request = pb_bytes(protocol, TYPE_REQUEST);
    struct span key = pb_bytes(pb_bytes(request, 5), 1), wanted = pb_bytes(key, 3);

    if (!phone->account->resends || pb_u64(protocol, 2, 0) != TYPE_REQUEST ||
        pb_u64(request, 1, 0) != PLACEHOLDER_RESEND)
        return;
    json_t *all = records_get(phone->account, "messages");
    for (size_t i = json_array_size(all); i > 0; i--) {
        const json_t *o = json_array_get(all, i - 1);
        struct buf web = buf_new(RESEND_MAX);
        bool found = span_eq_cstr(wanted, text_of(o, "id")) &&
                     json_integer_value(json_object_get(o, "device")) == 0;

        if (found && put_web(&web, o, key))
            answer(m, phone, by, id, &web);
        buf_free(&web);
        if (found)
            break;
    }
    json_decref(all);
}
