/* admin_sealed.c - scripted people seal with the secret of a message: edits, votes, reactions,
 * comments, answers to events (P-RC-52, P-X2-19). The mock makes the keys and the protobufs with
 * its own code, not with the bridge's: a mistake of the bridge must not be repeated here. */
#include "base/text.h"
#include "crypto/prim_aead.h"
#include "crypto/prim_hash.h"
#include "tools/mock/admin/admin.h"
#include "tools/mock/core/content.h"
#include "tools/mock/core/pb.h"
#include "tools/mock/devices/deliver.h"
#include "tools/mock/people/actor.h"

enum { SEALED_MAX = 1 << 20, OPTIONS_MAX = 16 };

/* What is sealed, the field of Message that carries it, and the words that its key is made with. */
static const struct sealed_kind {
    const char *what;
    uint32_t field;
    const char *use;
    bool bound; /* the seal authenticates id and sender too */
    uint64_t type;
} kinds[] = {
    {"edit", 82, "Message Edit", false, 2},     {"event-edit", 82, "Event Edit", false, 1},
    {"poll-edit", 82, "Poll Edit", false, 4},   {"add-option", 82, "Poll Add Option", false, 5},
    {"reaction", 56, "Enc Reaction", false, 0}, {"comment", 71, "Enc Comment", false, 0},
    {"vote", 50, "Poll Vote", true, 0},         {"answer", 76, "Event Response", true, 0},
    {"schedule", 82, "Message Edit", false, 3},
};

struct sealed_message {
    struct mock *m;
    const json_t *body, *target;
    const struct sealed_kind *kind;
    uint8_t secret[32];
};

static void put_sub(struct buf *out, uint32_t number, struct buf *in)
{
    pb_put_bytes(out, number, buf_span(in));
    buf_free(in);
}

static void put_options(struct buf *out, const json_t *body, uint32_t number, bool hashes)
{
    const json_t *list = json_object_get(body, "options");

    for (size_t i = 0; i < json_array_size(list) && i < OPTIONS_MAX; i++) {
        struct span name = span_cstr(json_string_value(json_array_get(list, i)));
        struct buf option = buf_new(SEALED_MAX);
        uint8_t hash[SHA256_BYTES];

        sha256(name, hash);
        if (hashes) {
            pb_put_bytes(out, number, SPAN_ARRAY(hash));
            buf_free(&option);
            continue;
        }
        pb_put_bytes(&option, 1, name);
        put_sub(out, number, &option);
    }
}

static void put_poll(struct buf *out, const json_t *body)
{
    struct buf poll = buf_new(SEALED_MAX);

    pb_put_text(&poll, 2, admin_text(body, "text"));
    put_options(&poll, body, 3, false);
    put_sub(out, 49, &poll);
}

static void put_event(struct buf *out, const json_t *body)
{
    struct buf event = buf_new(SEALED_MAX);

    pb_put_text(&event, 3, admin_text(body, "text"));
    put_sub(out, 75, &event);
}

/* protocolMessage{1 key, 2 type MESSAGE_EDIT, 14 the new content, 15 when} */
static void put_edit(struct buf *out, const struct sealed_message *s)
{
    struct buf key = buf_new(SEALED_MAX), text = buf_new(SEALED_MAX);
    struct buf protocol = buf_new(SEALED_MAX);

    pb_put_u64(&key, 2, 1);
    pb_put_text(&key, 3, admin_text(s->target, "id"));
    pb_put_text(&text, 1, admin_text(s->body, "text"));
    put_sub(&protocol, 1, &key);
    pb_put_u64(&protocol, 2, 14);
    put_sub(&protocol, 14, &text);
    pb_put_u64(&protocol, 15, mock_now_s(s->m) * 1000);
    put_sub(out, 12, &protocol);
}

/* pollAddOptionMessage{2 option{1 name}} */
static void put_option(struct buf *out, const json_t *body)
{
    struct buf option = buf_new(SEALED_MAX), add = buf_new(SEALED_MAX);

    pb_put_text(&option, 1, admin_text(body, "text"));
    put_sub(&add, 2, &option);
    put_sub(out, 121, &add);
}

static void put_plain(struct buf *out, const struct sealed_message *s)
{
    const char *what = s->kind->what;

    if (strcmp(what, "edit") == 0 || strcmp(what, "schedule") == 0) {
        put_edit(out, s);
    } else if (strcmp(what, "event-edit") == 0) {
        put_event(out, s->body);
    } else if (strcmp(what, "poll-edit") == 0) {
        put_poll(out, s->body);
    } else if (strcmp(what, "add-option") == 0) {
        put_option(out, s->body);
    } else if (strcmp(what, "reaction") == 0) {
        pb_put_text(out, 2, admin_text(s->body, "text"));
        pb_put_u64(out, 4, mock_now_s(s->m) * 1000);
    } else if (strcmp(what, "comment") == 0) {
        pb_put_text(out, 1, admin_text(s->body, "text"));
    } else if (strcmp(what, "vote") == 0) {
        put_options(out, s->body, 1, true);
    } else {
        pb_put_u64(out, 1, (uint64_t)admin_int(s->body, "answer", 1));
        pb_put_u64(out, 3, (uint64_t)admin_int(s->body, "guests", 0));
    }
}

