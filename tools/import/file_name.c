#include "tools/import/file_name.h"

#include <string.h>

static bool begins(struct span s, const char *prefix)
{
    return span_eq_cstr(span_first(s, strlen(prefix)), prefix);
}

static bool ends(struct span s, const char *suffix)
{
    size_t n = strlen(suffix);

    return s.n >= n && span_eq_cstr(span_skip(s, s.n - n), suffix);
}

/* The last place of the separator; false when there is none. */
static bool split_last(struct span s, const char *separator, struct span *ret_left,
                       struct span *ret_right)
{
    size_t n = strlen(separator);

    for (size_t i = s.n; i >= n && i > 0; i--) {
        if (memcmp(s.p + i - n, separator, n) == 0) {
            *ret_left = span_first(s, i - n);
            *ret_right = span_skip(s, i);
            return true;
        }
    }
    return false;
}

/* "user", "user_1", ... and a device number: as in the Signal address "user_1:3". */
static bool device_of(struct span user, struct span device, struct jid *ret)
{
    struct buf text = buf_new(JID_TEXT_MAX);

    buf_append(&text, user);
    buf_u8(&text, ':');
    buf_append(&text, device);
    bool ok = buf_err(&text) == WB_OK && jid_from_signal_address(buf_span(&text), ret) == WB_OK;
    buf_free(&text);
    if (ok)
        *ret = jid_unhosted(*ret);
    return ok && (ret->server == JID_PN || ret->server == JID_LID);
}

static bool read_prekey(struct span id, struct file_name *f)
{
    uint64_t n = 0;

    if (!span_to_u64(id, &n) || n == 0 || n > UINT32_MAX)
        return false;
    f->number = (uint32_t)n;
    return true;
}

static bool read_address(struct span id, struct file_name *f)
{
    struct span user, device;

    return split_last(id, ".", &user, &device) && device_of(user, device, &f->person);
}

static bool read_group(struct span id, struct file_name *f)
{
    return jid_parse(id, &f->group) == WB_OK && f->group.user[0] &&
           (f->group.server == JID_GROUP || f->group.server == JID_BROADCAST);
}

/* <group>::<user>::<device>, which has become <group>--<user>--<device> */
static bool read_sender_key(struct span id, struct file_name *f)
{
    struct span rest, group, user, device;

    return split_last(id, "--", &rest, &device) && split_last(rest, "--", &group, &user) &&
           read_group(group, f) && device_of(user, device, &f->person);
}

static bool read_lid_mapping(struct span id, struct file_name *f)
{
    bool reverse = ends(id, "_reverse");

    if (reverse)
        id.n -= strlen("_reverse");
    return jid_make(id, reverse ? JID_LID : JID_PN, 0, &f->person) == WB_OK && f->person.user[0];
}

static bool read_token(struct span id, struct file_name *f)
{
    if (jid_parse(id, &f->person) != WB_OK)
        return false;
    f->person = jid_bare(jid_unhosted(f->person));
    return jid_is_person(&f->person) && f->person.user[0];
}

static bool read_text(struct span id, struct file_name *f)
{
    f->id = id;
    return id.n > 0;
}

static bool read_nothing(struct span id, struct file_name *f)
{
    (void)id;
    (void)f;
    return true;
}

/* A longer prefix stands before a shorter one with which it begins. */
static const struct kind {
    const char *prefix;
    enum file_kind kind;
    bool (*read)(struct span id, struct file_name *f);
} kinds[] = {
    {"lid-mapping-", FILE_LID_MAPPING, read_lid_mapping},
    {"pre-key-", FILE_PREKEY, read_prekey},
    {"identity-key-", FILE_IDENTITY, read_address},
    {"app-state-sync-key-", FILE_APPSTATE_KEY, read_text},
    {"app-state-sync-version-", FILE_APPSTATE_VERSION, read_text},
    {"tctoken-", FILE_TOKEN, read_token},
    {"session-", FILE_SESSION, read_address},
    {"sender-key-memory-", FILE_SENDER_KEY_MEMORY, read_group},
    {"sender-key-", FILE_SENDER_KEY, read_sender_key},
    {"device-list-", FILE_DEVICE_LIST, read_nothing},
};

/* Baileys' list of people who have a token. It is not needed: each token has a file. */
static const char token_index[] = "tctoken-__index.json";

struct file_name file_name_read(const char *text)
{
    struct file_name f;
    struct span name = span_cstr(text);

    memset(&f, 0, sizeof f);
    f.kind = FILE_OTHER;
    if (span_eq_cstr(name, "creds.json")) {
        f.kind = FILE_CREDS;
        return f;
    }
    if (span_eq_cstr(name, token_index)) {
        f.kind = FILE_DEVICE_LIST;
        return f;
    }
    if (!ends(name, ".json"))
        return f;
    name.n -= strlen(".json");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct file_name read = f;

        if (!begins(name, kinds[i].prefix))
            continue;
        read.kind = kinds[i].kind;
        return kinds[i].read(span_skip(name, strlen(kinds[i].prefix)), &read) ? read : f;
    }
    return f;
}

const char *file_kind_word(enum file_kind kind)
{
    static const char *const words[FILE_KIND_COUNT] = {
        [FILE_CREDS] = "identity",
        [FILE_LID_MAPPING] = "LID mappings",
        [FILE_PREKEY] = "prekeys",
        [FILE_IDENTITY] = "identities of peers",
        [FILE_APPSTATE_KEY] = "app state keys",
        [FILE_APPSTATE_VERSION] = "app state collections",
        [FILE_TOKEN] = "privacy tokens",
        [FILE_SESSION] = "sessions",
        [FILE_SENDER_KEY] = "sender keys",
        [FILE_SENDER_KEY_MEMORY] = "lists of who has our sender key",
        [FILE_DEVICE_LIST] = "device lists",
        [FILE_OTHER] = "other files",
    };

    return words[kind];
}
