#include "bridge/settings/config.h"

#include <ctype.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/core_dumps.h"
#include "base/listen.h"
#include "base/plain_file.h"
#include "base/reader.h"
#include "base/secret.h"
#include "base/text.h"
#include "bridge/platform/ws_url.h"
#include "bridge/settings/config_private.h"
#include "bridge/settings/limits.h"

enum {
    ROLE_MAX = 31,
    NAME_MAX_BYTES = 100,
    PATH_BYTES_MAX = 4000,
    TOKEN_MIN = 16,
    TOKEN_MAX = 512
};

/* ---- one value ----------------------------------------------------------------------------------
 */

static bool put_text(struct config *c, size_t offset, const char *value)
{
    char **field = (char **)(void *)((char *)c + offset);
    char *copy = strdup(value);

    if (!copy)
        return false;
    free(*field);
    *field = copy;
    return true;
}

static bool set_text(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    *ret_why = "text of at most 4000 bytes";
    return strlen(value) <= PATH_BYTES_MAX && utf8_valid(span_cstr(value)) &&
           put_text(c, offset, value);
}

static bool set_name(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    *ret_why = "at most 100 bytes of text without line breaks";
    return strlen(value) <= NAME_MAX_BYTES && !strpbrk(value, "\r\n") &&
           utf8_valid(span_cstr(value)) && put_text(c, offset, value);
}

static bool set_path(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    *ret_why = "a path";
    return value[0] && strlen(value) <= PATH_BYTES_MAX && put_text(c, offset, value);
}

static bool set_optional_path(struct config *c, size_t offset, const char *value,
                              const char **ret_why)
{
    return !value[0] ? put_text(c, offset, value) : set_path(c, offset, value, ret_why);
}

static bool set_readable(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    *ret_why = "a plain file that can be read";
    if (value[0] && (access(value, R_OK) != 0 || plain_look(value) != WB_OK))
        return false;
    return put_text(c, offset, value);
}

static bool set_program(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    *ret_why = "the path of a program that can be run";
    if (value[0] && (!strchr(value, '/') || access(value, X_OK) != 0 || plain_look(value) != WB_OK))
        return false;
    return put_text(c, offset, value);
}

static bool set_count(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    uint64_t v;

    *ret_why = "a number, 1 to 10000";
    if (!span_to_u64(span_cstr(value), &v) || v < 1 || v > 10000)
        return false;
    *(uint32_t *)(void *)((char *)c + offset) = (uint32_t)v;
    return true;
}

/* Seconds of "90s", "30m", "1h", "1d"; "0" is 0. */
static bool set_duration(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    static const char units[] = "smhd";
    static const uint32_t seconds[] = {1, 60, 3600, 86400};
    size_t n = strlen(value);
    const char *unit = n > 1 ? strchr(units, value[n - 1]) : NULL;
    uint64_t v;

    *ret_why = "a time such as 90s, 30m, 1h or 1d, or 0";
    if (!unit && strcmp(value, "0") != 0)
        return false;
    if (!span_to_u64(SPAN(value, unit ? n - 1 : n), &v) || v > 10000)
        return false;
    *(uint32_t *)(void *)((char *)c + offset) = (uint32_t)(unit ? v * seconds[unit - units] : v);
    return true;
}

static bool set_phone(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    struct jid *field = (struct jid *)(void *)((char *)c + offset);

    *ret_why = "a phone number in international form, such as +27820000001";
    return jid_from_phone(span_cstr(value), field) == WB_OK;
}

static bool set_role(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    *ret_why = "at most 31 letters, digits, '-' or '_'";
    if (strlen(value) > ROLE_MAX)
        return false;
    for (const char *p = value; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_')
            return false;
    return put_text(c, offset, value);
}

static bool set_bind(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    *ret_why = "an IP address of this machine, localhost, or a name of this machine";
    return listen_address_valid(value) && put_text(c, offset, value);
}

static bool set_port(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    uint64_t v;

    *ret_why = "a port number, 0 to 65535";
    if (!span_to_u64(span_cstr(value), &v) || v > 65535)
        return false;
    *(uint16_t *)(void *)((char *)c + offset) = (uint16_t)v;
    return true;
}

static bool set_seconds(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    uint64_t v;

    *ret_why = "a number of seconds, at most 86400";
    if (!span_to_u64(span_cstr(value), &v) || v > FIRST_CONTACT_S_MAX)
        return false;
    *(uint32_t *)(void *)((char *)c + offset) = (uint32_t)v;
    return true;
}

static bool set_bool(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    *ret_why = "true or false";
    return text_yes_no(value, (bool *)((char *)c + offset));
}

static bool set_level(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    *ret_why = "error, warn, info, debug or trace";
    return log_level_parse(value, (enum log_level *)(void *)((char *)c + offset));
}

/* One of n words; the field is an enum counted from 0. */
static bool set_word(struct config *c, size_t offset, const char *value, const char *const *words,
                     unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(value, words[i]) == 0) {
            memcpy((char *)c + offset, &i, sizeof i);
            return true;
        }
    }
    return false;
}
_Static_assert(sizeof(enum log_format) == sizeof(unsigned) &&
                   sizeof(enum timestamp_format) == sizeof(unsigned) &&
                   sizeof(enum presence_setting) == sizeof(unsigned) &&
                   sizeof(enum adv_check_setting) == sizeof(unsigned),
               "set_word writes an unsigned");

