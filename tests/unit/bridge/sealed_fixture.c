/* sealed_fixture.c - see sealed_fixture.h. */
#include "tests/unit/bridge/sealed_fixture.h"

uint8_t the_secret[MSG_SECRET_BYTES] = {1, 2, 3, 4, 5, 6, 7};

struct span text_with_secret(struct receiver *r, const char *text)
{
    const struct content_extras extras = {.secret = SPAN_ARRAY(the_secret)};
    struct buf b = buf_new(1 << 16);

    OK(content_encode_text(span_cstr(text), &extras, &b));
    return keep(r, &b);
}

static void put_key(struct buf *b, const struct sealing *s)
{
    size_t at = wire_open(b, 1);

    if (s->key_chat)
        wire_put_bytes(b, 1, span_cstr(s->key_chat));
    if (s->key_from_me)
        wire_put_uint(b, 2, 1);
    wire_put_bytes(b, 3, span_cstr(s->id));
    if (s->key_participant)
        wire_put_bytes(b, 4, span_cstr(s->key_participant));
    wire_close(b, at);
}

struct span sealed_message(struct receiver *r, const struct sealing *s, struct span plain)
{
    static const uint8_t iv[12] = {9, 8, 7};
    const struct msg_secret m = {s->use, the_secret, span_cstr(s->id), span_cstr(s->author),
                                 span_cstr(s->sender)};
    struct buf sealed = buf_new(1 << 16), b = buf_new(1 << 17);
    size_t at, inner = 0;

    OK(msg_secret_seal(&m, SPAN_ARRAY(iv), plain, &sealed));
    at = wire_open(&b, s->field);
    put_key(&b, s);
    if (s->field == F_POLL_VOTE)
        inner = wire_open(&b, 2);
    wire_put_bytes(&b, s->field == F_POLL_VOTE ? 1 : 2, buf_span(&sealed));
    wire_put_bytes(&b, s->field == F_POLL_VOTE ? 2 : 3, SPAN_ARRAY(iv));
    if (s->field == F_POLL_VOTE)
        wire_close(&b, inner);
    if (s->type)
        wire_put_uint(&b, 4, s->type);
    wire_close(&b, at);
    buf_free(&sealed);
    return keep(r, &b);
}

struct span edit_of(struct receiver *r, const char *id, const char *text)
{
    const struct content_key key = {.id = span_cstr(id), .from_me = true};
    struct buf b = buf_new(1 << 16);

    OK(content_encode_edit(&key, text_message(r, text), fixture_time * 1000, &b));
    return keep(r, &b);
}

struct node *carrying(struct receiver *r, struct writer *w, struct node *n, struct span message)
{
    add_sealed(r, w, n, message);
    return n;
}

struct span a_poll(struct receiver *r)
{
    const struct span options[] = {SPAN_LIT("Pizza"), SPAN_LIT("Sushi")};
    struct buf b = buf_new(1 << 16);

    OK(content_encode_poll(SPAN_LIT("Lunch?"), options, 2, 1, SPAN_ARRAY(the_secret), &b));
    return keep(r, &b);
}

struct span a_vote(struct receiver *r, const char *const *names, size_t n)
{
    struct buf b = buf_new(1 << 12);

    for (size_t i = 0; i < n; i++) {
        uint8_t hash[SHA256_BYTES];

        sha256(span_cstr(names[i]), hash);
        wire_put_bytes(&b, 1, SPAN_ARRAY(hash));
    }
    return keep(r, &b);
}
