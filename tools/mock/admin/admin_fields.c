#include "tools/mock/admin/admin_fields.h"

#include <stdio.h>
#include <string.h>

enum { NAME_MAX_CHARS = 64 };

/* The fields of a body, each as name:type. Types: t text, i integer, b true or false, l list, o
 * object (its members follow as object.name), x integer or text. A text may also stand in the
 * query; a field without a type stands only there. */
static const struct call_fields {
    const char *method, *path, *fields;
} calls[] = {
    {"POST", "/admin/mock-phone/scan-qr", "phone"},
    {"POST", "/admin/mock-phone/enter-code", "phone"},
    {"POST", "/admin/mock-phone/unlink", "phone:t jid:t"},
    {"POST", "/admin/mock-phone/expire-refs", ""},
    {"POST", "/admin/mock-phone/refresh", "phone:t"},
    {"POST", "/admin/mock-phone/settings", "phone:t push_name:t nct_salt_hex:t new_key:b"},
    {"POST", "/admin/mock-phone/history", "phone:t answers:t"},
    {"POST", "/admin/mock-phone/past",
     "phone:t tokens_from:l token_age_s:i messages:i chats:i parts:i files:b files_gone:i "
     "files_status:i file_lost:b by_number:b salt:b broken:b nameless:b business:t"},
    {"POST", "/admin/mock-phone/timelock", "phone:t active:b seconds:i type:t quiet:b"},
    {"POST", "/admin/mock-phone/passkey",
     "phone:t credential_id:t public_key:t demanded:b timeout_ms:i omit_options:b silent:b"},
    {"GET", "/admin/mock-phone/passkey", "phone:t"},
    {"POST", "/admin/mock-phone/passkey-again", "phone:t"},
    {"POST", "/admin/mock-phone/lid-migration", "phone:t migrated:b silent:b tell:b"},
    {"POST", "/admin/mock-phone/manner", "phone:t resends:b told_by_server:b"},
    {"POST", "/admin/login", "phone:t reason:i code:i expire:i times:i"},
    {"POST", "/admin/prekeys", "jid:t keep:i withhold:b skey_back:b compare:b"},
    {"POST", "/admin/contacts", "phone:t name:t devices:i"},
    {"POST", "/admin/contact/send",
     "from:t to:t text:t mentions:l reply:o reply.id:t reply.participant:t reply.text:t "
     "message_hex:t device:i id:t type:t edit:t t:t pn:b hold:b fresh:b peer:b"},
    {"POST", "/admin/contact/release", "phone:t id:t again:b"},
    {"POST", "/admin/contact/blast", "from:t to:t count:i text:t device:i pn:b"},
    {"GET", "/admin/contact/messages", "phone:t id device brief"},
    {"GET", "/admin/contact/receipts", "phone:t id device brief"},
    {"GET", "/admin/contact/failures", "phone:t id device brief"},
    {"POST", "/admin/contact/clear", "phone:t"},
    {"POST", "/admin/contact/script",
     "phone:t echo:b silent:b no_prekeys:b ignore_retries:b refuse:i refuse_with_keys:b corrupt:i "
     "name:t name_hex:t gone:b unruly:b"},
    {"POST", "/admin/contact/device", "phone:t action:t device:i quiet:b refused:t"},
    {"POST", "/admin/contact/address", "phone:t no_lid:b also:t new_lid:b"},
    {"POST", "/admin/contact/reinstall", "phone:t quiet:b"},
    {"POST", "/admin/contact/receipt",
     "phone:t device:i to:t pn:b id:t type:t participant:t error:t"},
    {"POST", "/admin/contact/retry", "phone:t device:i to:t group:t id:t count:i keys:b pn:b"},
    {"POST", "/admin/contact/forget", "phone:t device:i of:t"},
    {"POST", "/admin/contact/sealed",
     "from:t device:i to:t pn:b id:t secret:t what:t text:t options:l answer:i guests:i as:t "
     "target:o "
     "target.id:t target.chat:t target.from_me:b target.participant:t target.author:t"},
    {"POST", "/admin/contact/bot",
     "to:t secret:t text:t id:t edit:t edit_target:t target:o target.id:t target.sender:t "
     "target.chat:t"},
    {"POST", "/admin/contact/bare", "from:t to:t id:t text:t unavailable:t"},
    {"POST", "/admin/contact/status", "from:t to:t text:t"},
    {"POST", "/admin/token", "from:t to:t"},
    {"POST", "/admin/forge",
     "as:t device:i pn:b to:t what:t text:t mentions:l reply:o reply.id:t reply.participant:t "
     "reply.text:t message_hex:t id:t peer:b recipient:t sent_to:t statement:b"},
    {"GET", "/admin/groups", ""},
    {"POST", "/admin/groups", "subject:t mode:t members:l all_contacts:b creator:t"},
    {"POST", "/admin/group/member", "group:t phone:t action:t by:t quiet:b"},
    {"POST", "/admin/group/set", "group:t subject:t subject_hex:t announcement:b mode:t"},
    {"POST", "/admin/communities", "subject:t mode:t creator:t members:l"},
    {"POST", "/admin/community/link", "group:t community:t"},
    {"GET", "/admin/trouble", ""},
    {"POST", "/admin/trouble",
     "cert:t min_version:i client_revision:i adv:t bad_key_lists:i foreign_phone_keys:i "
     "pair_bad_hmac:i pair_bad_signature:i upgrade_status:i upgrade_ms:i ignore_pings:b "
     "ignore_iqs:b drop_frames:i truncate_frames:i duplicate_stanzas:i reorder_stanzas:i "
     "delay_ms:i fragment_bytes:i chop_bytes:i ack_error:i ack_error_times:i ack_drop:i "
     "ack_delay:i ack_delay_ms:i ack_phash:i refuse_drop:i require_tctoken:b reset:b"},
    {"POST", "/admin/rate", "query:t times:i backoff:i code:i"},
    {"POST", "/admin/web-pages", "worker:b"},
    {"POST", "/admin/offline", "pull:b"},
    {"POST", "/admin/stream",
     "phone:t client:t do:t code:x conflict:t deaf:b t:x type:t hex:t times:i"},
    {"GET", "/admin/state", ""},
    {"GET", "/admin/flags", "client what notes"},
    {"DELETE", "/admin/flags", ""},
    {"POST", "/admin/defaults", "new_groups"},
};

