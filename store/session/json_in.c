#include "store/session/json_in.h"

#include "store/session/limits.h"

void json_in_fail(struct json_in *j, enum wb_err err)
{
    if (j->err == WB_OK)
        j->err = err;
    j->at = j->in.n;
}

static void space(struct json_in *j)
{
    while (j->at < j->in.n) {
        uint8_t c = j->in.p[j->at];

        if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
            break;
        j->at++;
    }
}

/* The next character after white space, 0 at the end. */
static uint8_t peek(struct json_in *j)
{
    space(j);
    return j->at < j->in.n ? j->in.p[j->at] : 0;
}

static bool take(struct json_in *j, char c)
{
    if (peek(j) != (uint8_t)c)
        return false;
    j->at++;
    return true;
}

static void expect(struct json_in *j, char c)
{
    if (!take(j, c))
        json_in_fail(j, WB_ERR_MALFORMED);
}

static bool word(struct json_in *j, const char *text)
{
    size_t n = strlen(text);

    space(j);
    if (j->in.n - j->at < n || memcmp(j->in.p + j->at, text, n) != 0)
        return false;
    j->at += n;
    return true;
}

bool json_in_null(struct json_in *j)
{
    return j->err == WB_OK && word(j, "null");
}

static void down(struct json_in *j, char open)
{
    expect(j, open);
    if (++j->depth > STORE_JSON_DEPTH_MAX)
        json_in_fail(j, WB_ERR_TOO_DEEP);
}

void json_in_object(struct json_in *j)
{
    down(j, '{');
}

void json_in_array(struct json_in *j)
{
    down(j, '[');
}

/* Is there another member? Consumes the comma, or the closing bracket. */
static bool more(struct json_in *j, bool *first, char close)
{
    if (j->err != WB_OK)
        return false;
    if (take(j, close)) {
        j->depth--;
        return false;
    }
    if (!*first)
        expect(j, ',');
    *first = false;
    return j->err == WB_OK;
}

bool json_in_key(struct json_in *j, bool *first, struct span *ret_key)
{
    if (!more(j, first, '}'))
        return false;
    *ret_key = json_in_string(j);
    expect(j, ':');
    return j->err == WB_OK;
}

bool json_in_item(struct json_in *j, bool *first)
{
    return more(j, first, ']');
}

struct span json_in_string(struct json_in *j)
{
    expect(j, '"');
    if (j->err != WB_OK)
        return SPAN_NULL;
    const uint8_t *start = j->in.p + j->at;
    size_t left = j->in.n - j->at;
    for (size_t i = 0; i < left && i <= STORE_JSON_STRING_MAX; i++) {
        if (start[i] == '"') {
            j->at += i + 1;
            return SPAN(start, i);
        }
        if (start[i] == '\\' || start[i] < 0x20)
            break;
    }
    json_in_fail(j, left > STORE_JSON_STRING_MAX ? WB_ERR_TOO_LARGE : WB_ERR_MALFORMED);
    return SPAN_NULL;
}

uint32_t json_in_u32(struct json_in *j)
{
    space(j);
    size_t n = 0;
    while (j->at + n < j->in.n && j->in.p[j->at + n] >= '0' && j->in.p[j->at + n] <= '9')
        n++;
    uint64_t v = 0;
    if (j->err != WB_OK || n == 0 || n > 10 || !span_to_u64(SPAN(j->in.p + j->at, n), &v) ||
        v > UINT32_MAX) {
        json_in_fail(j, WB_ERR_MALFORMED);
        return 0;
    }
    j->at += n;
    return (uint32_t)v;
}

bool json_in_bool(struct json_in *j)
{
    if (j->err == WB_OK && word(j, "true"))
        return true;
    if (j->err == WB_OK && !word(j, "false"))
        json_in_fail(j, WB_ERR_MALFORMED);
    return false;
}

static void skip_string(struct json_in *j)
{
    expect(j, '"');
    while (j->err == WB_OK) {
        if (j->at >= j->in.n) {
            json_in_fail(j, WB_ERR_TRUNCATED);
            return;
        }
        uint8_t c = j->in.p[j->at++];
        if (c == '"')
            return;
        if (c == '\\')
            j->at++;
    }
}

static void skip_plain(struct json_in *j)
{
    size_t start = j->at;

    while (j->at < j->in.n && !strchr(",]} \n\r\t", j->in.p[j->at]))
        j->at++;
    if (j->at == start)
        json_in_fail(j, WB_ERR_MALFORMED);
}

/* Without recursion: a stack of open brackets as deep as the limit allows. */
void json_in_skip(struct json_in *j)
{
    char close[STORE_JSON_DEPTH_MAX + 1];
    bool first[STORE_JSON_DEPTH_MAX + 1];
    size_t n = 0;

    do {
        uint8_t c = peek(j);

        if (c == '{' || c == '[') {
            down(j, (char)c);
            if (j->err != WB_OK)
                return;
            close[n] = c == '{' ? '}' : ']';
            first[n++] = true;
        } else if (c == '"') {
            skip_string(j);
        } else {
            skip_plain(j);
        }
        while (n > 0 && j->err == WB_OK && !more(j, &first[n - 1], close[n - 1]))
            n--;
        if (n > 0 && j->err == WB_OK && close[n - 1] == '}') {
            skip_string(j);
            expect(j, ':');
        }
    } while (n > 0 && j->err == WB_OK);
}

void json_in_end(struct json_in *j)
{
    space(j);
    if (j->err == WB_OK && j->at != j->in.n)
        json_in_fail(j, WB_ERR_TRAILING);
}

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        c = (char)(c | 0x20);
    return c;
}

bool json_in_key_is(struct span key, const char *name)
{
    size_t n = strlen(name);

    if (key.n != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (lower((char)key.p[i]) != lower(name[i]))
            return false;
    }
    return true;
}
