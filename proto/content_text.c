#include "proto/content_text.h"

#include "base/text.h"

/* Fits into a file system's limit for names, with a prefix of ours. */
enum { FILE_NAME_MAX = 180 };

/* ---- readable text ---- */

static size_t utf8_length(uint8_t lead)
{
    return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

void content_clean_text(struct span s, struct buf *out)
{
    if (utf8_valid(s) && (s.n == 0 || !memchr(s.p, 0, s.n))) {
        const size_t room = out->max > out->n ? out->max - out->n : 0;

        if (s.n > room)
            buf_append(out, utf8_first(s, room)); /* the rest makes buf_append() set the error */
        buf_append(out, s.n > room ? span_skip(s, utf8_first(s, room).n) : s);
        return;
    }
    while (s.n && buf_err(out) == WB_OK) {
        size_t n = utf8_length(s.p[0]);
        struct span one = span_first(s, n);

        if (one.n == n && s.p[0] != 0 && utf8_valid(one)) {
            buf_append(out, one);
        } else {
            buf_append_cstr(out, "\xef\xbf\xbd");
            n = 1;
        }
        s = span_skip(s, n);
    }
}

/* The words in brackets, where they are not the kind's own word. */
static const char *const labels[CONTENT_KIND_COUNT] = {
    [CONTENT_UNKNOWN] = "unknown message",
    [CONTENT_VIDEO_NOTE] = "video note",
    [CONTENT_STICKER_PACK] = "sticker pack",
    [CONTENT_LIVE_LOCATION] = "live location",
    [CONTENT_POLL_VOTE] = "poll vote",
    [CONTENT_POLL_ADD_OPTION] = "new poll option",
    [CONTENT_POLL_RESULT] = "poll result",
    [CONTENT_ENC_REACTION] = "reaction",
    [CONTENT_ENC_COMMENT] = "comment",
    [CONTENT_REVOKE] = "deleted message",
    [CONTENT_EDIT] = "edited",
    [CONTENT_SECRET_EDIT] = "edited",
    [CONTENT_EPHEMERAL_SETTING] = "disappearing messages",
    [CONTENT_PROTOCOL] = "protocol message",
    [CONTENT_GROUP_INVITE] = "group invite",
    [CONTENT_LIST_RESPONSE] = "response",
    [CONTENT_BUTTONS_RESPONSE] = "response",
    [CONTENT_TEMPLATE_REPLY] = "response",
    [CONTENT_INTERACTIVE_RESPONSE] = "response",
    [CONTENT_ENC_EVENT_RESPONSE] = "event response",
    [CONTENT_EVENT_RESPONSE] = "event response",
    [CONTENT_PIN] = "pinned message",
    [CONTENT_KEEP] = "kept message",
    [CONTENT_CALL_LOG] = "call",
    [CONTENT_REQUEST_PHONE_NUMBER] = "asks for the phone number",
    [CONTENT_NEWSLETTER_INVITE] = "channel invite",
    [CONTENT_HISTORY_NOTICE] = "shared history",
    [CONTENT_PLACEHOLDER] = "open WhatsApp on the phone to see this message",
};

static const char *sealed_label(int32_t type)
{
    switch (type) {
    case SEALED_EVENT_EDIT:
        return "event edited";
    case SEALED_MESSAGE_SCHEDULE:
        return "scheduled message";
    case SEALED_POLL_EDIT:
        return "poll edited";
    case SEALED_POLL_ADD_OPTION:
        return "new poll option";
    default:
        return "edited";
    }
}

/* NULL for kinds whose text stands alone. */
/* A table in the shape of a switch, so that a new kind is a compiler warning here. */
/* NOLINTNEXTLINE(readability-function-size) */
static const char *label(const struct content *c)
{
    if (c->kind == CONTENT_NONE || c->kind == CONTENT_TEXT || c->kind == CONTENT_EXTENDED_TEXT)
        return NULL;
    if (c->kind == CONTENT_VIDEO && c->media.gif)
        return "gif";
    if (c->kind == CONTENT_AUDIO && c->media.ptt)
        return "voice note";
    if (c->kind == CONTENT_REACTION && c->text.n == 0)
        return "reaction removed";
    if (c->kind == CONTENT_SECRET_EDIT)
        return sealed_label(c->sealed_type);
    if (c->kind == CONTENT_PIN && c->number == 2)
        return "unpinned message";
    if (c->kind == CONTENT_KEEP && c->number == 2)
        return "no longer kept message";
    return labels[c->kind] ? labels[c->kind] : content_kind_word(c->kind);
}

/* Appends a part of a line: the first part after the bracket gets a blank before it, later ones a
 * separator. */
static void put_part(struct buf *out, bool *first, const char *separator, struct span s)
{
    if (s.n == 0)
        return;
    buf_append_cstr(out, *first ? " " : separator);
    content_clean_text(s, out);
    *first = false;
}

static void put_target(struct buf *out, bool *first, const char *word, const struct content *c)
{
    if (c->key.id.n == 0)
        return;
    buf_printf(out, "%s ", word);
    content_clean_text(c->key.id, out);
    *first = false;
}

static void put_seconds(struct buf *out, bool *first, uint32_t seconds)
{
    if (!seconds)
        return;
    buf_printf(out, " %u:%02u", seconds / 60, seconds % 60);
    *first = false;
}

static void put_lists(struct buf *out, bool *first, const struct content *c)
{
    for (size_t i = 0; i < c->noptions; i++) {
        buf_append_cstr(out, i ? " / " : *first ? " " : ": ");
        content_clean_text(c->options[i], out);
    }
    for (size_t i = 0; i < c->ncontacts; i++)
        put_part(out, first, ", ", c->contacts[i].name);
}

static void put_numbers(struct buf *out, bool *first, const struct content *c)
{
    if (c->kind == CONTENT_LOCATION || c->kind == CONTENT_LIVE_LOCATION) {
        buf_printf(out, " %.6f,%.6f", c->latitude, c->longitude);
        put_part(out, first, ", ", c->name);
        put_part(out, first, ", ", c->address);
    }
    if (c->kind == CONTENT_EPHEMERAL_SETTING && c->number)
        buf_printf(out, " %lld s", (long long)c->number);
    else if (c->kind == CONTENT_EPHEMERAL_SETTING)
        buf_append_cstr(out, " off");
    if (c->kind == CONTENT_ALBUM)
        buf_printf(out, " %lld", (long long)c->number);
    if (c->kind == CONTENT_PROTOCOL)
        buf_printf(out, " %d", (int)c->protocol_type);
    for (size_t i = 0; c->kind == CONTENT_UNKNOWN && i < c->nunknown; i++)
        buf_printf(out, " %u", (unsigned)c->unknown_fields[i]);
}

static void put_line(const struct content *c, struct buf *out)
{
    const char *word = label(c);
    bool first = true;

    if (!word) {
        content_clean_text(c->text, out);
        return;
    }
    if (c->media.present && c->text.n) {
        content_clean_text(c->text, out); /* a file's caption is shown instead of its name */

        return;
    }
    buf_printf(out, "[%s]", word);
    if (c->media.present) {
        put_part(out, &first, " ", c->media.file_name.n ? c->media.file_name : c->media.title);
        put_seconds(out, &first, c->media.seconds);
        return;
    }
    put_numbers(out, &first, c);
    put_part(out, &first, ": ", c->title);
    put_part(out, &first, ": ", c->text);
    put_lists(out, &first, c);
    if (c->kind == CONTENT_CALL_LOG)
        put_seconds(out, &first, c->media.seconds);
    if (c->kind == CONTENT_REACTION && c->text.n == 0)
        put_target(out, &first, " from", c);
    else if (c->kind == CONTENT_REVOKE || c->kind == CONTENT_PIN || c->kind == CONTENT_KEEP)
        put_target(out, &first, "", c);
    else if (c->kind != CONTENT_EDIT)
        put_target(out, &first, " to", c);
    if (c->unopened)
        buf_printf(out, " (%s)", c->unopened);
}

/* Cuts a text that is too long for the buffer at a character, and appends " [cut]". */
static void end_cut_text(struct buf *out)
{
    static const char mark[] = " [cut]";

    if (buf_err(out) != WB_ERR_TOO_LARGE || out->max < sizeof mark)
        return;
    out->err = WB_OK;
    if (out->n > out->max - sizeof mark)
        out->n = utf8_first(buf_span(out), out->max - sizeof mark).n;
    buf_append_cstr(out, mark);
}

void content_readable(const struct content *c, struct buf *out)
{
    /* The inner content of an edit, a comment or a payment's note ends the line. The decoder limits
     * it to CONTENT_INNER_MAX levels. */
    for (; c; c = c->inner) {
        put_line(c, out);
        if (c->inner)
            buf_append_cstr(out, " ");
    }
    end_cut_text(out);
}

bool content_is_written(const struct content *c)
{
    return !c->inner && (!label(c) || (c->media.present && c->text.n > 0));
}

const char *content_media_type(const struct content *c)
{
    switch ((int)c->kind) {
    case CONTENT_IMAGE:
        return "image";
    case CONTENT_VIDEO:
    case CONTENT_VIDEO_NOTE:
        return "video";
    case CONTENT_AUDIO:
        return "audio";
    case CONTENT_DOCUMENT:
        return "document";
    case CONTENT_STICKER:
        return "sticker";
    default:
        return "";
    }
}

void content_safe_file_name(const struct content *c, struct buf *out)
{
    struct span name = c->media.file_name.n ? c->media.file_name : c->media.title;
    struct buf clean = buf_new(4096);
    struct span s;

    for (size_t i = name.n; i > 0; i--) {
        if (name.p[i - 1] == '/' || name.p[i - 1] == '\\') {
            name = span_skip(name, i);
            break;
        }
    }
    content_clean_text(span_first(name, 1024), &clean);
    s = buf_span(&clean);
    while (s.n && (s.p[0] == '.' || s.p[0] == ' '))
        s = span_skip(s, 1);
    s = utf8_first(s, FILE_NAME_MAX);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= 0x20 && s.p[i] != 0x7f)
            buf_u8(out, s.p[i]);
    buf_free(&clean);
}

