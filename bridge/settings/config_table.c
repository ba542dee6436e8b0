/* The settings: how a value of each kind is read, and the table of all. */
#include <ctype.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/core_dumps.h"
#include "base/listen.h"
#include "base/plain_file.h"
#include "base/reader.h"
#include "base/text.h"
#include "bridge/platform/ws_url.h"
#include "bridge/settings/config_private.h"
#include "bridge/settings/limits.h"

enum { ROLE_MAX = 31, NAME_MAX_BYTES = 100 };

/* ---- one value ---- */

bool config_put_text(struct config *c, size_t offset, const char *value)
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
           config_put_text(c, offset, value);
}

static bool set_name(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    *ret_why = "at most 100 bytes of text without line breaks";
    return strlen(value) <= NAME_MAX_BYTES && !strpbrk(value, "\r\n") &&
           utf8_valid(span_cstr(value)) && config_put_text(c, offset, value);
}

static bool set_path(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    *ret_why = "a path";
    return value[0] && strlen(value) <= PATH_BYTES_MAX && config_put_text(c, offset, value);
}

static bool set_optional_path(struct config *c, size_t offset, const char *value,
                              const char **ret_why)
{
    return !value[0] ? config_put_text(c, offset, value) : set_path(c, offset, value, ret_why);
}

static bool set_readable(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    *ret_why = "a plain file that can be read";
    if (value[0] && (access(value, R_OK) != 0 || plain_look(value) != WB_OK))
        return false;
    return config_put_text(c, offset, value);
}

static bool set_program(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    *ret_why = "the path of a program that can be run";
    if (value[0] && (!strchr(value, '/') || access(value, X_OK) != 0 || plain_look(value) != WB_OK))
        return false;
    return config_put_text(c, offset, value);
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
    return config_put_text(c, offset, value);
}

static bool set_bind(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    *ret_why = "an IP address of this machine, localhost, or a name of this machine";
    return listen_address_valid(value) && config_put_text(c, offset, value);
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

/* Takes one of n words; the field is an enum whose values are the words' places, from 0. */
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
    return (!value[0] || ws_url_valid(value)) && config_put_text(c, offset, value);
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
    return (!value[0] || getgrnam(value)) && config_put_text(c, offset, value);
}

/* ---- the table ---- */

#define FIELD(f) .offset = offsetof(struct config, f), .size = sizeof(((struct config *)0)->f)

