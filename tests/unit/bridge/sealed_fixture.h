/* sealed_fixture.h - people who seal with the secret of a message: edits, votes and the like. What
 * they seal with is checked against another program's values in
 * tests/unit/crypto/test_msg_secret.c; with whatsmeow's own code it is done in
 * tests/peers/test_sealed_peers.py. */
#ifndef TESTS_SEALED_FIXTURE_H
#define TESTS_SEALED_FIXTURE_H

#include "tests/unit/bridge/receive_people.h"

#include "crypto/msg_secret.h"
#include "crypto/prim_hash.h"
#include "proto/wire_field.h"

static uint8_t the_secret[MSG_SECRET_BYTES] = {1, 2, 3, 4, 5, 6, 7};

/* Fields of Message, and of what is inside. */
enum { F_POLL_VOTE = 50, F_REACTION = 56, F_COMMENT = 71, F_ANSWER = 76, F_SECRET_EDIT = 82 };

/* What is to be sealed, and how. */
struct sealing {
    uint32_t field;
    uint64_t type; /* secretEncType, 0: none */
    enum msg_secret_use use;
    const char *id, *author, *sender;
    const char *key_chat, *key_participant; /* NULL: absent */
    bool key_from_me;
};

/* A text that brings the secret along. */
static inline struct span text_with_secret(struct receiver *r, const char *text)
{
    const struct content_extras extras = {.secret = SPAN_ARRAY(the_secret)};
    struct buf b = buf_new(1 << 16);

    OK(content_encode_text(span_cstr(text), &extras, &b));
    return keep(r, &b);
}

static inline void put_key(struct buf *b, const struct sealing *s)
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

static inline struct span sealed_message(struct receiver *r, const struct sealing *s,
                                         struct span plain)
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

/* protocolMessage{key, type 14, editedMessage} around a text. */
static inline struct span edit_of(struct receiver *r, const char *id, const char *text)
{
    const struct content_key key = {.id = span_cstr(id), .from_me = true};
    struct buf b = buf_new(1 << 16);

    OK(content_encode_edit(&key, text_message(r, text), fixture_time * 1000, &b));
    return keep(r, &b);
}

/* A stanza of hers with this message inside. */
static inline struct node *with(struct receiver *r, struct writer *w, struct node *n,
                                struct span message)
{
    add_sealed(r, w, n, message);
    return n;
}

#endif