static bool set_format(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    static const char *const words[] = {[LOG_TEXT] = "text", [LOG_JSON] = "json"};

    *ret_why = "text or json";
    return set_word(c, offset, value, words, 2);
}

static bool set_timestamps(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    static const char *const words[] = {
        [TIMESTAMP_AUTO] = "auto", [TIMESTAMP_INTEGER] = "integer", [TIMESTAMP_TEXT] = "text"};

    *ret_why = "auto, integer or text";
    return set_word(c, offset, value, words, 3);
}

static bool set_presence(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    static const char *const words[] = {
        [PRESENCE_UNAVAILABLE] = "unavailable", [PRESENCE_AVAILABLE] = "available"};

    *ret_why = "unavailable or available";
    return set_word(c, offset, value, words, 2);
}

static bool set_adv_check(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    static const char *const words[] = {
        [ADV_CHECK_OFF] = "off", [ADV_CHECK_WARN] = "warn", [ADV_CHECK_REFUSE] = "refuse"};

    *ret_why = "off, warn or refuse";
    return set_word(c, offset, value, words, 3);
}

static bool set_url(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    *ret_why = "ws://HOST[:PORT]/PATH or wss://HOST[:PORT]/PATH";
    return (!value[0] || ws_url_valid(value)) && put_text(c, offset, value);
}

static bool set_root_key(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    size_t n;

    *ret_why = "32 bytes as 64 hexadecimal digits";
    c->has_root_key = false;
    if (!value[0])
        return true;
    if (strlen(value) != HEX_CHARS(X25519_KEY_BYTES) ||
        hex_decode(span_cstr(value), (uint8_t *)c + offset, X25519_KEY_BYTES, &n) != WB_OK)
        return false;
    c->has_root_key = true;
    return true;
}

static bool set_version(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    static const char prefix[] = "2.3000.";
    uint64_t v = 0;

    *ret_why = "a version of the web client, such as 2.3000.1045649367";
    if (value[0]) {
        if (strncmp(value, prefix, sizeof prefix - 1) != 0)
            return false;
        value += sizeof prefix - 1;
        if (!span_to_u64(span_cstr(value), &v) || v == 0 || v > UINT32_MAX)
            return false;
    }
    *(uint32_t *)(void *)((char *)c + offset) = (uint32_t)v;
    return true;
}

static bool set_group_name(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    *ret_why = "a group of this system";
    return (!value[0] || getgrnam(value)) && put_text(c, offset, value);
}

/* ---- the table
 * ------------------------------------------------------------------------------------ */

#define FIELD(f) offsetof(struct config, f), sizeof(((struct config *)0)->f)

