/* messages_fixture.h - rows put into messages.db, and looked at when they are committed. */
#ifndef TESTS_MESSAGES_FIXTURE_H
#define TESTS_MESSAGES_FIXTURE_H

#include "tests/unit/store/store_fixture.h"

#include "store/core/batch.h"
#include "store/messages/messages.h"

#define GROUP "120363000000000001@g.us"

static inline struct store_message a_message(const char *chat, const char *sender, const char *id,
                                             const char *text)
{
    return (struct store_message){.id = span_cstr(id),
                                  .chat = J(chat),
                                  .sender = J(sender),
                                  .timestamp = fixture_time,
                                  .received_at = fixture_time + 1,
                                  .content = span_cstr(text),
                                  .kind = "text"};
}

static inline enum store_message_outcome put(struct fixture *f, const struct store_message *m)
{
    enum store_message_outcome outcome = STORE_MSG_DUPLICATE;
    OK(store_message_put(f->s, m, &outcome));
    return outcome;
}

static inline enum store_message_outcome
put_text(struct fixture *f, const char *chat, const char *sender, const char *id, const char *text)
{
    struct store_message m = a_message(chat, sender, id, text);
    return put(f, &m);
}

static inline const char *look(struct fixture *f, const char *sql)
{
    OK(store_commit(f->s));
    return peek_sql(f->msg, sql);
}

#endif
