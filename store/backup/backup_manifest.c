#include "store/backup/backup_manifest.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

enum { NAME_TIME_CHARS = 16 }; /* "20261121T150000Z" */

static const char reason_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

/* ---- names ---- */

static bool reason_valid(const char *reason)
{
    size_t n = strlen(reason);

    return n > 0 && n <= BACKUP_REASON_MAX && strspn(reason, reason_letters) == n &&
           reason[0] != '-';
}

enum wb_err backup_name(int64_t unix_s, const char *reason, char ret_name[BACKUP_NAME_MAX + 1])
{
    char when[32];
    struct tm tm;
    time_t t = (time_t)unix_s;

    if (!reason_valid(reason) || !gmtime_r(&t, &tm) ||
        strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &tm) != NAME_TIME_CHARS)
        return WB_ERR_INVALID;
    memcpy(ret_name, when, NAME_TIME_CHARS);
    ret_name[NAME_TIME_CHARS] = '-';
    memcpy(ret_name + NAME_TIME_CHARS + 1, reason, strlen(reason) + 1);
    return WB_OK;
}

int64_t backup_name_time(const char *name)
{
    struct tm tm = {0};

    return strptime(name, "%Y%m%dT%H%M%SZ", &tm) ? (int64_t)timegm(&tm) : 0;
}

bool backup_name_valid(const char *name)
{
    static const char form[] = "dddddddd"
                               "T"
                               "dddddd"
                               "Z-";

    for (size_t i = 0; form[i]; i++) {
        bool digit = name[i] >= '0' && name[i] <= '9';

        if (form[i] == 'd' ? !digit : name[i] != form[i])
            return false;
    }
    return reason_valid(name + NAME_TIME_CHARS + 1);
}

/* ---- writing ---- */

static json_t *file_json(const struct backup_file *f)
{
    struct buf hex = buf_new(HEX_CHARS(SHA256_BYTES));

    buf_hex(&hex, SPAN_ARRAY(f->sha256));
    json_t *j = json_pack("{s:I, s:s#}", "size", (json_int_t)f->size, "sha256",
                          hex.p ? (const char *)hex.p : "", (int)hex.n);
    buf_free(&hex);
    return j;
}

static json_t *manifest_json(const struct backup_manifest *m)
{
    char when[32] = "";
    struct tm tm;
    time_t t = (time_t)m->created_at;

    if (gmtime_r(&t, &tm))
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
    json_t *files = json_object();
    if (m->whatsapp.present)
        json_object_set_new(files, "whatsapp.db", file_json(&m->whatsapp));
    if (m->messages.present)
        json_object_set_new(files, "messages.db", file_json(&m->messages));
    return json_pack(
        "{s:i, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "format",
        BACKUP_FORMAT, "created", when, "created_at", (json_int_t)m->created_at, "sequence",
        (json_int_t)m->sequence, "reason", m->reason, "program", m->program, "sqlite", m->sqlite,
        "phone", m->phone, "schema", (json_int_t)m->schema, "accounts", (json_int_t)m->accounts,
        "sessions", (json_int_t)m->sessions, "prekeys", (json_int_t)m->prekeys, "messages",
        (json_int_t)m->message_rows, "chats", (json_int_t)m->chat_rows, "files", files);
}

void backup_manifest_write(const struct backup_manifest *m, struct buf *out)
{
    json_t *j = manifest_json(m);
    char *text = j ? json_dumps(j, JSON_INDENT(2)) : NULL;

    if (text) {
        buf_append_cstr(out, text);
        buf_u8(out, '\n');
    } else if (out->err == WB_OK) {
        out->err = WB_ERR_NOMEM;
    }
    free(text);
    json_decref(j);
}

/* ---- reading ---- */

static bool get_text(const json_t *o, const char *key, char *out, size_t size)
{
    const json_t *v = json_object_get(o, key);
    const char *text = json_string_value(v);
    size_t n = json_string_length(v);

    if (!text || n >= size || strlen(text) != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false; /* it is printed on a terminal */
    }
    memcpy(out, text, n + 1);
    return true;
}

/* A number that is not negative. */
static bool get_count(const json_t *o, const char *key, int64_t *ret)
{
    const json_t *v = json_object_get(o, key);

    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return false;
    *ret = json_integer_value(v);
    return true;
}

static bool get_times(const json_t *j, struct backup_manifest *m)
{
    if (!get_count(j, "created_at", &m->created_at) || m->created_at > BACKUP_TIME_MAX)
        return false;
    m->sequence = m->created_at;
    return !json_object_get(j, "sequence") ||
           (get_count(j, "sequence", &m->sequence) && m->sequence <= BACKUP_TIME_MAX);
}

static bool get_file(const json_t *files, const char *name, struct backup_file *f)
{
    const json_t *j = json_object_get(files, name);
    char hex[HEX_CHARS(SHA256_BYTES) + 1];
    int64_t size = 0;
    size_t n = 0;

    *f = (struct backup_file){0};
    if (!j)
        return true;
    if (!get_count(j, "size", &size) || !get_text(j, "sha256", hex, sizeof hex) ||
        hex_decode(span_cstr(hex), f->sha256, SHA256_BYTES, &n) != WB_OK || n != SHA256_BYTES)
        return false;
    f->size = (uint64_t)size;
    f->present = true;
    return true;
}

static bool get_all(const json_t *j, struct backup_manifest *m)
{
    const json_t *files = json_object_get(j, "files");

    return get_times(j, m) && get_text(j, "reason", m->reason, sizeof m->reason) &&
           reason_valid(m->reason) && get_text(j, "program", m->program, sizeof m->program) &&
           get_text(j, "sqlite", m->sqlite, sizeof m->sqlite) &&
           get_text(j, "phone", m->phone, sizeof m->phone) &&
           strspn(m->phone, "0123456789") == strlen(m->phone) &&
           get_count(j, "schema", &m->schema) && get_count(j, "accounts", &m->accounts) &&
           get_count(j, "sessions", &m->sessions) && get_count(j, "prekeys", &m->prekeys) &&
           get_count(j, "messages", &m->message_rows) && get_count(j, "chats", &m->chat_rows) &&
           json_is_object(files) && get_file(files, "whatsapp.db", &m->whatsapp) &&
           get_file(files, "messages.db", &m->messages) &&
           (m->whatsapp.present || m->messages.present);
}

enum wb_err backup_manifest_read(struct span json, struct backup_manifest *ret)
{
    struct backup_manifest m = {0};
    json_error_t error;
    int64_t format = 0;
    enum wb_err err = WB_ERR_MALFORMED;

    if (json.n > BACKUP_MANIFEST_MAX)
        return WB_ERR_TOO_LARGE;
    json_t *j =
        json_loadb(json.p ? (const char *)json.p : "", json.n, JSON_REJECT_DUPLICATES, &error);
    if (!j)
        return json_error_code(&error) == json_error_out_of_memory ? WB_ERR_NOMEM
                                                                   : WB_ERR_MALFORMED;
    if (get_count(j, "format", &format))
        err = format == BACKUP_FORMAT ? WB_OK : WB_ERR_VERSION;
    if (err == WB_OK && !get_all(j, &m))
        err = WB_ERR_MALFORMED;
    if (err == WB_OK)
        *ret = m;
    json_decref(j);
    return err;
}
