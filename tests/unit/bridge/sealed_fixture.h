/* sealed_fixture.h - people who seal with the secret of a message: edits, votes and the like.
 * tests/unit/crypto/test_msg_secret.c checks the sealing against another program's values;
 * tests/peers/test_sealed_peers.py does it with whatsmeow's own code. */
#ifndef TESTS_SEALED_FIXTURE_H
#define TESTS_SEALED_FIXTURE_H

#include "tests/unit/bridge/receive_people.h"

#include "crypto/msg_secret.h"
#include "crypto/prim_hash.h"
#include "proto/wire_field.h"

/* The secret of the message that edits and votes belong to. */
extern uint8_t the_secret[MSG_SECRET_BYTES];

/* Fields of Message and of the messages inside. */
enum { F_POLL_VOTE = 50, F_REACTION = 56, F_COMMENT = 71, F_ANSWER = 76, F_SECRET_EDIT = 82 };

/* A content to be sealed, and how. */
struct sealing {
    uint32_t field;
    uint64_t type; /* secretEncType, 0: none */
    enum msg_secret_use use;
    const char *id, *author, *sender;
    const char *key_chat, *key_participant; /* NULL: absent */
    bool key_from_me;
};

/* A text that brings the secret along. */
struct span text_with_secret(struct receiver *r, const char *text);

/* A Message with the plain text sealed as 's' says. */
struct span sealed_message(struct receiver *r, const struct sealing *s, struct span plain);

/* protocolMessage{key, type 14, editedMessage} around a text. */
struct span edit_of(struct receiver *r, const char *id, const char *text);

/* Puts this message, sealed, into a stanza of the writer. */
struct node *carrying(struct receiver *r, struct writer *w, struct node *n, struct span message);

/* A poll about lunch: pizza or sushi. */
struct span a_poll(struct receiver *r);

/* The plain text of a vote for these options. */
struct span a_vote(struct receiver *r, const char *const *names, size_t n);

#endif