bool admin_fields_call(size_t i, const char **ret_method, const char **ret_path)
{
    if (i >= sizeof calls / sizeof calls[0])
        return false;
    *ret_method = calls[i].method;
    *ret_path = calls[i].path;
    return true;
}

/* The type of a field; '?' for a field of the query alone; '\0' when the call has no such field. */
static char type_of(const char *fields, const char *name)
{
    size_t n = strlen(name);

    for (const char *at = fields; *at != '\0'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " :");

        if (len == n && strncmp(at, name, n) == 0 && at[len] == ':')
            return at[len + 1];
        if (len == n && strncmp(at, name, n) == 0)
            return '?';
        at += strcspn(at, " ");
    }
    return '\0';
}

static const char *words_of(char type)
{
    switch (type) {
    case 't':
        return "a text";
    case 'i':
        return "an integer";
    case 'b':
        return "true or false";
    case 'l':
        return "a list";
    case 'o':
        return "an object";
    default:
        return "an integer or a text";
    }
}

static bool is_of(const json_t *v, char type)
{
    switch (type) {
    case 't':
        return json_is_string(v);
    case 'i':
        return json_is_integer(v);
    case 'b':
        return json_is_boolean(v);
    case 'l':
        return json_is_array(v);
    case 'o':
        return json_is_object(v);
    default:
        return json_is_integer(v) || json_is_string(v);
    }
}

/* `within`: the name of the object that holds these members, followed by a dot; "" for the body
 * itself. */
static bool members_ok(const char *fields, const char *within, const json_t *o, char *why,
                       size_t size)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)o, key, v) /* the cast is safe: the loop only reads */
    {
        char name[2 * NAME_MAX_CHARS];

        (void)snprintf(name, sizeof name, "%s%.*s", within, NAME_MAX_CHARS - 1, key);
        char type = type_of(fields, name);
        if (type == '\0' || type == '?' || strlen(key) >= NAME_MAX_CHARS) {
            (void)snprintf(why, size, "%s: this call has no such field", name);
            return false;
        }
        if (!json_is_null(v) && !is_of(v, type)) {
            (void)snprintf(why, size, "%s: %s is needed", name, words_of(type));
            return false;
        }
    }
    return true;
}

/* The query has one name=value per line. */
static bool query_ok(const char *fields, const char *query, char *why, size_t size)
{
    while (query && *query != '\0') {
        char name[NAME_MAX_CHARS];
        size_t n = strcspn(query, "=\n");

        (void)snprintf(name, sizeof name, "%.*s", (int)n, query);
        char type = type_of(fields, name);
        if (type != '?' && type != 't') {
            (void)snprintf(why, size, "%s: this call has no such field in its query", name);
            return false;
        }
        query = strchr(query, '\n');
        query = query != NULL ? query + 1 : NULL;
    }
    return true;
}

bool admin_fields_ok(const struct http_request *q, const json_t *body, char *why, size_t size)
{
    const char *fields = NULL;

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (strcmp(calls[i].path, q->path) == 0 && strcmp(calls[i].method, q->method) == 0)
            fields = calls[i].fields;
    if (!fields) {
        (void)snprintf(why, size, "the fields of this call are not listed");
        return false;
    }
    if (!query_ok(fields, q->query, why, size) || !members_ok(fields, "", body, why, size))
        return false;
    for (const char *of = "reply\0target\0"; *of != '\0'; of += strlen(of) + 1) {
        char within[NAME_MAX_CHARS];

        (void)snprintf(within, sizeof within, "%s.", of);
        if (!members_ok(fields, within, json_object_get(body, of), why, size))
            return false;
    }
    return true;
}
