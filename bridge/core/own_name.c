#include "bridge/core/own_name.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "bridge/core/context.h"
#include "store/core/meta.h"
#include "store/session/account.h"

/* "<source> <name>": the source belongs to this name only. If the file has another name by now,
 * another program has written that one. */
enum { NOTE_BYTES = STORE_NAME_MAX + 16 };

static const char *const words[] = {
    [OWN_NAME_NOTIFY] = "notify", [OWN_NAME_BUSINESS] = "business", [OWN_NAME_HISTORY] = "history",
    [OWN_NAME_PHONE] = "phone",   [OWN_NAME_SETTING] = "setting",
};

static struct span note_of(enum own_name_source source, const char *name, char out[NOTE_BYTES])
{
    int n = snprintf(out, NOTE_BYTES, "%s %s", words[source], name);

    return SPAN(out, (size_t)n);
}

/* Reads the stored name and its source. */
static enum wb_err stored(struct bridge *b, char ret_name[static STORE_NAME_MAX + 1],
                          enum own_name_source *ret_source)
{
    struct buf note = buf_new(STORE_META_MAX);
    char candidate[NOTE_BYTES];
    enum own_name_source source = OWN_NAME_UNKNOWN;
    enum wb_err err;

    TRY(store_account_push_name_get(b->store, ret_name));
    err = store_meta_get(b->store, STORE_META_OWN_NAME, &note);
    if (err != WB_OK && err != WB_ERR_NOT_FOUND)
        goto out;
    if (ret_name[0])
        source = OWN_NAME_PHONE;
    for (enum own_name_source s = OWN_NAME_NOTIFY; err == WB_OK && s < OWN_NAME_PHONE; s++)
        if (span_eq(buf_span(&note), note_of(s, ret_name, candidate)))
            source = s;
    *ret_source = source;
    err = WB_OK;
out:
    buf_free(&note);
    return err;
}

/* Bytes of a character that shows nothing: a control (C0, DEL, C1), a mark that turns the direction
 * of writing, a byte order mark. 0: it is none of these. */
static size_t invisible(struct span s)
{
    const uint8_t *p = s.p;

    if (p[0] < ' ' || p[0] == 0x7f)
        return 1;
    if (s.n >= 2 && p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
        return 2;
    if (s.n < 3)
        return 0;
    if (p[0] == 0xe2 && p[1] == 0x80 &&
        (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae)))
        return 3;
    if (p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)
        return 3;
    return p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf ? 3 : 0;
}

/* The name without invisible characters and without spaces around it, cut at a character. False:
 * nothing is left that others would see ('@' may not be in a name, P-LG-13), or the name is "-",
 * which means "no name". */
static bool usable(struct span name, char out[static STORE_NAME_MAX + 1])
{
    size_t n = 0, skip;

    if (!utf8_valid(name))
        return false;
    name = utf8_first(name, STORE_NAME_MAX);
    while (name.n) {
        skip = invisible(name);
        if (!skip && (n > 0 || name.p[0] != ' '))
            out[n++] = (char)name.p[0];
        name = span_skip(name, skip ? skip : 1);
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
    return strcmp(out, "-") != 0 && strspn(out, "@ ") < n;
}

enum wb_err own_name_learned(struct bridge *b, struct span name, enum own_name_source source)
{
    char before[STORE_NAME_MAX + 1] = "", now[STORE_NAME_MAX + 1] = "", note[NOTE_BYTES];
    enum own_name_source known;
    enum wb_err err;

    if (!name.n || !usable(name, now))
        return WB_OK;
    err = stored(b, before, &known);
    if (err == WB_ERR_NOT_FOUND || err == WB_ERR_STATE)
        return WB_OK; /* nobody is linked */
    TRY(err);
    if (source < known || (source == known && strcmp(now, before) == 0))
        return WB_OK;
    TRY(store_meta_put(b->store, STORE_META_OWN_NAME, note_of(source, now, note)));
    if (strcmp(now, before) != 0) {
        TRY(store_account_push_name_set(b->store, now));
        b->own_name_changed = true;
        log_info(b->log, "people", "our own name is known now, from: %s", words[source]);
    }
out:
    return err;
}

enum own_name_source own_name_get(struct bridge *b, char ret_name[static STORE_NAME_MAX + 1])
{
    enum own_name_source source = OWN_NAME_UNKNOWN;
    const char *set = b->config->push_name;

    ret_name[0] = '\0';
    if (set && set[0]) {
        struct span name = utf8_first(span_cstr(set), STORE_NAME_MAX);

        memcpy(ret_name, name.p, name.n);
        ret_name[name.n] = '\0';
        return OWN_NAME_SETTING;
    }
    if (jid_is_none(&b->own_pn) || stored(b, ret_name, &source) != WB_OK) {
        ret_name[0] = '\0';
        return OWN_NAME_UNKNOWN;
    }
    return source;
}