const struct setting config_settings[] = {
    {"config", "FILE", "", "WHATSAPP_CONFIG", "", "settings in YAML", set_readable,
     FIELD(config_file), true, false},
    {"phone", "NUMBER", "phone_number", "WHATSAPP_PHONE", "", "the number this bridge is for",
     set_phone, FIELD(phone), false, false},
    {"store", "DIR", "store", "WHATSAPP_STORE", "./store",
     "whatsapp.db, messages.db, media/ and backups/ live here", set_path, FIELD(store_dir), true,
     false},
    {"db-path", "FILE", "db_path", "DB_PATH", "", "messages.db, when not in the store",
     set_optional_path, FIELD(db_path), true, false},
    {"whatsapp-db-path", "FILE", "whatsapp_db_path", "WHATSAPP_DB_PATH", "",
     "whatsapp.db, when not in the store", set_optional_path, FIELD(whatsapp_db_path), true, false},
    {"role", "NAME", "role", "WHATSAPP_ROLE", "", "printed in log lines and /health", set_role,
     FIELD(role), true, true},
    {"bind", "ADDRESS", "bind", "WHATSAPP_BIND", "localhost",
     "where the API listens, an address or a name (localhost: 127.0.0.1 and ::1); not loopback: a "
     "token is required",
     set_bind, FIELD(bind), true, false},
    {"port", "PORT", "port", "WHATSAPP_PORT", "8080", "the API's port, 0 for any", set_port,
     FIELD(port), false, false},
    {"api-token-file", "FILE", "api_token_file", "WHATSAPP_API_TOKEN_FILE", "",
     "callers of the API must send its content as a bearer token", set_readable,
     FIELD(api_token_file), true, true},
    {"api-hosts", "NAMES", "api_hosts", "WHATSAPP_API_HOSTS", "",
     "names that callers may use for this machine, separated by commas", set_text, FIELD(api_hosts),
     true, true},
    {"pair-code", NULL, "pair_code", "WHATSAPP_PAIR_CODE", "false",
     "pair by a code typed on the phone", set_bool, FIELD(pair_code), false, true},
    {"log-file", "FILE", "log_path", "WHATSAPP_LOG_FILE", "",
     "log lines go here instead of standard output", set_optional_path, FIELD(log_file), true,
     false},
    {"log-level", "LEVEL", "log_level", "WHATSAPP_LOG_LEVEL", "info",
     "error, warn, info, debug or trace", set_level, FIELD(log_level), false, true},
    {"log-format", "FORMAT", "log_format", "WHATSAPP_LOG_FORMAT", "text", "text or json",
     set_format, FIELD(log_format), false, true},
    {"log-messages", NULL, "log_messages", "WHATSAPP_LOG_MESSAGES", "false",
     "log lines of messages hold their texts", set_bool, FIELD(log_messages), false, true},
    {"server-url", "URL", "server_url", "WHATSAPP_SERVER_URL", "",
     "a server other than WhatsApp's; no other host is contacted then", set_url, FIELD(server_url),
     true, false},
    {"root-key", "HEX", "root_key", "WHATSAPP_ROOT_KEY", "",
     "root of the server's Noise certificates, instead of WhatsApp's", set_root_key,
     FIELD(root_key), false, false},
    {"ca-file", "FILE", "ca_file", "WHATSAPP_CA_FILE", "", "CAs for TLS, instead of the system's",
     set_readable, FIELD(ca_file), true, false},
    {"wa-version", "2.3000.N", "wa_version", "WHATSAPP_WA_VERSION", "",
     "web version to claim, instead of the newest known", set_version, FIELD(wa_version), false,
     true},
    {"timestamp-format", "FORMAT", "timestamp_format", "WHATSAPP_TIMESTAMP_FORMAT", "auto",
     "times in messages.db: auto (as the file has), integer or text", set_timestamps,
     FIELD(timestamp_format), false, false},
    {"readers-group", "GROUP", "readers_group", "WHATSAPP_READERS_GROUP", "",
     "messages.db may be read by this group", set_group_name, FIELD(readers_group), true, false},
    {"push-name", "NAME", "push_name", "WHATSAPP_PUSH_NAME", "",
     "how others see us (default: as the phone says)", set_name, FIELD(push_name), true, true},
    {"device-name", "NAME", "device_name", "WHATSAPP_DEVICE_NAME", "WhatsApp Bridge",
     "how the phone lists us under Linked devices", set_name, FIELD(device_name), true, false},
    {"presence", "STATE", "presence", "WHATSAPP_PRESENCE", "unavailable",
     "unavailable (the phone keeps notifying) or available", set_presence, FIELD(presence), false,
     true},
    {"first-contact-interval", "SECONDS", "first_contact_interval",
     "WHATSAPP_FIRST_CONTACT_INTERVAL", "10",
     "the pause between first messages to new people, after a burst of 30; 0: none", set_seconds,
     FIELD(first_contact_s), false, true},
    {"adv-check", "WHAT", "adv_check", "WHATSAPP_ADV_CHECK", "warn",
     "devices that their account does not vouch for: off, warn (and count), or refuse",
     set_adv_check, FIELD(adv_check), false, true},
    {"backup-every", "TIME", "backup_every", "WHATSAPP_BACKUP_EVERY", "1h",
     "time between backups: 90s, 30m, 1h, 1d; 0 for none", set_duration, FIELD(backup_every_s),
     false, true},
    {"backup-keep", "N", "backup_keep", "WHATSAPP_BACKUP_KEEP", "5",
     "the newest N backups are kept", set_count, FIELD(backup_keep), false, true},
    {"backup-keep-days", "N", "backup_keep_days", "WHATSAPP_BACKUP_KEEP_DAYS", "7",
     "a backup of each of the last N days is kept, too", set_count, FIELD(backup_keep_days), false,
     true},
    {"history-back", "TIME", "history_back", "WHATSAPP_HISTORY_BACK", "30d",
     "how far back the phone is asked when a damaged messages.db has no backup; 0: not at all",
     set_duration, FIELD(history_back_s), false, true},
    {"backup-hook", "PROGRAM", "backup_hook", "WHATSAPP_BACKUP_HOOK", "",
     "run after each backup with its path", set_program, FIELD(backup_hook), true, true},
    {"backup-public-key", "FILE", "backup_public_key", "WHATSAPP_BACKUP_PUBLIC_KEY", "",
     "encrypt what the hook gets to this key (bridge-backup keygen)", set_readable,
     FIELD(backup_public_key), true, true},
    {"backup-passphrase-file", "FILE", "backup_passphrase_file", "WHATSAPP_BACKUP_PASSPHRASE_FILE",
     "", "encrypt what the hook gets with the passphrase on the first line of this file",
     set_readable, FIELD(backup_passphrase_file), true, true},
    {"core-dumps", NULL, "core_dumps", CORE_DUMPS_ENV, "false",
     "for developers: core dumps and debuggers may see the keys", set_bool, FIELD(core_dumps),
     false, false},
    {"monitored-groups", "LIST", "monitored_groups", "WHATSAPP_MONITORED_GROUPS", "",
     "JID[=NAME],... (in YAML a list of {jid, name})", config_set_groups, FIELD(ngroups), false,
     true},
};
const size_t config_nsettings = sizeof config_settings / sizeof config_settings[0];

