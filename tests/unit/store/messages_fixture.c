/* messages_fixture.c - see messages_fixture.h. */
#include "tests/unit/store/messages_fixture.h"

struct store_message a_message(const char *chat, const char *sender, const char *id,
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

enum store_message_outcome put(struct fixture *f, const struct store_message *m)
{
    enum store_message_outcome outcome = STORE_MSG_DUPLICATE;

    OK(store_message_put(f->s, m, &outcome));
    return outcome;
}

enum store_message_outcome put_text(struct fixture *f, const char *chat, const char *sender,
                                    const char *id, const char *text)
{
    struct store_message m = a_message(chat, sender, id, text);

    return put(f, &m);
}

const char *committed(struct fixture *f, const char *sql)
{
    OK(store_commit(f->s));
    return peek_sql(f->msg, sql);
}
