/* Turns content into rows of messages.db (P-MC-12..19: the Go bridge's columns): inserted, filled
 * in, changed. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "bridge/core/context.h"
#include "bridge/core/msgid.h"
#include "bridge/core/peer_time.h"
#include "bridge/people/mention_in.h"
#include "bridge/receive/in_message_private.h"
#include "bridge/receive/in_message_revoke.h"
#include "proto/content_text.h"
#include "store/messages/contacts.h"
#include "store/messages/messages.h"

enum { FILE_ID_CHARS = 12 };

/* What all kinds of rows have in common. */
static struct store_message row_of(const struct bridge *b, const struct in_message *m)
{
    return (struct store_message){
        .id = m->id,
        .chat = m->chat,
        .sender = m->sender,
        .sender_alt = m->sender_alt,
        .from_me = m->from_me,
        .timestamp = m->t,
        .received_at = bridge_server_now_s(b),
        .addressing = m->lid_addressing ? STORE_ADDRESSING_LID : STORE_ADDRESSING_PN,
    };
}

static struct store_message_change change_of(const struct in_message *m, const struct content *c)
{
    return (struct store_message_change){.chat = m->chat,
                                         .sender = m->sender,
                                         .sender_alt = m->sender_alt,
                                         .from_me = m->from_me,
                                         .target_id = c->key.id,
                                         .timestamp = m->t};
}

/* A peer's text as it may be stored: s itself when it is clean, else a clean copy in out. */
static struct span clean(struct span s, struct buf *out)
{
    if (s.n == 0)
        return SPAN_NULL;
    if (utf8_valid(s) && !memchr(s.p, 0, s.n))
        return s;
    buf_clear(out);
    content_clean_text(s, out);
    return buf_span(out);
}

/* A file name in the Go bridge's form (P-MC-16), but made from the message's own time and id: the
 * same name whenever it is stored, and no two alike. */
