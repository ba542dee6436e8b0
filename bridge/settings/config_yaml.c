/* Settings of the YAML file: one mapping of plain values, and the list of monitored groups. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/plain_file.h"
#include "bridge/settings/config_private.h"
#include "bridge/settings/limits.h"

struct yaml_file {
    struct config *c;
    const char *path;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    bool have_event;
    uint64_t seen; /* a bit for each setting that was read, to find doubles */
    struct buf *problem;
};

static unsigned long line_of(const struct yaml_file *y)
{
    return (unsigned long)y->event.start_mark.line + 1;
}

static bool complain(struct yaml_file *y, const char *key, const char *what)
{
    buf_printf(y->problem, "%s:%lu: %s%s%s\n", y->path, line_of(y), key ? key : "", key ? ": " : "",
               what);
    return false;
}

static bool next(struct yaml_file *y)
{
    if (y->have_event)
        yaml_event_delete(&y->event);
    y->have_event = false;
    if (!yaml_parser_parse(&y->parser, &y->event)) {
        buf_printf(y->problem, "%s:%lu: %s\n", y->path,
                   (unsigned long)y->parser.problem_mark.line + 1,
                   y->parser.problem ? y->parser.problem : "no YAML");
        return false;
    }
    y->have_event = true;
    return true;
}

/* The current event as text; NULL when it is no plain value. Lives until the next event. */
static const char *scalar(const struct yaml_file *y)
{
    return y->event.type == YAML_SCALAR_EVENT ? (const char *)y->event.data.scalar.value : NULL;
}

/* {jid: ..., name: ...}; the mapping's start is the current event. */
static bool read_group(struct yaml_file *y)
{
    char jid[JID_TEXT_MAX] = "";
    char name[256] = "";
    char source[PATH_MAX + 64];

    snprintf(source, sizeof source, "%s:%lu: monitored_groups", y->path, line_of(y));
    if (y->event.type != YAML_MAPPING_START_EVENT)
        return complain(y, "monitored_groups", "each entry is {jid: ..., name: ...}");
    for (;;) {
        bool is_jid;

        if (!next(y))
            return false;
        if (y->event.type == YAML_MAPPING_END_EVENT)
            return config_add_group(y->c, jid, name, source, y->problem);
        if (!scalar(y) || (strcmp(scalar(y), "jid") != 0 && strcmp(scalar(y), "name") != 0))
            return complain(y, scalar(y) ? scalar(y) : "monitored_groups",
                            "an entry has jid and name, nothing else");
        is_jid = scalar(y)[0] == 'j';
        if (!next(y))
            return false;
        if (!scalar(y) || strlen(scalar(y)) >= (is_jid ? sizeof jid : sizeof name))
            return complain(y, "monitored_groups", "a text of sensible length is wanted");
        snprintf(is_jid ? jid : name, is_jid ? sizeof jid : sizeof name, "%s", scalar(y));
    }
}

static bool read_groups(struct yaml_file *y)
{
    if (y->event.type == YAML_SCALAR_EVENT && !scalar(y)[0])
        return true; /* "monitored_groups:" with nothing behind it */
    if (y->event.type != YAML_SEQUENCE_START_EVENT)
        return complain(y, "monitored_groups", "a list of {jid: ..., name: ...} is wanted");
    config_clear_groups(y->c);
    for (;;) {
        if (!next(y))
            return false;
        if (y->event.type == YAML_SEQUENCE_END_EVENT)
            return true;
        if (!read_group(y))
            return false;
    }
}

static const struct setting *find(const char *key)
{
    for (size_t i = 0; i < config_nsettings; i++)
        if (config_settings[i].yaml[0] && strcmp(config_settings[i].yaml, key) == 0)
            return &config_settings[i];
    return NULL;
}

/* The key is the current event. A bad value does not end the reading, so that one run names all
 * bad values. */
static bool read_setting(struct yaml_file *y, bool *ret_bad)
{
    char key[64];
    char source[PATH_MAX + 128];
    const struct setting *s;
    size_t index;

    if (!scalar(y) || strlen(scalar(y)) >= sizeof key)
        return complain(y, NULL, "a setting's name is wanted");
    snprintf(key, sizeof key, "%s", scalar(y));
    s = find(key);
    if (!s)
        return complain(y, key, "no such setting (see --help)");
    index = (size_t)(s - config_settings);
    if (index < 64 && (y->seen >> index & 1) != 0)
        return complain(y, key, "given twice");
    y->seen |= index < 64 ? UINT64_C(1) << index : 0;
    snprintf(source, sizeof source, "%s:%lu: %s", y->path, line_of(y), key);
    if (!next(y))
        return false;
    if (strcmp(key, "monitored_groups") == 0)
        return read_groups(y);
    if (!scalar(y))
        return complain(y, key, "one plain value is wanted");
    if (!config_set(y->c, s, scalar(y), source, y->problem))
        *ret_bad = true;
    return true;
}

/* A second document is an error, because nothing of it would be used. */
static bool ends_here(struct yaml_file *y)
{
    if (!next(y) || !next(y)) /* the end of the document, of the file */
        return false;
    return y->event.type == YAML_STREAM_END_EVENT || complain(y, NULL, "only one document is read");
}

static bool read_document(struct yaml_file *y)
{
    bool bad = false;

    if (!next(y) || !next(y))
        return false; /* stream start, document start or stream end */
    if (y->event.type == YAML_STREAM_END_EVENT)
        return true;
    if (!next(y))
        return false;
    if (y->event.type == YAML_SCALAR_EVENT && !scalar(y)[0])
        return true;
    if (y->event.type != YAML_MAPPING_START_EVENT)
        return complain(y, NULL, "'name: value' lines are wanted");
    for (;;) {
        if (!next(y))
            return false;
        if (y->event.type == YAML_MAPPING_END_EVENT)
            return ends_here(y) && !bad;
        if (!read_setting(y, &bad))
            return false;
    }
}

static bool read_file(const char *path, struct buf *text, struct buf *problem)
{
    enum wb_err err = plain_read(path, 0, text);

    if (err == WB_ERR_TOO_LARGE)
        buf_printf(problem, "%s: over %d bytes\n", path, CONFIG_FILE_BYTES_MAX);
    else if (err != WB_OK)
        buf_printf(problem, "%s: %s\n", path, plain_error_text(err));
    return err == WB_OK;
}

bool config_read_yaml(struct config *c, const char *path, struct buf *problem)
{
    struct yaml_file y = {.c = c, .path = path, .problem = problem};
    struct buf text = buf_new(CONFIG_FILE_BYTES_MAX);
    bool ok = read_file(path, &text, problem);

    if (ok && yaml_parser_initialize(&y.parser)) {
        yaml_parser_set_input_string(&y.parser, text.p ? text.p : (const uint8_t *)"", text.n);
        ok = read_document(&y);
        if (y.have_event)
            yaml_event_delete(&y.event);
        yaml_parser_delete(&y.parser);
    } else {
        ok = false;
    }
    buf_free(&text);
    return ok;
}