/* Seals plain: AES-256-GCM under HKDF(secret, id | author | sender | use). */
static enum wb_err seal(const struct sealed_message *s, struct span plain, const uint8_t iv[12],
                        struct buf *out)
{
    const char *id = admin_text(s->target, "id"), *sender = admin_text(s->body, "as");
    struct buf info = buf_new(4096), bound = buf_new(4096);
    uint8_t key[32];
    enum wb_err err;

    buf_append_cstr(&info, id);
    buf_append_cstr(&info, admin_text(s->target, "author"));
    buf_append_cstr(&info, sender);
    buf_append_cstr(&info, s->kind->use);
    if (s->kind->bound) {
        buf_append_cstr(&bound, id);
        buf_u8(&bound, 0);
        buf_append_cstr(&bound, sender);
    }
    hkdf_sha256(SPAN_ARRAY(s->secret), SPAN_NULL, buf_span(&info), key, sizeof key);
    err = aes_gcm_seal(key, iv, buf_span(&bound), plain, out);
    buf_free(&info);
    buf_free(&bound);
    return err;
}

static void put_key(struct buf *out, const struct sealed_message *s)
{
    struct buf key = buf_new(SEALED_MAX);

    pb_put_text(&key, 1, admin_text(s->target, "chat"));
    if (admin_bool(s->target, "from_me", false))
        pb_put_u64(&key, 2, 1);
    pb_put_text(&key, 3, admin_text(s->target, "id"));
    if (admin_text(s->target, "participant")[0] != '\0')
        pb_put_text(&key, 4, admin_text(s->target, "participant"));
    put_sub(out, 1, &key);
}

static enum wb_err put_sealed(struct buf *out, const struct sealed_message *s)
{
    struct buf plain = buf_new(SEALED_MAX), sealed = buf_new(SEALED_MAX);
    struct buf body = buf_new(SEALED_MAX), value = buf_new(SEALED_MAX);
    const bool vote = strcmp(s->kind->what, "vote") == 0;
    struct buf *to = vote ? &value : &body;
    uint8_t iv[12];
    enum wb_err err;

    rng_fill(&s->m->rng, iv, sizeof iv);
    put_plain(&plain, s);
    put_key(&body, s);
    TRY(seal(s, buf_span(&plain), iv, &sealed));
    pb_put_bytes(to, vote ? 1 : 2, buf_span(&sealed));
    pb_put_bytes(to, vote ? 2 : 3, SPAN_ARRAY(iv));
    if (vote)
        pb_put_bytes(&body, 2, buf_span(&value));
    if (s->kind->type > 0)
        pb_put_u64(&body, 4, s->kind->type);
    pb_put_bytes(out, s->kind->field, buf_span(&body));
    err = buf_err(out);
out:
    buf_free(&plain);
    buf_free(&sealed);
    buf_free(&body);
    buf_free(&value);
    return err;
}

/* A message that brings its secret along, in messageContextInfo{3 messageSecret}. */
static enum wb_err put_original(struct buf *out, const struct sealed_message *s, const char *what)
{
    struct buf context = buf_new(256);

    if (strcmp(what, "poll") == 0)
        put_poll(out, s->body);
    else if (strcmp(what, "event") == 0)
        put_event(out, s->body);
    else
        pb_put_text(out, 1, admin_text(s->body, "text"));
    pb_put_bytes(&context, 3, SPAN_ARRAY(s->secret));
    put_sub(out, 35, &context);
    return buf_err(out);
}

static const struct sealed_kind *kind_of(const char *what)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].what, what) == 0)
            return &kinds[i];
    return NULL;
}

int admin_contact_sealed(struct mock *m, const struct http_request *q, const json_t *body,
                         json_t **ret_out)
{
    struct mock_account *from = admin_account(m, q, body, "from", ret_out);
    struct sealed_message s = {.m = m, .body = body, .target = json_object_get(body, "target")};
    const char *what = admin_text(body, "what"), *id = admin_text(body, "id"), *sent;
    const char *hex = admin_text(body, "secret");
    struct buf content = buf_new(SEALED_MAX);
    struct device *d =
        from != NULL ? world_device(from, (uint16_t)admin_int(body, "device", 0)) : NULL;
    struct jid to;
    size_t n = 0;
    enum wb_err err;

    if (!from)
        return 404;
    s.kind = kind_of(what);
    if (hex_decode(span_cstr(hex), s.secret, sizeof s.secret, &n) != WB_OK || n != sizeof s.secret)
        return admin_bad(ret_out, 400, "secret: 64 hex digits");
    if (!d || !world_is_played(d))
        return admin_bad(ret_out, 404, "device: not played by the mock");
    if (!admin_target(m, body, &to, ret_out))
        return 404;
    if (!s.kind && strcmp(what, "text") != 0 && strcmp(what, "poll") != 0 &&
        strcmp(what, "event") != 0)
        return admin_bad(ret_out, 400, "what: unknown");
    err = s.kind != NULL ? put_sealed(&content, &s) : put_original(&content, &s, what);
    sent = err == WB_OK
               ? actor_send(m, d, &to, id[0] != '\0' ? id : NULL, "text", buf_span(&content))
               : NULL;
    buf_free(&content);
    if (!sent)
        return admin_bad(ret_out, 422, "not sent");
    *ret_out = json_pack("{s:b,s:s}", "ok", 1, "id", sent);
    return 200;
}

