#include "bridge/core/message_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bridge/core/context.h"

enum {
    TEXT_BYTES_MAX = 1000, /* a log line has room for twice that */
    WHY_BYTES_MAX = 512,   /* more than the text of an outcome */
    PHONE_DIGITS_MIN = 8,  /* the same as in log_phone() */
};

static size_t count_chars(struct span s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += (s.p[i] & 0xC0) != 0x80; /* each character has one such byte */
    return n;
}

void message_said_note(const struct bridge *b, struct message_said *s, const char *kind,
                       struct span content)
{
    message_said_forget(s);
    s->kind = kind;
    s->chars = count_chars(content);
    if (b->config->log_messages && content.n)
        s->text = strndup((const char *)content.p, utf8_first(content, TEXT_BYTES_MAX).n);
}

void message_said_forget(struct message_said *s)
{
    free(s->text);
    *s = (struct message_said){0};
}

/* A phone number alone; any other JID with its server ("...@g.us"). */
static const char *short_name(char out[static LOG_PHONE_BYTES], const struct jid *j)
{
    char text[JID_TEXT_MAX];

    return log_phone(out, j->server == JID_PN ? j->user : jid_text(j, text));
}

void message_log_stored(struct bridge *b, const struct jid *chat, const struct jid *sender,
                        bool from_me, const char *id, const struct message_said *s)
{
    char who[LOG_PHONE_BYTES], where[LOG_PHONE_BYTES];
    const bool person = jid_is_person(chat);

    if (!s->kind || b->log->level < LOG_INFO)
        return;
    short_name(who, sender);
    short_name(where, chat);
    log_info(b->log, "message", "stored %s (%zu character%s) from %s%s%s, id %s%s%s", s->kind,
             s->chars, s->chars == 1 ? "" : "s",
             from_me  ? "our phone"
             : person ? where
                      : who,
             from_me  ? " to "
             : person ? ""
                      : " in ",
             from_me || !person ? where : "", id, s->text ? ": " : "", s->text ? s->text : "");
}

void message_log_sent(struct bridge *b, const struct jid *chat, const char *id,
                      const struct message_said *s)
{
    char where[LOG_PHONE_BYTES];

    log_info(b->log, "message", "sent %s (%zu character%s) to %s, id %s%s%s", s->kind, s->chars,
             s->chars == 1 ? "" : "s", short_name(where, chat), id, s->text ? ": " : "",
             s->text ? s->text : "");
}

/* Shortens the phone numbers in a sentence: sentences for API callers hold whole numbers, the log
 * must not. */
static void shorten_numbers(char *out, size_t max, const char *text)
{
    size_t at = 0;

    while (*text && at + 1 < max) {
        const size_t digits = strspn(text, "0123456789");
        const size_t n = digits ? digits : strcspn(text, "0123456789");
        int wrote = digits >= PHONE_DIGITS_MIN
                        ? snprintf(out + at, max - at, "%.4s…%.4s", text, text + digits - 4)
                        : snprintf(out + at, max - at, "%.*s", (int)n, text);

        at += wrote > 0 ? (size_t)wrote : 0;
        text += n;
    }
    if (at >= max)
        utf8_clean(out);
}

void message_log_not_sent(struct bridge *b, const struct jid *chat, const char *id,
                          const char *code, const char *why)
{
    char where[LOG_PHONE_BYTES], text[WHY_BYTES_MAX] = "";

    shorten_numbers(text, sizeof text, why);
    log_info(b->log, "send", "%s to %s was not sent: %s: %s", id, short_name(where, chat), code,
             text);
}
