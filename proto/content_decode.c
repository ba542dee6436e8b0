#include "proto/content.h"
#include "proto/content_slots.h"
#include "proto/limits.h"
#include "proto/wire_field.h"

enum { UNKNOWN_FIELDS_MAX = 16, WRAPPER_NONE = -1 };

const char *content_kind_word(enum content_kind k)
{
    switch (k) {
#define X(name, word)                                                                              \
    case CONTENT_##name:                                                                           \
        return word;
        CONTENT_KIND_LIST(X)
#undef X
    case CONTENT_KIND_COUNT:
    default:
        return "unknown";
    }
}

/* Messages that hold another Message, in the order in which they are searched (P-RC-18; then the
 * newer ones that only decorate their content). All but deviceSent hold it in field 1. */
static const uint32_t wrappers[] = {
    MSG_DEVICE_SENT, 67, 40, 37, 55, 59, 74, MSG_DOCUMENT_WITH_CAPTION, MSG_EDITED,
    /* group mention, event cover, status mention, poll option image, album child, group status
     * mention, poll v4, add yours, group status, limit sharing, bot task, question, group status
     * v2, bot forward, question reply, newsletter profile, spoiler, newsletter status, bot
     * registration */
    62, 85, 87, 90, 91, 92, 93, 95, 96, 99, 100, 101, 103, 104, 106, 116, 118, 126, 131};

/* Keys for groups and roots: nothing to show, and not for us to use. */
static bool is_silent(uint32_t number)
{
    return number == 15 || number == 123 || number == 127;
}

static int wrapper_rank(uint32_t number)
{
    for (size_t i = 0; i < sizeof wrappers / sizeof wrappers[0]; i++)
        if (wrappers[i] == number)
            return (int)i;
    return WRAPPER_NONE;
}

/* One level of nesting, before its content is read. */
struct level {
    const struct content_row *row;
    struct span body; /* of row */
    int wrapper;      /* rank, or WRAPPER_NONE */
    struct span wrapped;
};

static enum wb_err note_unknown(uint32_t number, struct arena *a, struct content *c)
{
    uint32_t *list = (uint32_t *)(uintptr_t)c->unknown_fields; /* not const: the list is made
                                                                * below */

    if (!list) {
        list = arena_alloc(a, UNKNOWN_FIELDS_MAX * sizeof *list);
        if (!list)
            return WB_ERR_TOO_LARGE;
        c->unknown_fields = list;
    }
    if (c->nunknown < UNKNOWN_FIELDS_MAX)
        list[c->nunknown++] = number;
    return WB_OK;
}

/* The outermost of several counts, for secrets (P-RC-17) as for sender keys. */
static enum wb_err take_carried(const struct wire_field *f, struct content *c)
{
    struct content part = {0};
    enum wb_err err;

    if (f->number == MSG_SKDM) {
        TRY(wire_map_read(content_skdm_slots, f->bytes, &part));
        if (span_is_null(c->skdm)) {
            c->skdm_group = part.skdm_group;
            c->skdm = part.skdm;
        }
        return WB_OK;
    }
    TRY(wire_map_read(content_secret_slots, f->bytes, &part));
    if (span_is_null(c->secret))
        c->secret = part.secret;
    if (!c->association_type) {
        c->association_type = part.association_type;
        c->association = part.association;
    }
out:
    return err;
}

static enum wb_err read_level(struct span message, struct arena *a, struct content *c,
                              struct level *ret_l)
{
    struct level l = {NULL, SPAN_NULL, WRAPPER_NONE, SPAN_NULL};
    struct wire_field f;
    enum wb_err err = WB_OK;