bool config_set(struct config *c, const struct setting *s, const char *value, const char *source,
                struct buf *problem)
{
    const char *why = "a value";

    if (s->set(c, s->offset, value, &why))
        return true;
    buf_printf(problem, "%s: '%.80s' is not %s\n", source, value, why);
    return false;
}

/* ---- all of them
 * ------------------------------------------------------------------------------------ */

static bool defaults(struct config *c, struct buf *problem)
{
    bool ok = true;

    *c = (struct config){0};
    for (size_t i = 0; i < config_nsettings; i++) {
        const struct setting *s = &config_settings[i];

        if (s->text && !put_text(c, s->offset, ""))
            return false;
        if (s->fallback[0])
            ok = config_set(c, s, s->fallback, s->option, problem) && ok;
    }
    return ok && put_text(c, offsetof(struct config, api_token), "") &&
           put_text(c, offsetof(struct config, media_dir), "") &&
           put_text(c, offsetof(struct config, backups_dir), "");
}

static bool under_store(struct config *c, size_t offset, const char *name)
{
    char path[PATH_BYTES_MAX + 32];

    if ((*(char **)(void *)((char *)c + offset))[0])
        return true;
    snprintf(path, sizeof path, "%s/%s", c->store_dir, name);
    return put_text(c, offset, path);
}

static bool read_token(struct config *c, struct buf *problem)
{
    char token[TOKEN_MAX + 2];
    FILE *f = NULL;
    size_t n;
    bool ok;

    if (!c->api_token_file[0])
        return true;
    if (plain_stream(c->api_token_file, O_RDONLY, 0, &f) == WB_OK)
        setvbuf(f, NULL, _IONBF, 0); /* no second copy of it */
    n = f ? fread(token, 1, sizeof token - 1, f) : 0;
    if (f)
        fclose(f);
    while (n > 0 && isspace((unsigned char)token[n - 1]))
        n--;
    token[n] = '\0';
    ok = n >= TOKEN_MIN && n <= TOKEN_MAX && strlen(token) == n;
    for (size_t i = 0; ok && i < n; i++)
        ok = token[i] > ' ' && token[i] <= '~';
    if (ok)
        ok = put_text(c, offsetof(struct config, api_token), token);
    else
        buf_printf(problem,
                   "--api-token-file: '%s' must hold a token of %d to %d printable "
                   "characters without spaces\n",
                   c->api_token_file, TOKEN_MIN, TOKEN_MAX);
    secret_wipe(token, sizeof token);
    return ok;
}

