/* phone_history.c - the phone answers companions that ask for older messages of a chat (P-HI-13):
 * with what it has received itself, inline or as an encrypted file (P-MD-02). */
#include <stdlib.h>

#include <zlib.h>

#include "base/text.h"
#include "tools/mock/core/pb.h"
#include "tools/mock/core/records.h"
#include "tools/mock/people/actor.h"
#include "tools/mock/people/phone.h"
#include "tools/mock/people/phone_resend.h"
#include "tools/mock/people/phone_state.h"
#include "tools/mock/service/media.h"

enum { PROTOCOL_MESSAGE = 12, TYPE_HISTORY = 5, TYPE_REQUEST = 16, ON_DEMAND_REQUEST = 3 };
enum { SYNC_ON_DEMAND = 6, DEVICE_SENT = 31, HISTORY_MAX = 16 << 20 };

struct wanted {
    struct span chat, oldest_id;
    uint64_t count, oldest_s;
};

static bool read_request(struct span plain, struct wanted *w)
{
    struct span protocol = pb_bytes(plain, PROTOCOL_MESSAGE);
    struct span request = pb_bytes(protocol, TYPE_REQUEST);
    struct span on_demand = pb_bytes(request, 4);

    if (pb_u64(protocol, 2, 0) != TYPE_REQUEST || pb_u64(request, 1, 0) != ON_DEMAND_REQUEST)
        return false;
    *w = (struct wanted){.chat = pb_bytes(on_demand, 1),
                         .oldest_id = pb_bytes(on_demand, 2),
                         .count = pb_u64(on_demand, 4, 0),
                         .oldest_s = pb_u64(on_demand, 5, 0)};
    return true;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text != NULL ? text : "";
}

/* Whether both name the same chat: a person's two addresses are one chat. */
static bool same_chat(const struct mock *m, struct span one, const char *other)
{
    struct jid a, b;

    if (jid_parse(one, &a) != WB_OK || jid_parse_cstr(other, &b) != WB_OK)
        return false;
    struct device *x = world_device_jid(&m->world, &a), *y = world_device_jid(&m->world, &b);
    return jid_eq(&a, &b) || (x != NULL && y != NULL && x->account == y->account);
}

/* The content of a message; for one sent from another of our devices, what its wrapper holds
 * (P-SD-14). */
static struct span unwrapped(struct span message)
{
    struct span inner = pb_bytes(pb_bytes(message, DEVICE_SENT), 2);

    return inner.p != NULL ? inner : message;
}

/* Writes HistorySyncMsg{1 WebMessageInfo{1 key{1 chat, 2 from me, 3 id, 4 participant}, 2 message,
 * 3 time}} */
static void put_message(struct buf *out, const struct mock_account *me, const json_t *o,
                        struct span chat)
{
    struct buf key = buf_new(1024), web = buf_new(HISTORY_MAX), item = buf_new(HISTORY_MAX);
    const char *hex = text_of(o, "message");
    size_t n = 0, room = strlen(hex) / 2;
    uint8_t *message = malloc(room + 1);
    struct jid from;

    if (!message || hex_decode(span_cstr(hex), message, room, &n) != WB_OK ||
        jid_parse_cstr(text_of(o, "from"), &from) != WB_OK)
        goto out;
    bool from_me = jid_same_user(&from, &me->lid);
    char participant[JID_TEXT_MAX];
    from = jid_bare(from);
    pb_put_bytes(&key, 1, chat);
    pb_put_u64(&key, 2, from_me);
    pb_put_text(&key, 3, text_of(o, "id"));
    pb_put_bytes(&web, 1, buf_span(&key));
    pb_put_bytes(&web, 2, unwrapped(SPAN(message, n)));
    pb_put_u64(&web, 3, (uint64_t)json_integer_value(json_object_get(o, "t")));
    if (strstr(text_of(o, "chat"), "@g.us") != NULL && !from_me)
        pb_put_text(&web, 5, jid_text(&from, participant));
    pb_put_bytes(&item, 1, buf_span(&web));
    pb_put_bytes(out, 2, buf_span(&item));
out:
    free(message);
    buf_free(&key);
    buf_free(&web);
    buf_free(&item);
}