const struct setting config_settings[] = {
    {.option = "config",
     .argument = "FILE",
     .yaml = "",
     .env = "WHATSAPP_CONFIG",
     .fallback = "",
     .help = "settings in YAML",
     .set = set_readable,
     FIELD(config_file),
     .text = true},
    {.option = "phone",
     .argument = "NUMBER",
     .yaml = "phone_number",
     .env = "WHATSAPP_PHONE",
     .fallback = "",
     .help = "the number this bridge is for",
     .set = set_phone,
     FIELD(phone)},
    {.option = "store",
     .argument = "DIR",
     .yaml = "store",
     .env = "WHATSAPP_STORE",
     .fallback = "./store",
     .help = "whatsapp.db, messages.db, media/ and backups/ live here",
     .set = set_path,
     FIELD(store_dir),
     .text = true},
    {.option = "db-path",
     .argument = "FILE",
     .yaml = "db_path",
     .env = "DB_PATH",
     .fallback = "",
     .help = "messages.db, when not in the store",
     .set = set_optional_path,
     FIELD(db_path),
     .text = true},
    {.option = "whatsapp-db-path",
     .argument = "FILE",
     .yaml = "whatsapp_db_path",
     .env = "WHATSAPP_DB_PATH",
     .fallback = "",
     .help = "whatsapp.db, when not in the store",
     .set = set_optional_path,
     FIELD(whatsapp_db_path),
     .text = true},
    {.option = "role",
     .argument = "NAME",
     .yaml = "role",
     .env = "WHATSAPP_ROLE",
     .fallback = "",
     .help = "printed in log lines and /health",
     .set = set_role,
     FIELD(role),
     .text = true,
     .live = true},
    {.option = "bind",
     .argument = "ADDRESS",
     .yaml = "bind",
     .env = "WHATSAPP_BIND",
     .fallback = "localhost",
     .help = "where the API listens, an address or a name (localhost: 127.0.0.1 and ::1); not "
             "loopback: a token is required",
     .set = set_bind,
     FIELD(bind),
     .text = true},
    {.option = "port",
     .argument = "PORT",
     .yaml = "port",
     .env = "WHATSAPP_PORT",
     .fallback = "8080",
     .help = "the API's port, 0 for any",
     .set = set_port,
     FIELD(port)},
    {.option = "api-token-file",
     .argument = "FILE",
     .yaml = "api_token_file",
     .env = "WHATSAPP_API_TOKEN_FILE",
     .fallback = "",
     .help = "callers of the API must send its content as a bearer token",
     .set = set_readable,
     FIELD(api_token_file),
     .text = true,
     .live = true},
    {.option = "api-hosts",
     .argument = "NAMES",
     .yaml = "api_hosts",
     .env = "WHATSAPP_API_HOSTS",
     .fallback = "",
     .help = "names that callers may use for this machine, separated by commas",
     .set = set_text,
     FIELD(api_hosts),
     .text = true,
     .live = true},
    {.option = "pair-code",
     .yaml = "pair_code",
     .env = "WHATSAPP_PAIR_CODE",
     .fallback = "false",
     .help = "pair by a code typed on the phone",
     .set = set_bool,
     FIELD(pair_code),
     .live = true},
    {.option = "log-file",
     .argument = "FILE",
     .yaml = "log_path",
     .env = "WHATSAPP_LOG_FILE",
     .fallback = "",
     .help = "log lines go here instead of standard output",
     .set = set_optional_path,
     FIELD(log_file),
     .text = true},
    {.option = "log-level",
     .argument = "LEVEL",
     .yaml = "log_level",
     .env = "WHATSAPP_LOG_LEVEL",
     .fallback = "info",
     .help = "error, warn, info, debug or trace",
     .set = set_level,
     FIELD(log_level),
     .live = true},
    {.option = "log-format",
     .argument = "FORMAT",
     .yaml = "log_format",
     .env = "WHATSAPP_LOG_FORMAT",
     .fallback = "text",
     .help = "text or json",
     .set = set_format,
     FIELD(log_format),
     .live = true},
    {.option = "log-messages",
     .yaml = "log_messages",
     .env = "WHATSAPP_LOG_MESSAGES",
     .fallback = "false",
     .help = "log lines of messages hold their texts",
     .set = set_bool,
     FIELD(log_messages),
     .live = true},
    {.option = "server-url",
     .argument = "URL",
     .yaml = "server_url",
     .env = "WHATSAPP_SERVER_URL",
     .fallback = "",
     .help = "a server other than WhatsApp's; no other host is contacted then",
     .set = set_url,
     FIELD(server_url),
     .text = true},
    {.option = "root-key",
     .argument = "HEX",
     .yaml = "root_key",
     .env = "WHATSAPP_ROOT_KEY",
     .fallback = "",
     .help = "root of the server's Noise certificates, instead of WhatsApp's",
     .set = set_root_key,
     FIELD(root_key)},
    {.option = "ca-file",
     .argument = "FILE",
     .yaml = "ca_file",
     .env = "WHATSAPP_CA_FILE",
     .fallback = "",
     .help = "CAs for TLS, instead of the system's",
     .set = set_readable,
     FIELD(ca_file),
     .text = true},
    {.option = "wa-version",
     .argument = "2.3000.N",
     .yaml = "wa_version",
     .env = "WHATSAPP_WA_VERSION",
     .fallback = "",
     .help = "web version to claim, instead of the newest known",
     .set = set_version,
     FIELD(wa_version),
     .live = true},
    {.option = "timestamp-format",
     .argument = "FORMAT",
     .yaml = "timestamp_format",
     .env = "WHATSAPP_TIMESTAMP_FORMAT",
     .fallback = "auto",
     .help = "times in messages.db: auto (as the file has), integer or text",
     .set = set_timestamps,
     FIELD(timestamp_format)},
    {.option = "readers-group",
     .argument = "GROUP",
     .yaml = "readers_group",
     .env = "WHATSAPP_READERS_GROUP",
     .fallback = "",
     .help = "messages.db may be read by this group",
     .set = set_group_name,
     FIELD(readers_group),
     .text = true},
    {.option = "push-name",
     .argument = "NAME",
     .yaml = "push_name",
     .env = "WHATSAPP_PUSH_NAME",
     .fallback = "",
     .help = "how others see us (default: as the phone says)",
     .set = set_name,
     FIELD(push_name),
     .text = true,
     .live = true},
    {.option = "device-name",
     .argument = "NAME",
     .yaml = "device_name",
     .env = "WHATSAPP_DEVICE_NAME",
     .fallback = "WhatsApp Bridge",
     .help = "how the phone lists us under Linked devices",
     .set = set_name,
     FIELD(device_name),
     .text = true},
    {.option = "presence",
     .argument = "STATE",
     .yaml = "presence",
     .env = "WHATSAPP_PRESENCE",
     .fallback = "unavailable",
     .help = "unavailable (the phone keeps notifying) or available",
     .set = set_presence,
     FIELD(presence),
     .live = true},
    {.option = "first-contact-interval",
     .argument = "SECONDS",
     .yaml = "first_contact_interval",
     .env = "WHATSAPP_FIRST_CONTACT_INTERVAL",
     .fallback = "10",
     .help = "the pause between first messages to new people, after a burst of 30; 0: none",
     .set = set_seconds,
     FIELD(first_contact_s),
     .live = true},
    {.option = "adv-check",
     .argument = "WHAT",
     .yaml = "adv_check",
     .env = "WHATSAPP_ADV_CHECK",
     .fallback = "warn",
     .help = "devices that their account does not vouch for: off, warn (and count), or refuse",
     .set = set_adv_check,
     FIELD(adv_check),
     .live = true},
    {.option = "backup-every",
     .argument = "TIME",
     .yaml = "backup_every",
     .env = "WHATSAPP_BACKUP_EVERY",
     .fallback = "1h",
     .help = "time between backups: 90s, 30m, 1h, 1d; 0 for none",
     .set = set_duration,
     FIELD(backup_every_s),
     .live = true},
    {.option = "backup-keep",
     .argument = "N",
     .yaml = "backup_keep",
     .env = "WHATSAPP_BACKUP_KEEP",
     .fallback = "5",
     .help = "the newest N backups are kept",
     .set = set_count,
     FIELD(backup_keep),
     .live = true},
    {.option = "backup-keep-days",
     .argument = "N",
     .yaml = "backup_keep_days",
     .env = "WHATSAPP_BACKUP_KEEP_DAYS",
     .fallback = "7",
     .help = "a backup of each of the last N days is kept, too",
     .set = set_count,
     FIELD(backup_keep_days),
     .live = true},
    {.option = "history-back",
     .argument = "TIME",
     .yaml = "history_back",
     .env = "WHATSAPP_HISTORY_BACK",
     .fallback = "30d",
     .help =
         "how far back the phone is asked when a damaged messages.db has no backup; 0: not at all",
     .set = set_duration,
     FIELD(history_back_s),
     .live = true},
    {.option = "backup-hook",
     .argument = "PROGRAM",
     .yaml = "backup_hook",
     .env = "WHATSAPP_BACKUP_HOOK",
     .fallback = "",
     .help = "run after each backup with its path",
     .set = set_program,
     FIELD(backup_hook),
     .text = true,
     .live = true},
    {.option = "backup-public-key",
     .argument = "FILE",
     .yaml = "backup_public_key",
     .env = "WHATSAPP_BACKUP_PUBLIC_KEY",
     .fallback = "",
     .help = "encrypt what the hook gets to this key (bridge-backup keygen)",
     .set = set_readable,
     FIELD(backup_public_key),
     .text = true,
     .live = true},
    {.option = "backup-passphrase-file",
     .argument = "FILE",
     .yaml = "backup_passphrase_file",
     .env = "WHATSAPP_BACKUP_PASSPHRASE_FILE",
     .fallback = "",
     .help = "encrypt what the hook gets with the passphrase on the first line of this file",
     .set = set_readable,
     FIELD(backup_passphrase_file),
     .text = true,
     .live = true},
    {.option = "core-dumps",
     .yaml = "core_dumps",
     .env = CORE_DUMPS_ENV,
     .fallback = "false",
     .help = "for developers: core dumps and debuggers may see the keys",
     .set = set_bool,
     FIELD(core_dumps)},
    {.option = "monitored-groups",
     .argument = "LIST",
     .yaml = "monitored_groups",
     .env = "WHATSAPP_MONITORED_GROUPS",
     .fallback = "",
     .help = "JID[=NAME],... (in YAML a list of {jid, name})",
     .set = config_set_groups,
     FIELD(ngroups),
     .live = true},
};
const size_t config_nsettings = sizeof config_settings / sizeof config_settings[0];