static void file_name(const struct in_message *m, const struct content *c, struct buf *out)
{
    static const struct {
        const char *type, *extension;
    } kinds[] = {{"image", ".jpg"}, {"video", ".mp4"}, {"audio", ".ogg"}, {"sticker", ".webp"}};
    const char *type = content_media_type(c), *extension = "";
    int64_t days = m->t / 86400, s = m->t % 86400;
    int64_t era, doe, yoe, doy, mp, year, month, day;

    content_safe_file_name(c, out);
    if (out->n || !type[0])
        return;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].type, type) == 0)
            extension = kinds[i].extension;
    /* Day number to calendar date, counted in eras of 400 years that begin on 1 March. */
    days += 719468;
    era = days / 146097;
    doe = days % 146097;
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    mp = (5 * doy + 2) / 153;
    day = doy - (153 * mp + 2) / 5 + 1;
    month = mp < 10 ? mp + 3 : mp - 9;
    year = yoe + era * 400 + (month <= 2);
    buf_printf(out, "%s_%04d%02d%02d_%02d%02d%02d_", type, (int)year, (int)month, (int)day,
               (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    for (size_t i = m->id.n > FILE_ID_CHARS ? m->id.n - FILE_ID_CHARS : 0; i < m->id.n; i++) {
        uint8_t ch = m->id.p[i];
        bool plain =
            (ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z');

        buf_u8(out, plain ? ch : '_');
    }
    buf_append_cstr(out, extension);
}

static void put_media(struct in_message_state *st, const struct in_message *m,
                      const struct content *c, struct store_message *row)
{
    const struct content_media *f = &c->media;

    row->raw = c->message;
    if (!f->present)
        return;
    buf_clear(&st->names);
    file_name(m, c, &st->names);
    row->media_type = span_cstr(content_media_type(c));
    row->filename = buf_span(&st->names);
    row->url =
        f->url.n && utf8_valid(f->url) && !memchr(f->url.p, 0, f->url.n) ? f->url : SPAN_NULL;
    row->media_key = f->media_key;
    row->file_sha256 = f->file_sha256;
    row->file_enc_sha256 = f->file_enc_sha256;
    row->file_length = f->file_length <= INT64_MAX ? (int64_t)f->file_length : 0;
}

static const char *kind_word(enum content_kind k)
{
    return k == CONTENT_EXTENDED_TEXT ? content_kind_word(CONTENT_TEXT) : content_kind_word(k);
}

static enum wb_err put_row(struct bridge *b, struct in_message *m, struct store_message *row,
                           struct span push_name)
{
    struct buf name = buf_new(STORE_NAME_MAX * 4);
    enum store_message_outcome outcome;
    enum wb_err err;

    row->push_name =
        utf8_first(clean(span_first(push_name, STORE_NAME_MAX + 4), &name), STORE_NAME_MAX);
    TRY(store_message_put(b->store, row, &outcome));
    if (outcome == STORE_MSG_BESIDE)
        log_warn(b->log, "message", "id %.*s was used by another sender: stored beside it",
                 (int)m->id.n, (const char *)m->id.p);
    m->stored = outcome != STORE_MSG_DUPLICATE;
    message_said_note(b, &b->in_message->said, row->kind, row->content);
out:
    buf_free(&name);
    return err;
}

/* Text and mentions of a message or of an edit's new content, into the state's buffers. */
static enum wb_err read_words(struct bridge *b, const struct content *c, bool *ret_me)
{
    struct in_message_state *st = b->in_message;
    enum wb_err err = WB_OK;

    buf_clear(&st->text);
    buf_clear(&st->mentions);
    *ret_me = false;
    content_readable(c, &st->text);
    TRY(buf_err(&st->text));
    if (c->context.nmentioned || c->context.mentions_all)
        TRY(mention_in_list(b, &c->context, &st->mentions, ret_me));
out:
    return err;
}

static struct span or_null(const struct buf *b)
{
    return b->n ? buf_span(b) : SPAN_NULL;
}

/* The text of read_words() when a person wrote it and written is true, or when it is our summary
 * and written is false; else SPAN_NULL. Summaries stay out of the column that readers search for
 * words: in the Go bridge's rows that column is empty then, or there is no row (P-MC-15). */
static struct span written_part(const struct bridge *b, const struct content *c, bool written)
{
    return content_is_written(c) == written ? or_null(&b->in_message->text) : SPAN_NULL;
}

/* Puts c into the columns of the row, which borrows from quoted. */
static enum wb_err put_content(struct bridge *b, const struct in_message *m,
                               const struct content *c, char quoted[static JID_TEXT_MAX],
                               struct store_message *row)
{
    struct in_message_state *st = b->in_message;
    struct jid person;
    enum wb_err err;

    TRY(read_words(b, c, &row->mentions_me));
    row->kind = kind_word(c->kind);
    row->content = written_part(b, c, true);
    row->summary = written_part(b, c, false);
    row->mentions = or_null(&st->mentions);
    if (msgid_valid(c->key.id))
        row->target_id = c->key.id;
    if (msgid_valid(c->context.stanza_id)) {
        row->quoted_id = c->context.stanza_id;
        TRY(mention_in_person(b, c->context.participant, &person));
        if (!jid_is_none(&person))
            row->quoted_sender = span_cstr(jid_text(&person, quoted));
    }
    if (c->kind != CONTENT_TEXT && c->kind != CONTENT_EXTENDED_TEXT)
        put_media(st, m, c, row);
out:
    return err;
}

static enum wb_err store_row(struct bridge *b, struct in_message *m, const struct content *c)
{
    struct store_message row = row_of(b, m);
    char quoted[JID_TEXT_MAX];
    enum wb_err err;

    TRY(put_content(b, m, c, quoted, &row));
    TRY(put_row(b, m, &row, m->push_name));
out:
    return err;
}

enum wb_err in_message_store_fill_opened(struct bridge *b, const struct in_message *m,
                                         const struct content *c)
{
    struct store_message row = row_of(b, m);
    char quoted[JID_TEXT_MAX];
    enum wb_err err;

    TRY(put_content(b, m, c, quoted, &row));
    err = store_message_opened(b->store, &row);
out:
    return err;
}

/* ---- changes ---- */

static enum wb_err edit(struct bridge *b, const struct in_message *m, const struct content *c)
{
    struct in_message_state *st = b->in_message;
    struct store_message_change change = change_of(m, c);
    bool me;
    enum wb_err err;

    TRY(read_words(b, c->inner, &me));
    TRY(store_message_edit(b->store, &change, written_part(b, c->inner, true),
                           written_part(b, c->inner, false), or_null(&st->mentions), me));
out:
    return err;
}

static enum wb_err react(struct bridge *b, const struct in_message *m, const struct content *c)
{
    struct store_message_change change = change_of(m, c);
    struct in_message_state *st = b->in_message;

    buf_clear(&st->names);
    content_clean_text(span_first(c->text, STORE_NAME_MAX), &st->names);
    return store_message_react(b->store, &change, buf_span(&st->names));
}

/* Notes the timer of disappearing messages in a 1:1 chat, so that our messages disappear, too
 * (P-SD-43). The message that sets the timer names its seconds; every later message repeats the
 * seconds and the time when they were set. */
static enum wb_err note_timer(struct bridge *b, const struct in_message *m, const struct content *c)
{
    const int64_t said = c->context.ephemeral_setting_timestamp;
    int64_t set_at = peer_time_s(b, said > 0 ? (uint64_t)said : 0, m->t);
    uint32_t seconds = peer_expiration_s(c->context.expiration);

    if (!jid_is_person(&m->chat))
        return WB_OK;
    if (c->kind == CONTENT_EPHEMERAL_SETTING)
        seconds = peer_expiration_s(c->number > 0 ? (uint64_t)c->number : 0);
    else if (!c->context.present || !c->context.has_expiration)
        return WB_OK;
    if (set_at > m->t) /* a set time after its own message would outdo later settings */
        set_at = m->t;
    return store_chat_timer_put(b->store, &m->chat, seconds, set_at, bridge_server_now_s(b));
}

enum wb_err in_message_store_opened(struct bridge *b, struct in_message *m, const struct content *c,
                                    bool *ret_row)
{
    bool targeted = msgid_valid(c->key.id);
    enum wb_err err;

    err = note_timer(b, m, c);
    if (err != WB_OK)
        return err;
    err = WB_ERR_NOT_FOUND;
    if (c->kind == CONTENT_REVOKE && targeted)
        err = in_message_revoke(b, m, c);
    else if (c->kind == CONTENT_EDIT && targeted && c->inner)
        err = edit(b, m, c);
    else if (c->kind == CONTENT_REACTION && targeted)
        err = react(b, m, c);
    if (err != WB_OK && err != WB_ERR_NOT_FOUND && err != WB_ERR_REFUSED)
        return err;
    *ret_row = err != WB_OK;
    if (err == WB_ERR_REFUSED)
        return in_message_store_refused(b, m, c);
    return err == WB_OK ? WB_OK : store_row(b, m, c);
}

enum wb_err in_message_store(struct bridge *b, struct in_message *m, const struct content *c,
                             bool *ret_row)
{
    struct in_message_opened o;
    enum wb_err err;

    *ret_row = false;
    if (c->kind == CONTENT_NONE)
        return WB_OK;
    if (!content_is_sealed(c))
        return in_message_store_opened(b, m, c, ret_row);
    err = in_message_sealed_open(b, m, c, &o);
    if (err == WB_OK)
        err = in_message_store_opened(b, m, &o.c, ret_row);
    in_message_sealed_free(&o);
    return err;
}

enum wb_err in_message_store_refused(struct bridge *b, struct in_message *m,
                                     const struct content *c)
{
    log_warn(b->log, "message", "%s %.*s: its sender may not change that message",
             content_kind_word(c->kind), (int)m->id.n, (const char *)m->id.p);
    b->refused.changes++;
    return store_row(b, m, c);
}

enum wb_err in_message_store_placeholder(struct bridge *b, struct in_message *m)
{
    struct store_message row = row_of(b, m);
    enum store_message_outcome outcome;
    enum wb_err err;

    TRY(store_message_placeholder(b->store, &row, &outcome));
    m->stored |= outcome == STORE_MSG_INSERTED || outcome == STORE_MSG_BESIDE;
    message_said_note(b, &b->in_message->said, "a placeholder, which cannot be read yet",
                      SPAN_NULL);
out:
    return err;
}

enum wb_err in_message_store_empty(struct bridge *b, struct in_message *m)
{
    struct store_message row = row_of(b, m);

    row.kind = content_kind_word(CONTENT_UNKNOWN);
    row.summary = SPAN_LIT("[empty message]");
    return put_row(b, m, &row, m->push_name);
}

enum wb_err in_message_store_unreadable(struct bridge *b, struct in_message *m, struct span plain)
{
    struct store_message row = row_of(b, m);

    row.kind = "unreadable";
    row.summary = SPAN_LIT("[unreadable message]");
    row.raw = plain;
    return put_row(b, m, &row, m->push_name);
}
