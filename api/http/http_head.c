#include "api/http/http_head.h"

#include <string.h>
#include <strings.h>

/* ---- where the head ends ---- */

size_t http_head_length(struct http_head_scan *s, struct span in)
{
    while (s->at < in.n) {
        uint8_t c = in.p[s->at++];

        if (c == '\n') {
            if (s->begun && s->line == 0)
                return s->at;
            s->line = 0;
        } else if (c != '\r') {
            s->line++;
            s->begun = true;
        }
    }
    return 0;
}

/* The characters of methods and header names (RFC 9110, 5.6.2). */
static bool is_token_char(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_token_char(s.p[i]))
            return false;
    return s.n > 0;
}

bool http_head_possible(struct span in)
{
    size_t i = 0;

    while (i < in.n && (in.p[i] == '\r' || in.p[i] == '\n'))
        i++;
    while (i < in.n && is_token_char(in.p[i]))
        i++;
    return i == in.n || in.p[i] == ' ';
}

/* ---- lines ---- */

/* Takes the next line without its end, which is CRLF or LF alone; false: there is no line. */
static bool take_line(struct span *rest, struct span *ret_line)
{
    const uint8_t *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    size_t n;

    if (!end)
        return false;
    n = (size_t)(end - rest->p);
    *ret_line = SPAN(rest->p, n > 0 && rest->p[n - 1] == '\r' ? n - 1 : n);
    *rest = span_skip(*rest, n + 1);
    return true;
}

static bool is_control(uint8_t c)
{
    return (c < 0x20 && c != '\t') || c == 0x7F;
}

static bool has_control(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (is_control(s.p[i]))
            return true;
    return false;
}

