/* message_log.h - the one log line for each message that is stored: chat, short numbers, kind and
 * length. Never its text, unless the operator wants it (log_messages). */
#ifndef BRIDGE_CORE_MESSAGE_LOG_H
#define BRIDGE_CORE_MESSAGE_LOG_H

#include <stdbool.h>

#include "base/span.h"
#include "proto/jid.h"

struct bridge;

/* What a message said, for its line. */
struct message_said {
    const char *kind; /* static; NULL: nothing was noted */
    size_t chars;
    char *text; /* with log_messages; NULL: not, or no memory */
};

/* Notes a message's kind and length, in place of the note before. */
void message_said_note(const struct bridge *b, struct message_said *s, const char *kind,
                       struct span content);
/* Frees and empties the note. */
void message_said_forget(struct message_said *s);

/* "stored text (12 characters) from 2782…1000 in 12036…@g.us, id ABC"; The sender is shown as a
 * phone number where that is known. */
void message_log_stored(struct bridge *b, const struct jid *chat, const struct jid *sender,
                        bool from_me, const char *id, const struct message_said *s);
/* "sent text (12 characters) to 2782…1000, id ABC": WhatsApp has accepted it. */
void message_log_sent(struct bridge *b, const struct jid *chat, const char *id,
                      const struct message_said *s);
/* "ABC to 2782…1000 was not sent: absent_mention: not in this chat: …". why: a sentence, the
 * numbers in which are shortened. */
void message_log_not_sent(struct bridge *b, const struct jid *chat, const char *id,
                          const char *code, const char *why);

#endif
