/* vectors.c - see vectors.h. */
#include "tests/vectors/vectors.h"

void vec_open(struct vec_file *v, const char *name)
{
    memset(v, 0, sizeof *v);
    snprintf(v->path, sizeof v->path, "%s/tests/vectors/%s", WB_SOURCE_DIR, name);
    v->f = fopen(v->path, "r");
    if (!v->f)
        fail_msg("cannot open %s", v->path);
}

static void vec_parse_value(struct vec_file *v, struct vec_field *f, const char *value)
{
    size_t length = strlen(value);

    if (value[0] == '%') {
        f->number = strtoull(value + 1, NULL, 10);
    } else if (value[0] == '"') {
        if (length < 2 || value[length - 1] != '"')
            fail_msg("%s:%d: text without its closing quote", v->path, v->line);
        f->n = length - 2;
        memcpy(f->bytes, value + 1, f->n);
    } else if (hex_decode(SPAN(value, length), f->bytes, sizeof f->bytes, &f->n) != WB_OK) {
        fail_msg("%s:%d: not hex", v->path, v->line);
    }
}

bool vec_next(struct vec_file *v)
{
    char text[VEC_LINE_MAX];

    v->nfields = 0;
    while (fgets(text, sizeof text, v->f)) {
        char *value = strstr(text, " =");
        struct vec_field *f = &v->fields[v->nfields];

        v->line++;
        text[strcspn(text, "\n")] = 0;
        if (text[0] == '#')
            continue;
        if (text[0] == 0) {
            if (v->nfields > 0)
                return true;
            continue;
        }
        if (!value || v->nfields == VEC_FIELDS_MAX)
            fail_msg("%s:%d: not a field", v->path, v->line);
        *value = 0;
        value += 2;
        memset(f, 0, sizeof *f);
        if (strlen(text) >= sizeof f->name)
            fail_msg("%s:%d: long field name", v->path, v->line);
        memcpy(f->name, text, strlen(text) + 1);
        f->line = v->line;
        vec_parse_value(v, f, value + (*value == ' '));
        v->nfields++;
    }
    if (v->nfields > 0)
        return true;
    fclose(v->f);
    v->f = NULL;
    return false;
}

static const struct vec_field *vec_field(const struct vec_file *v, const char *name)
{
    for (int i = 0; i < v->nfields; i++)
        if (strcmp(v->fields[i].name, name) == 0)
            return &v->fields[i];
    return NULL;
}

bool vec_has(const struct vec_file *v, const char *name)
{
    return vec_field(v, name) != NULL;
}

struct span vec_span(const struct vec_file *v, const char *name)
{
    const struct vec_field *f = vec_field(v, name);

    if (!f)
        fail_msg("%s: the record before line %d has no %s", v->path, v->line, name);
    return SPAN(f->bytes, f->n);
}

const uint8_t *vec_bytes(const struct vec_file *v, const char *name, size_t n)
{
    struct span s = vec_span(v, name);

    if (s.n != n)
        fail_msg("%s:%d: %s has %zu bytes, not %zu", v->path, vec_field(v, name)->line, name, s.n,
                 n);
    return s.p;
}

unsigned long long vec_number(const struct vec_file *v, const char *name)
{
    (void)vec_span(v, name);
    return vec_field(v, name)->number;
}

void vec_check(const struct vec_file *v, const char *name, struct span got)
{
    struct span want = vec_span(v, name);

    if (span_eq(want, got))
        return;
    printf("%s:%d: %s differs, got ", v->path, vec_field(v, name)->line, name);
    for (size_t i = 0; i < got.n; i++)
        printf("%02x", got.p[i]);
    printf("\n");
    fail_msg("%s:%d: %s", v->path, vec_field(v, name)->line, name);
}
