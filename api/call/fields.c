#include "api/call/fields.h"

#include <ctype.h>

#include "api/call/surrogates.h"

enum {
    /* Longer names are compared by their first characters only. */
    NAME_CHARS = 40,
    /* Of an unknown name, so many characters are shown in an answer. */
    SHOWN_CHARS = 60,
    TEXT_BYTES_MAX = 1000,
    /* Names with so many first characters in common count as alike; one less is enough if that is
     * the whole name. */
    PREFIX_MIN = 4,
    SLIPS_MAX = 2,
};

/* ---- which name was meant ---- */

/* Names that other programs' APIs use for our fields. */
static const struct {
    const char *theirs, *ours;
} other_names[] = {
    {"text", "message"},
    {"body", "message"},
    {"content", "message"},
    {"caption", "message"},
    {"to", "recipient"},
    {"jid", "recipient"},
    {"chatid", "recipient"},
    {"chatjid", "recipient"},
    {"phone", "recipient"},
    {"number", "recipient"},
    {"phonenumber", "recipient"},
    {"groupjid", "recipient"},
    {"file", "media_path"},
    {"path", "media_path"},
    {"image", "media_path"},
    {"document", "media_path"},
    {"quoted", "reply_to"},
    {"quotedmessageid", "reply_to"},
    {"timeout", "wait_s"},
    {"timeouts", "wait_s"},
    {"ttl", "expires_s"},
    {"key", "id"},
    {"idempotencykey", "id"},
    {"messageid", "id"},
    {"recipient", "recipient_jid"},
    {"group", "group_jid"},
    {"chat", "recipient"},
    {"id", "message_id"},
    {"chat", "chat_jid"},
    {"pin", "code"},
};

/* Lower case, without the characters that join words ('_', '-'); cut at NAME_CHARS. */
static size_t plain(struct span name, char out[static NAME_CHARS + 1])
{
    size_t n = 0;

    for (size_t i = 0; i < name.n && n < NAME_CHARS; i++)
        if (name.p[i] != '_' && name.p[i] != '-' && name.p[i] != ' ')
            out[n++] = (char)tolower(name.p[i]);
    out[n] = '\0';
    return n;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The number of insertions, deletions and changes that turn one name into the other
 * (Levenshtein). */
static size_t slips(const char *a, const char *b)
{
    size_t n = strlen(b), row[NAME_CHARS + 1];

    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t change = diagonal + (a[i] != b[j]);

            diagonal = row[j + 1];
            row[j + 1] = smaller(change, smaller(row[j], diagonal) + 1);
        }
    }
    return row[n];
}

static size_t common_prefix(const char *a, const char *b)
{
    size_t n = 0;

    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

static const char *by_another_name(const char *given, const char *const *known)
{
    for (size_t i = 0; i < sizeof other_names / sizeof *other_names; i++)
        for (size_t k = 0; known[k]; k++)
            if (strcmp(other_names[i].theirs, given) == 0 &&
                strcmp(other_names[i].ours, known[k]) == 0)
                return known[k];
    return NULL;
}

const char *nearest_name(struct span given, const char *const *known)
{
    char name[NAME_CHARS + 1], other[NAME_CHARS + 1];
    size_t n = plain(given, name), best_score = 0;
    const char *best = by_another_name(name, known);

    if (best)
        return best;
    for (size_t k = 0; known[k]; k++) {
        size_t m = plain(span_cstr(known[k]), other), prefix = common_prefix(name, other);
        size_t wrong = slips(name, other);
        bool alike = prefix >= PREFIX_MIN || (prefix == n && n + 1 >= PREFIX_MIN) ||
                     (wrong <= SLIPS_MAX && wrong * 2 < smaller(n, m));
        size_t score = 2 * NAME_CHARS + 2 * prefix - wrong;

        if (alike && score > best_score) {
            best = known[k];
            best_score = score;
        }
    }
    return best;
}

void unknown_name_text(const char *what, struct span given, const char *const *known,
                       struct buf *out)
{
    const char *meant = nearest_name(given, known);
    bool cut = given.n > SHOWN_CHARS;

    buf_printf(out, "unknown %s '%.*s%s'", what, (int)(cut ? SHOWN_CHARS : given.n),
               (const char *)given.p, cut ? "…" : "");
    if (meant) {
        buf_printf(out, "; did you mean '%s'?", meant);
        return;
    }
    buf_printf(out, known[0] ? "; known are" : "; this call has none");
    for (size_t k = 0; known[k]; k++)
        buf_printf(out, "%s %s", k ? "," : "", known[k]);
}

/* ---- bodies ---- */

static bool is_known(const char *name, const char *const *known)
{
    for (; *known; known++)
        if (strcmp(name, *known) == 0)
            return true;
    return false;
}

bool api_fields_known(struct api_request *r, json_t *object, const char *const *known)
{
    struct buf text = buf_new(TEXT_BYTES_MAX);
    void *i = json_object_iter(object);

    while (i && is_known(json_object_iter_key(i), known))
        i = json_object_iter_next(object, i);
    if (i) {
        unknown_name_text("field", span_cstr(json_object_iter_key(i)), known, &text);
        api_reply_error(r, CMD_BAD_REQUEST, buf_text(&text));
    }
    buf_free(&text);
    return !i;
}

static bool is_blank(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!strchr(" \t\r\n", s.p[i]) || s.p[i] == 0)
            return false;
    return true;
}

static json_t *refuse(struct api_request *r, const char *text)
{
    api_reply_error(r, CMD_BAD_REQUEST, text);
    return NULL;
}

static json_t *parse(struct api_request *r)
{
    json_error_t e;
    json_t *body;
    char text[JSON_ERROR_TEXT_LENGTH + 64];

    surrogates_mend(r->body.p, r->body.n);
    body = json_loadb((const char *)r->body.p, r->body.n, JSON_REJECT_DUPLICATES, &e);
    if (json_is_object(body))
        return body;
    if (body) {
        json_decref(body);
        return refuse(r, "The body must be a JSON object");
    }
    if (json_error_code(&e) == json_error_null_character) {
        snprintf(
            text, sizeof text,
            "The body has a NUL character (\\u0000), which no text may hold (line %d, column %d)",
            e.line, e.column);
        return refuse(r, text);
    }
    snprintf(text, sizeof text, "The body is not valid JSON: %s (line %d, column %d)", e.text,
             e.line, e.column);
    return refuse(r, text);
}

json_t *api_body(struct api_request *r, const struct api_fields *fields)
{
    char text[200];
    json_t *body;

    if (is_blank(buf_span(&r->body))) {
        if (!fields->wanted)
            return json_object();
        snprintf(text, sizeof text, "The body is empty; send %s", fields->wanted);
        return refuse(r, text);
    }
    body = parse(r);
    if (body && fields->known && !api_fields_known(r, body, fields->known)) {
        json_decref(body);
        return NULL;
    }
    return body;
}
