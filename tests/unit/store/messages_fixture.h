/* messages_fixture.h - puts rows into messages.db, and reads them after a commit. */
#ifndef TESTS_MESSAGES_FIXTURE_H
#define TESTS_MESSAGES_FIXTURE_H

#include "tests/unit/store/store_fixture.h"

#include "store/core/batch.h"
#include "store/messages/messages.h"

#define GROUP "120363000000000001@g.us"

/* A text message with the usual times, not stored yet. */
struct store_message a_message(const char *chat, const char *sender, const char *id,
                               const char *text);

/* Stores a message without a commit; returns the outcome. */
enum store_message_outcome put(struct fixture *f, const struct store_message *m);

/* Stores a text message, without a commit. */
enum store_message_outcome put_text(struct fixture *f, const char *chat, const char *sender,
                                    const char *id, const char *text);

/* Commits, and returns what a statement then gives from messages.db. */
const char *committed(struct fixture *f, const char *sql);

#endif