    while (message.n) {
        const struct content_row *row;
        int rank;

        TRY(wire_next(&message, &f));
        if (f.type != WIRE_BYTES)
            continue;
        if (is_silent(f.number)) {
            c->carries = true;
            continue;
        }
        row = content_row_of(f.number);
        rank = wrapper_rank(f.number);
        if (f.number == MSG_SKDM || f.number == MSG_CONTEXT_INFO) {
            TRY(take_carried(&f, c));
            c->carries = true;
        } else if (rank != WRAPPER_NONE) {
            if (l.wrapper == WRAPPER_NONE || rank <= l.wrapper) {
                l.wrapper = rank;
                l.wrapped = f.bytes;
            }
        } else if (!row) {
            TRY(note_unknown(f.number, a, c));
        } else if (!l.row || l.row == row) {
            l.row = row;
            l.body = f.bytes;
        }
    }
    *ret_l = l;
out:
    return err;
}

/* Steps into a wrapper. *ret_inner is null when the wrapper is empty. */
static enum wb_err unwrap(const struct level *l, struct content *c, struct span *ret_inner)
{
    uint32_t number = wrappers[l->wrapper];
    struct span inner = SPAN_NULL;
    struct content part = {0};
    enum wb_err err;

    if (number == MSG_DEVICE_SENT) {
        TRY(wire_map_read(content_device_sent_slots, l->wrapped, &part));
        c->device_sent = true;
        c->destination = part.destination;
        *ret_inner = part.message;
        return WB_OK;
    }
    err = wire_find(l->wrapped, 1, &inner);
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
    TRY(err);
    c->ephemeral |= number == 40;
    c->view_once |= number == 37 || number == 55 || number == 59;
    c->edited |= number == MSG_EDITED;
    *ret_inner = inner;
out:
    return err;
}

static enum wb_err read_context(const struct content_row *row, struct span body, struct arena *a,
                                struct content *c)
{
    struct span context = SPAN_NULL;
    enum wb_err err = WB_ERR_NOT_FOUND;

    if (row->context)
        err = wire_find(body, row->context, &context);
    if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    TRY(err);
    TRY(wire_map_read(content_context_slots, context, &c->context));
    TRY(wire_collect(context, CONTEXT_MENTIONED, a, &c->context.mentioned, &c->context.nmentioned));
    c->context.present = true;
out:
    return err;
}

/* Reads from each part its field `text`, which may lie in a sub-message numbered `in` (0:
 * directly); "" where the field is absent. */
static enum wb_err read_texts(const struct span *parts, size_t n, uint32_t in, uint32_t text,
                              struct span *ret)
{
    enum wb_err err = WB_OK;

    for (size_t i = 0; i < n; i++) {
        struct span part = parts[i];

        err = in ? wire_find(part, in, &part) : WB_OK;
        if (err == WB_OK)
            err = wire_find(part, text, &ret[i]);
        if (err == WB_ERR_NOT_FOUND) {
            ret[i] = SPAN_LIT("");
            err = WB_OK;
        }
        TRY(err);
    }
out:
    return err;
}

static enum wb_err new_options(size_t n, struct arena *a, struct content *c, struct span **ret)
{
    struct span *options = n ? arena_alloc(a, n * sizeof *options) : NULL;

    if (n && !options)
        return WB_ERR_TOO_LARGE;
    c->options = options;
    c->noptions = n;
    *ret = options;
    return WB_OK;
}

/* Reads the texts of the messages numbered `list`. */
static enum wb_err read_options(struct span body, uint32_t list, uint32_t in, uint32_t text,
                                struct arena *a, struct content *c)
{
    const struct span *parts = NULL;
    struct span *options;
    size_t n = 0;
    enum wb_err err;

    TRY(wire_collect(body, list, a, &parts, &n));
    TRY(new_options(n, a, c, &options));
    TRY(read_texts(parts, n, in, text, options));
out:
    return err;
}

/* Reads the titles of all rows of all sections of a list. */
static enum wb_err read_list_rows(struct span body, struct arena *a, struct content *c)
{
    struct rows {
        const struct span *parts;
        size_t n;
    } * rows;
    const struct span *sections = NULL;
    struct span *options;
    size_t n = 0;
    size_t total = 0;
    enum wb_err err;