/* ---- bots ---- */

#define BOT "867051314767696@bot"

/* MessageSecretMessage{2 iv, 3 payload}: the key is HKDF twice; id, 00 and bot are
 * authenticated. */
static enum wb_err seal_as_bot(struct mock *m, const json_t *body, const uint8_t secret[32],
                               const char *id, struct buf *out)
{
    const char *edit = admin_text(body, "edit"), *first = admin_text(body, "edit_target");
    struct buf info = buf_new(4096), bound = buf_new(4096);
    struct buf plain = buf_new(SEALED_MAX), sealed = buf_new(SEALED_MAX);
    uint8_t base[32], key[32], iv[12];
    enum wb_err err;

    if (strcmp(edit, "inner") == 0 || strcmp(edit, "last") == 0)
        id = first;
    hkdf_sha256(SPAN(secret, 32), SPAN_NULL, SPAN_LIT("Bot Message"), base, sizeof base);
    buf_append_cstr(&info, id);
    buf_append_cstr(&info, admin_text(json_object_get(body, "target"), "sender"));
    buf_append_cstr(&info, BOT);
    hkdf_sha256(SPAN_ARRAY(base), SPAN_NULL, buf_span(&info), key, sizeof key);
    buf_append_cstr(&bound, id);
    buf_u8(&bound, 0);
    buf_append_cstr(&bound, BOT);
    pb_put_text(&plain, 1, admin_text(body, "text"));
    rng_fill(&m->rng, iv, sizeof iv);
    err = aes_gcm_seal(key, iv, buf_span(&bound), buf_span(&plain), &sealed);
    pb_put_bytes(out, 2, SPAN_ARRAY(iv));
    pb_put_bytes(out, 3, buf_span(&sealed));
    buf_free(&info);
    buf_free(&bound);
    buf_free(&plain);
    buf_free(&sealed);
    return err;
}

static struct node *bot_message(struct mock *m, const json_t *body, const char *id,
                                struct span sealed)
{
    const json_t *target = json_object_get(body, "target");
    struct node *n = mock_node(m, "message"), *child;
    struct jid bot, sender, chat;

    if (jid_parse_cstr(BOT, &bot) != WB_OK)
        return NULL;
    node_attr_jid(&m->a, n, "from", &bot);
    node_attr_text(&m->a, n, "id", id);
    node_attr_text(&m->a, n, "type", "text");
    node_attr_u64(&m->a, n, "t", mock_now_s(m));
    child = node_child_new(&m->a, n, "enc");
    node_attr_text(&m->a, child, "v", "2");
    node_attr_text(&m->a, child, "type", "msmsg");
    node_set_bytes(&m->a, child, sealed);
    child = node_child_new(&m->a, n, "meta");
    node_attr_text(&m->a, child, "target_id", admin_text(target, "id"));
    if (jid_parse_cstr(admin_text(target, "sender"), &sender) == WB_OK)
        node_attr_jid(&m->a, child, "target_sender_jid", &sender);
    if (jid_parse_cstr(admin_text(target, "chat"), &chat) == WB_OK)
        node_attr_jid(&m->a, child, "target_chat_jid", &chat);
    child = node_child_new(&m->a, n, "bot");
    node_attr_text(&m->a, child, "edit", admin_text(body, "edit"));
    node_attr_text(&m->a, child, "edit_target_id", admin_text(body, "edit_target"));
    return n;
}

int admin_contact_bot(struct mock *m, const struct http_request *q, const json_t *body,
                      json_t **ret_out)
{
    struct mock_account *to = admin_account(m, q, body, "to", ret_out);
    const char *id = admin_text(body, "id");
    struct buf sealed = buf_new(SEALED_MAX);
    uint8_t secret[32];
    size_t n = 0;

    if (!to)
        return 404;
    if (id[0] == '\0')
        id = mock_id(m);
    if (hex_decode(span_cstr(admin_text(body, "secret")), secret, sizeof secret, &n) != WB_OK ||
        n != sizeof secret || seal_as_bot(m, body, secret, id, &sealed) != WB_OK)
        return admin_bad(ret_out, 400, "secret: 64 hex digits");
    for (size_t i = 0; i < to->ndevices; i++) {
        struct node *stanza = bot_message(m, body, id, buf_span(&sealed));

        if (!world_is_played(to->devices[i]) && stanza)
            deliver(m, to->devices[i], stanza);
    }
    buf_free(&sealed);
    *ret_out = json_pack("{s:b,s:s}", "ok", 1, "id", id);
    return 200;
}
