#include "tools/mock/core/content.h"

#include "tools/mock/core/pb.h"

enum { UNWRAP_MAX = 6 };

/* The message inside a wrapper. The wrappers are fields of Message that hold {1 message}:
 * ephemeral, viewOnce, viewOnceV2, V2Extension, documentWithCaption, edited. */
static struct span inner(struct span msg)
{
    static const uint32_t wrappers[] = {40, 37, 55, 59, 53, 58};

    for (size_t i = 0; i < sizeof wrappers / sizeof wrappers[0]; i++) {
        struct span w = pb_bytes(msg, wrappers[i]);

        if (w.p)
            return pb_bytes(w, 1);
    }
    return SPAN_NULL;
}

static void read_context(struct span ctx, struct mock_content *c)
{
    struct pb_field f;

    c->reply_id = pb_bytes(ctx, 1);
    c->reply_participant = pb_bytes(ctx, 2);
    c->mention_all = pb_u64(ctx, 70, 0) != 0;
    while (pb_next(&ctx, &f)) {
        if (f.number == 15 && f.wire == 2 && c->nmentions < CONTENT_MENTIONS_MAX)
            c->mentions[c->nmentions++] = f.bytes;
    }
}

/* The fields of Message that carry a caption, and a contextInfo in field 17. */
static const struct said_kind {
    uint32_t field, caption;
    const char *name;
} kinds[] = {{6, 1, "text"},    {3, 3, "image"},     {9, 7, "video"},  {7, 20, "document"},
             {8, 0, "audio"},   {26, 0, "sticker"},  {66, 0, "video"}, {5, 0, "location"},
             {4, 0, "contact"}, {46, 2, "reaction"}, {64, 2, "poll"}};

static void read_kind(struct span msg, struct mock_content *c)
{
    struct span text = pb_bytes(msg, 1), protocol = pb_bytes(msg, 12);

    if (text.p) {
        c->kind = "text";
        c->text = text;
        return;
    }
    if (protocol.p) {
        uint64_t type = pb_u64(protocol, 2, 0);

        c->kind = type == 0 ? "revoke" : type == 14 ? "edit" : "protocol";
        if (type == 14)
            c->text = pb_bytes(pb_bytes(protocol, 14), 1);
        return;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct span body = pb_bytes(msg, kinds[i].field);

        if (!body.p)
            continue;
        c->kind = kinds[i].name;
        if (kinds[i].caption != 0)
            c->text = pb_bytes(body, kinds[i].caption);
        read_context(pb_bytes(body, 17), c);
        return;
    }
    c->kind = c->skdm.p != NULL ? "skdm" : "other";
}

void content_read(struct span msg, struct mock_content *ret_c)
{
    struct mock_content *c = ret_c;

    memset(c, 0, sizeof *c);
    struct span sent = pb_bytes(msg, 31);
    if (sent.p) {
        c->sent_to = pb_bytes(sent, 1);
        msg = pb_bytes(sent, 2);
    }
    struct span skdm = pb_bytes(msg, 2);
    c->skdm_group = pb_bytes(skdm, 1);
    c->skdm = pb_bytes(skdm, 2);
    for (int i = 0; i < UNWRAP_MAX; i++) {
        struct span in = inner(msg);

        if (!in.p)
            break;
        msg = in;
    }
    read_kind(msg, c);
}

void content_text(struct buf *out, const char *text, const char *const *mentions, size_t n,
                  const struct content_reply *reply)
{
    if (n == 0 && !reply) {
        pb_put_text(out, 1, text);
        return;
    }
    struct buf ctx = buf_new(1 << 20), ext = buf_new(2 << 20), quoted = buf_new(1 << 20);
    if (reply) {
        pb_put_text(&ctx, 1, reply->id);
        pb_put_text(&ctx, 2, reply->participant);
        pb_put_text(&quoted, 1, reply->text);
        pb_put_bytes(&ctx, 3, buf_span(&quoted));
    }
    for (size_t i = 0; i < n; i++)
        pb_put_text(&ctx, 15, mentions[i]);
    pb_put_text(&ext, 1, text);
    pb_put_bytes(&ext, 17, buf_span(&ctx));
    pb_put_bytes(out, 6, buf_span(&ext));
    buf_free(&ctx);
    buf_free(&ext);
    buf_free(&quoted);
}

void content_device_sent(struct buf *out, const char *destination, struct span msg)
{
    struct buf dsm = buf_new(4 << 20);

    pb_put_text(&dsm, 1, destination);
    pb_put_bytes(&dsm, 2, msg);
    pb_put_bytes(out, 31, buf_span(&dsm));
    buf_free(&dsm);
}

void content_skdm(struct buf *out, const char *group, struct span skdm)
{
    struct buf k = buf_new(4096);

    pb_put_text(&k, 1, group);
    pb_put_bytes(&k, 2, skdm);
    pb_put_bytes(out, 2, buf_span(&k));
    buf_free(&k);
}