static struct span trimmed(struct span s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = span_skip(s, 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static bool is_word(struct span s, const char *word)
{
    return s.n == strlen(word) && strncasecmp((const char *)s.p, word, s.n) == 0;
}

/* ---- the request line ---- */

/* Takes "/path?query", or "http://host/path?query" as sent to a proxy (RFC 9112, 3.2.2). */
static bool take_target(struct span target, struct http_head *h)
{
    static const char scheme[] = "http://";
    const size_t n = sizeof scheme - 1;
    const uint8_t *mark;

    if (target.n > n && strncasecmp((const char *)target.p, scheme, n) == 0) {
        target = span_skip(target, n);
        mark = memchr(target.p, '/', target.n);
        if (!mark || mark == target.p)
            return false;
        h->host = SPAN(target.p, (size_t)(mark - target.p));
        target = span_skip(target, h->host.n);
    }
    if (target.n == 0 || target.p[0] != '/')
        return false;
    mark = memchr(target.p, '?', target.n);
    h->path = mark ? SPAN(target.p, (size_t)(mark - target.p)) : target;
    h->query = mark ? span_skip(target, h->path.n + 1) : SPAN(target.p, 0);
    return true;
}

/* NULL, or a sentence about what is wrong. */
static const char *take_request_line(struct span line, struct http_head *h)
{
    const uint8_t *space = memchr(line.p, ' ', line.n);
    struct span rest, version;

    if (!space)
        return "The request line is not 'METHOD /path HTTP/1.1'";
    h->method = SPAN(line.p, (size_t)(space - line.p));
    rest = span_skip(line, h->method.n + 1);
    space = rest.n ? memchr(rest.p, ' ', rest.n) : NULL;
    if (!is_token(h->method) || !space || has_control(rest))
        return "The request line is not 'METHOD /path HTTP/1.1'";
    version = span_skip(rest, (size_t)(space - rest.p) + 1);
    rest.n = (size_t)(space - rest.p);
    if (version.n != 8 || memcmp(version.p, "HTTP/1.", 7) != 0 || version.p[7] < '0' ||
        version.p[7] > '9')
        return "Only HTTP/1.1 and HTTP/1.0 are spoken here";
    h->may_have_interim = version.p[7] != '0';
    return take_target(rest, h)
               ? NULL
               : "The target of a request is a path, '/health' for example, or an http:// address";
}

/* ---- headers ---- */

/* For headers that may be there once: two of them mean different things to different readers. */
static const char *put_once(struct span *field, struct span value, const char *problem)
{
    if (!span_is_null(*field) && !span_eq(*field, value))
        return problem;
    *field = value;
    return NULL;
}

static void put_first(struct span *field, struct span value)
{
    if (span_is_null(*field))
        *field = value;
}

static const char *take_header(struct span line, struct http_head *h, struct span *host)
{
    const uint8_t *colon = memchr(line.p, ':', line.n);
    struct span name, value;

    if (!colon)
        return "A header is not 'Name: value'";
    name = SPAN(line.p, (size_t)(colon - line.p));
    value = trimmed(span_skip(line, name.n + 1));
    if (!is_token(name) || has_control(value))
        return "A header is not 'Name: value'";
    if (is_word(name, "host"))
        return put_once(host, value, "The Host header is there twice");
    if (is_word(name, "origin"))
        return put_once(&h->origin, value, "The Origin header is there twice");
    if (is_word(name, "authorization"))
        return put_once(&h->authorization, value, "The Authorization header is there twice");
    if (is_word(name, "idempotency-key"))
        return put_once(&h->idempotency_key, value, "The Idempotency-Key header is there twice");
    if (is_word(name, "content-length"))
        return put_once(&h->content_length, value, "The Content-Length is there twice");
    if (is_word(name, "transfer-encoding"))
        return put_once(&h->transfer_encoding, value, "The Transfer-Encoding is there twice");
    if (is_word(name, "content-type"))
        put_first(&h->content_type, value);
    if (is_word(name, "expect"))
        put_first(&h->expect, value);
    return NULL;
}

enum wb_err http_head_parse(struct span head, struct http_head *ret, const char **ret_problem)
{
    struct http_head h = {0};
    struct span line = {0}, host = SPAN_NULL;
    const char *problem = NULL;

    while (take_line(&head, &line) && line.n == 0)
        ; /* empty lines before the request line: a slip of clients that is as old as the
           * protocol */
    problem = line.n ? take_request_line(line, &h) : "There is no request line";
    while (!problem && take_line(&head, &line) && line.n > 0)
        problem = take_header(line, &h, &host);
    if (problem) {
        *ret_problem = problem;
        return WB_ERR_MALFORMED;
    }
    put_first(&h.host, host);
    *ret = h;
    return WB_OK;
}

/* ---- %XX ---- */

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next character of an escaped text; -1: a bad escape, or NUL. */
static int take_char(struct span *s, bool plus_is_space)
{
    uint8_t c = s->p[0];
    int high, low;

    if (c != '%') {
        *s = span_skip(*s, 1);
        return c == '+' && plus_is_space ? ' ' : c ? c : -1;
    }
    if (s->n < 3)
        return -1;
    high = hex_value(s->p[1]);
    low = hex_value(s->p[2]);
    *s = span_skip(*s, 3);
    return high < 0 || low < 0 || (high | low) == 0 ? -1 : high << 4 | low;
}

bool http_path_decode(struct span path, char *out, size_t room)
{
    size_t at = 0;

    while (path.n > 0) {
        int c = take_char(&path, false);

        if (c < 0 || at + 1 >= room)
            return false;
        out[at++] = (char)c;
    }
    out[at] = '\0';
    return true;
}

bool http_query_decode(struct span query, char *out, size_t room)
{
    size_t at = 0;
    bool open = false; /* a part that has begun */

    while (query.n > 0) {
        bool cut = query.p[0] == '&';
        int c = cut ? 0 : take_char(&query, true);

        if (cut)
            query = span_skip(query, 1);
        if (cut && !open)
            continue;
        /* Room for this character, the part's NUL and the empty part at the end. */
        if (c < 0 || at + 3 > room)
            return false;
        out[at++] = (char)c;
        open = !cut;
    }
    if (open)
        out[at++] = '\0';
    out[at] = '\0';
    return true;
}