/* Writes the messages before the named message, newest first. *ret_n: how many. */
static void put_page(struct mock *m, struct mock_account *me, const struct wanted *w,
                     struct buf *out, size_t *ret_n)
{
    json_t *all = records_get(me, "messages");
    size_t i = json_array_size(all), n = 0;

    /* Goes back to the named message; a phone that does not know it goes by the time. */
    while (i > 0 && !span_eq_cstr(w->oldest_id, text_of(json_array_get(all, i - 1), "id")))
        i--;
    if (i == 0) {
        i = json_array_size(all);
        while (i > 0 && (uint64_t)json_integer_value(
                            json_object_get(json_array_get(all, i - 1), "t")) >= w->oldest_s)
            i--;
        i++;
    }
    pb_put_bytes(out, 1, w->chat);
    for (i--; i > 0 && n < w->count; i--) {
        const json_t *o = json_array_get(all, i - 1);

        if (!same_chat(m, w->chat, text_of(o, "chat")) ||
            strcmp(text_of(o, "category"), "peer") == 0)
            continue;
        put_message(out, me, o, w->chat);
        n++;
    }
    *ret_n = n;
    json_decref(all);
}

bool phone_put_file(struct mock *m, struct span packed, struct buf *note)
{
    struct media_file f;

    if (!media_seal(m, "WhatsApp History Keys", "md-msg-hist", packed, &f))
        return false;
    pb_put_bytes(note, 1, SPAN_ARRAY(f.sha256));
    pb_put_u64(note, 2, packed.n);
    pb_put_bytes(note, 3, SPAN_ARRAY(f.key));
    pb_put_bytes(note, 4, SPAN_ARRAY(f.enc_sha256));
    pb_put_text(note, 5, f.path);
    return true;
}

void phone_send_note(struct mock *m, struct device *phone, struct device *to,
                     const struct buf *note)
{
    struct buf protocol = buf_new(note->n + 64), msg = buf_new(note->n + 128);

    pb_put_u64(&protocol, 2, TYPE_HISTORY);
    pb_put_bytes(&protocol, 6, buf_span(note));
    pb_put_bytes(&msg, PROTOCOL_MESSAGE, buf_span(&protocol));
    actor_send_peer(m, phone, to, buf_span(&msg));
    buf_free(&protocol);
    buf_free(&msg);
}

void phone_asked(struct mock *m, struct device *phone, struct device *by, const char *id,
                 struct span plain)
{
    struct buf conversation = buf_new(HISTORY_MAX), sync = buf_new(HISTORY_MAX);
    struct buf packed = buf_new(HISTORY_MAX), note = buf_new(HISTORY_MAX);
    struct wanted w;
    size_t n = 0;

    phone_resend_asked(m, phone, by, id, plain);
    if (phone_state_asked(m, by, plain) || !read_request(plain, &w) ||
        phone->account->history == PHONE_HISTORY_SILENT)
        return;
    put_page(m, phone->account, &w, &conversation, &n);
    pb_put_u64(&sync, 1, SYNC_ON_DEMAND);
    if (n > 0)
        pb_put_bytes(&sync, 2, buf_span(&conversation));
    uLongf size = compressBound((uLong)sync.n);
    uint8_t *to = buf_extend(&packed, size);
    if (to && compress(to, &size, sync.p, (uLong)sync.n) == Z_OK) {
        bool ok = true;

        packed.n = size;
        if (phone->account->history == PHONE_HISTORY_FILE)
            ok = phone_put_file(m, buf_span(&packed), &note);
        pb_put_u64(&note, 6, SYNC_ON_DEMAND);
        if (phone->account->history == PHONE_HISTORY_INLINE)
            pb_put_bytes(&note, 11, buf_span(&packed));
        pb_put_text(&note, 12, id);
        if (ok)
            phone_send_note(m, phone, by, &note);
    }
    buf_free(&conversation);
    buf_free(&sync);
    buf_free(&packed);
    buf_free(&note);
}