    TRY(wire_collect(body, 5, a, &sections, &n));
    rows = arena_alloc(a, (n + 1) * sizeof *rows);
    if (!rows)
        return WB_ERR_TOO_LARGE;
    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct rows){NULL, 0};
        TRY(wire_collect(sections[i], 2, a, &rows[i].parts, &rows[i].n));
        total += rows[i].n;
    }
    TRY(new_options(total, a, c, &options));
    for (size_t i = 0; i < n; i++) {
        TRY(read_texts(rows[i].parts, rows[i].n, 0, 1, options));
        options += rows[i].n;
    }
out:
    return err;
}

static enum wb_err read_contacts(const struct content_row *row, struct span body, struct arena *a,
                                 struct content *c)
{
    static const struct wire_slot card[] = {
        {1, SLOT_SPAN, offsetof(struct content_contact, name), NULL},
        {16, SLOT_SPAN, offsetof(struct content_contact, vcard), NULL},
        {0, SLOT_SPAN, 0, NULL},
    };
    const struct span *parts = &body;
    struct content_contact *contacts;
    size_t n = 1;
    enum wb_err err;

    if (row->kind == CONTENT_CONTACTS)
        TRY(wire_collect(body, 2, a, &parts, &n));
    contacts = arena_alloc(a, n * sizeof *contacts);
    if (!contacts)
        return WB_ERR_TOO_LARGE;
    err = WB_OK;
    for (size_t i = 0; i < n; i++)
        TRY(wire_map_read(card, parts[i], &contacts[i]));
    c->contacts = contacts;
    c->ncontacts = n;
out:
    return err;
}

static enum wb_err decode_message(struct span message, struct arena *a, unsigned depth,
                                  struct content *ret);

static enum wb_err read_inner(struct span message, struct arena *a, unsigned depth,
                              struct content *c)
{
    struct content *inner;
    enum wb_err err;

    inner = ARENA_NEW(a, struct content);
    if (!inner)
        return WB_ERR_TOO_LARGE;
    TRY(decode_message(message, a, depth + 1, inner));
    c->inner = inner;
out:
    return err;
}

/* The sub-message that belongs to each protocol type. */
static const struct {
    int32_t type;
    uint32_t field;
} protocol_parts[] = {{5, 6}, {6, 7}, {7, 8}, {16, 16}, {17, 17}, {22, 23}};

static enum wb_err read_protocol(struct span body, struct arena *a, unsigned depth,
                                 struct content *c)
{
    bool typed = c->protocol_type >= 0;
    struct span edited = SPAN_NULL;
    enum wb_err err;

    for (size_t i = 0; i < sizeof protocol_parts / sizeof protocol_parts[0]; i++) {
        if (typed && c->protocol_type != protocol_parts[i].type)
            continue;
        err = wire_find(body, protocol_parts[i].field, &c->protocol_payload);
        /* Some writers leave the type out: then the sub-message that is there tells it. */
        if (err == WB_OK)
            c->protocol_type = protocol_parts[i].type;
        if (err != WB_ERR_NOT_FOUND)
            return err;
    }
    /* Revoke is the enum's default, but a revoke without a key would take nothing back. */
    if (c->protocol_type < 0 && c->key.id.n)
        c->protocol_type = 0;
    if (c->protocol_type == 0)
        c->kind = CONTENT_REVOKE;
    if (c->protocol_type == 3)
        c->kind = CONTENT_EPHEMERAL_SETTING;
    if (c->protocol_type != 14)
        return WB_OK;
    c->kind = CONTENT_EDIT;
    err = wire_find(body, 14, &edited);
    if (err == WB_ERR_NOT_FOUND)
        return WB_OK;
    TRY(err);
    TRY(read_inner(edited, a, depth, c));
out:
    return err;
}

static enum wb_err read_album(struct span body, struct content *c)
{
    static const struct wire_slot counts[] = {
        {2, SLOT_U32, 0, NULL}, {3, SLOT_U32, sizeof(uint32_t), NULL}, {0, SLOT_SPAN, 0, NULL}};
    uint32_t n[2] = {0, 0}; /* images, videos */
    enum wb_err err = wire_map_read(counts, body, n);

    if (err == WB_OK)
        c->number = (int64_t)n[0] + n[1];
    return err;
}