/* ---- stanza attributes ---- */

const char *content_enc_mediatype(const struct content *c)
{
    /* An edit names no type: what is edited travels inside it. */
    switch ((int)c->kind) {
    case CONTENT_EXTENDED_TEXT:
        return span_is_null(c->title) ? "" : "url";
    case CONTENT_IMAGE:
        return "image";
    case CONTENT_STICKER:
        return "sticker";
    case CONTENT_DOCUMENT:
        return "document";
    case CONTENT_AUDIO:
        return c->media.ptt ? "ptt" : "audio";
    case CONTENT_VIDEO:
        return c->media.gif ? "gif" : "video";
    case CONTENT_VIDEO_NOTE:
        return "ptv";
    case CONTENT_CONTACT:
        return "vcard";
    case CONTENT_CONTACTS:
        return "contact_array";
    case CONTENT_LIST:
        return "list";
    case CONTENT_LIST_RESPONSE:
        return "list_response";
    case CONTENT_BUTTONS_RESPONSE:
        return "buttons_response";
    case CONTENT_ORDER:
        return "order";
    case CONTENT_PRODUCT:
        return "product";
    case CONTENT_INTERACTIVE_RESPONSE:
        return "native_flow_response";
    default:
        return "";
    }
}

const char *content_stanza_type(const struct content *c)
{
    if (c->kind == CONTENT_REACTION || c->kind == CONTENT_ENC_REACTION)
        return "reaction";
    if (c->kind == CONTENT_POLL || c->kind == CONTENT_POLL_VOTE)
        return "poll";
    return content_enc_mediatype(c)[0] ? "media" : "text";
}

const char *content_edit_attribute(const struct content *c)
{
    switch ((int)c->kind) {
    case CONTENT_REVOKE:
        if (c->key.id.n == 0)
            return "";
        return c->key.from_me ? "7" : "8";
    case CONTENT_EDIT:
        return c->inner && c->key.id.n ? "1" : "";
    case CONTENT_PIN:
        return "2";
    case CONTENT_REACTION:
        return c->text.n ? "" : "7";
    case CONTENT_KEEP:
        return c->key.from_me && c->number == 2 ? "7" : "";
    default:
        return "";
    }
}

bool content_hides_decrypt_fail(const struct content *c)
{
    return content_edit_attribute(c)[0] || c->kind == CONTENT_REACTION ||
           c->kind == CONTENT_ENC_REACTION || c->kind == CONTENT_POLL_VOTE;
}

const char *content_poll_type(const struct content *c)
{
    return c->kind == CONTENT_POLL ? "creation" : c->kind == CONTENT_POLL_VOTE ? "vote" : "";
}