/* What only shows when all is read. */
static bool complete(struct config *c, struct buf *problem)
{
    bool ok = read_token(c, problem);

    ok = config_check_files(c, problem) && ok;
    if (jid_is_none(&c->phone)) {
        buf_append_cstr(problem, "--phone: the number this bridge is for is missing\n");
        ok = false;
    }
    if (!listen_address_is_loopback(c->bind) && !c->api_token_file[0]) {
        buf_printf(problem,
                   "--bind: '%s' is not known as loopback (use localhost, 127.0.0.1 or ::1): for "
                   "other addresses a token is required, set --api-token-file\n",
                   c->bind);
        ok = false;
    }
    if (c->backup_public_key[0] && c->backup_passphrase_file[0]) {
        buf_append_cstr(problem,
                        "--backup-public-key, --backup-passphrase-file: only one of them\n");
        ok = false;
    }
    return ok && under_store(c, offsetof(struct config, db_path), "messages.db") &&
           under_store(c, offsetof(struct config, whatsapp_db_path), "whatsapp.db") &&
           under_store(c, offsetof(struct config, media_dir), "media") &&
           under_store(c, offsetof(struct config, backups_dir), "backups");
}

static bool read_all(struct config *c, int argc, char *const *argv, char *const *envp,
                     struct buf *problem)
{
    const char *file = config_find_arg(argc, argv, "config");
    bool ok = true;

    if (!file)
        file = config_find_env(envp, "WHATSAPP_CONFIG");
    if (file && file[0])
        ok = config_read_yaml(c, file, problem);
    ok = config_read_env(c, envp, problem) && ok;
    ok = config_read_args(c, argc, argv, problem) && ok;
    return ok && complete(c, problem);
}

enum wb_err config_load(int argc, char *const *argv, char *const *envp, struct config *ret_config,
                        enum config_action *ret_action, struct buf *problem)
{
    struct config c;
    enum config_action action = CONFIG_RUN;

    if (!defaults(&c, problem)) {
        config_free(&c);
        return WB_ERR_NOMEM;
    }
    if (config_find_arg(argc, argv, "help"))
        action = CONFIG_HELP;
    else if (config_find_arg(argc, argv, "version"))
        action = CONFIG_VERSION;
    else if (!read_all(&c, argc, argv, envp, problem)) {
        config_free(&c);
        return WB_ERR_INVALID;
    }
    *ret_config = c;
    *ret_action = action;
    return WB_OK;
}

static void swap_bytes(void *a, void *b, size_t n)
{
    uint8_t *x = a;
    uint8_t *y = b;

    for (size_t i = 0; i < n; i++) {
        uint8_t t = x[i];

        x[i] = y[i];
        y[i] = t;
    }
}

static bool same(const struct config *a, const struct config *b, const struct setting *s)
{
    const char *x = (const char *)a + s->offset;
    const char *y = (const char *)b + s->offset;

    if (s->text)
        return strcmp(*(const char *const *)(const void *)x,
                      *(const char *const *)(const void *)y) == 0;
    return memcmp(x, y, s->size) == 0;
}

enum wb_err config_reload(struct config *c, int argc, char *const *argv, char *const *envp,
                          struct buf *notes, struct buf *problem)
{
    struct config fresh;
    enum config_action action;
    enum wb_err err = config_load(argc, argv, envp, &fresh, &action, problem);

    if (err != WB_OK)
        return err;
    for (size_t i = 0; i < config_nsettings; i++) {
        const struct setting *s = &config_settings[i];

        if (s->live)
            swap_bytes((char *)c + s->offset, (char *)&fresh + s->offset, s->size);
        else if (!same(c, &fresh, s))
            buf_printf(notes, "%s%s", notes->n ? ", " : "", s->option);
    }
    swap_bytes(&c->groups, &fresh.groups, sizeof c->groups);
    swap_bytes(&c->api_token, &fresh.api_token, sizeof c->api_token);
    config_free(&fresh);
    return WB_OK;
}

void config_free(struct config *c)
{
    for (size_t i = 0; i < config_nsettings; i++)
        if (config_settings[i].text)
            free(*(char **)(void *)((char *)c + config_settings[i].offset));
    if (c->api_token)
        secret_free_sized(c->api_token, strlen(c->api_token));
    free(c->media_dir);
    free(c->backups_dir);
    config_clear_groups(c);
    *c = (struct config){0};
}