/* Reads what a table of slots cannot describe. */
static enum wb_err read_special(const struct content_row *row, struct span body, struct arena *a,
                                unsigned depth, struct content *c)
{
    struct span note = SPAN_NULL;
    enum wb_err err = WB_OK;

    switch ((int)row->kind) {
    case CONTENT_IMAGE:
    case CONTENT_VIDEO:
    case CONTENT_VIDEO_NOTE:
    case CONTENT_AUDIO:
    case CONTENT_DOCUMENT:
    case CONTENT_STICKER:
        c->media.present = true;
        break;
    case CONTENT_CONTACT:
    case CONTENT_CONTACTS:
        return read_contacts(row, body, a, c);
    case CONTENT_POLL:
        return read_options(body, 3, 0, 1, a, c);
    case CONTENT_POLL_RESULT:
        return read_options(body, 2, 0, 1, a, c);
    case CONTENT_BUTTONS:
        return read_options(body, 9, 2, 1, a, c);
    case CONTENT_LIST:
        return read_list_rows(body, a, c);
    case CONTENT_ALBUM:
        return read_album(body, c);
    case CONTENT_PROTOCOL:
        return read_protocol(body, a, depth, c);
    case CONTENT_COMMENT:
        err = row->number == 77 ? wire_find(body, 1, &note) : WB_ERR_NOT_FOUND;
        break;
    case CONTENT_PAYMENT: /* a payment's note */
        err = row->number == 16   ? wire_find(body, 2, &note)
              : row->number == 22 ? wire_find(body, 4, &note)
                                  : WB_ERR_NOT_FOUND;
        break;
    default:
        break;
    }
    if (err == WB_ERR_NOT_FOUND)
        err = WB_OK;
    TRY(err);
    if (!span_is_null(note))
        TRY(read_inner(note, a, depth, c));
out:
    return err;
}

static enum wb_err read_row(const struct content_row *row, struct span body, struct arena *a,
                            unsigned depth, struct content *c)
{
    bool view_once = c->view_once;
    enum wb_err err;

    c->kind = row->kind;
    if (row->kind == CONTENT_TEXT) {
        c->text = body;
        return WB_OK;
    }
    TRY(wire_map_read(row->slots, body, c));
    c->view_once |= view_once; /* a file's own flag does not undo its wrapper */
    TRY(read_context(row, body, a, c));
    TRY(read_special(row, body, a, depth, c));
out:
    return err;
}

static enum wb_err decode_message(struct span message, struct arena *a, unsigned depth,
                                  struct content *ret)
{
    struct content c = {.protocol_type = -1};
    struct level l;
    enum wb_err err;

    if (depth > CONTENT_INNER_MAX)
        return WB_ERR_TOO_DEEP;
    for (unsigned wraps = 0;; wraps++) {
        struct span inner = SPAN_NULL;

        if (wraps > CONTENT_WRAP_MAX)
            return WB_ERR_TOO_DEEP;
        TRY(read_level(message, a, &c, &l));
        if (l.wrapper == WRAPPER_NONE)
            break;
        TRY(unwrap(&l, &c, &inner));
        if (span_is_null(inner)) {
            /* An empty wrapper is content of a kind of its own. */
            if (!l.row)
                TRY(note_unknown(wrappers[l.wrapper], a, &c));
            break;
        }
        message = inner;
    }
    c.message = message;
    if (l.row)
        TRY(read_row(l.row, l.body, a, depth, &c));
    else if (c.nunknown)
        c.kind = CONTENT_UNKNOWN;
    *ret = c;
out:
    return err;
}

enum wb_err content_decode(struct span plain, struct arena *a, struct content *ret)
{
    size_t max = a->max;
    enum wb_err err;

    if (plain.n > MESSAGE_PLAINTEXT_MAX)
        return WB_ERR_TOO_LARGE;
    /* Content has a limit of its own: the rest of a stanza's arena is kept for the answer. */
    if (max > a->used && max - a->used > CONTENT_ARENA_MAX)
        a->max = a->used + CONTENT_ARENA_MAX;
    err = decode_message(plain, a, 0, ret);
    a->max = max;
    return err;
}
