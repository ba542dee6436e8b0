/* config.h - the settings: defaults < YAML file < environment < command line (in this
 * rising order). The room settings/ reads and checks them; it knows nothing of the parts that
 * use them. Every setting stands once in the table of config_table.c, with its three names,
 * default and help text. */
#ifndef BRIDGE_SETTINGS_CONFIG_H
#define BRIDGE_SETTINGS_CONFIG_H

#include "base/buf.h"
#include "base/log.h"
#include "crypto/prim_x25519.h"
#include "proto/jid.h"

enum timestamp_format { TIMESTAMP_AUTO, TIMESTAMP_INTEGER, TIMESTAMP_TEXT };
enum presence_setting { PRESENCE_UNAVAILABLE, PRESENCE_AVAILABLE };
/* What to do about people's linked devices that their account does not vouch for: nothing, warn,
 * or refuse (trust.h). */
enum adv_check_setting { ADV_CHECK_OFF, ADV_CHECK_WARN, ADV_CHECK_REFUSE };

struct monitored_group {
    struct jid jid;
    char *name; /* as the operator calls it; may be "" */
};

/* All texts are owned and never NULL ("" is "not set"); paths are as the process will open them. */
struct config {
    char *config_file;
    struct jid phone; /* PN form; JID_NONE: take the number of the store, or of the first pairing */
    char *store_dir;
    char *db_path;          /* messages.db */
    char *whatsapp_db_path; /* whatsapp.db */
    char *media_dir, *backups_dir;
    char *role; /* upper-cased in log lines */
    char *bind;
    uint16_t port; /* 0: any free one, printed in the log */
    char *api_token_file;
    char *api_token; /* content of api_token_file without the newline; "" when there is none */
    char *api_hosts; /* comma-separated Host names that are ours besides the address */
    bool pair_code;
    char *log_file;
    enum log_level log_level;
    enum log_format log_format;
    bool log_messages; /* log lines about messages hold the messages' texts */
    char *server_url;  /* "": WhatsApp */
    bool has_root_key;
    uint8_t root_key[X25519_KEY_BYTES];
    char *ca_file;
    uint32_t wa_version; /* the N of 2.3000.N; 0: the bridge finds it out */
    enum timestamp_format timestamp_format;
    char *readers_group;
    char *push_name;
    char *device_name; /* what the phone lists under Linked devices */
    enum presence_setting presence;
    enum adv_check_setting adv_check; /* devices that their account does not vouch for */
    uint32_t first_contact_s;         /* first_contact.h */
    uint32_t backup_every_s;          /* 0: no scheduled backups */
    uint32_t backup_keep, backup_keep_days;
    uint32_t history_back_s; /* asked of the phone when messages.db was begun anew */
    char *backup_hook;       /* a program, run with the path of each backup made */
    char *backup_public_key, *backup_passphrase_file; /* files; at most one is set */
    bool core_dumps;                                  /* for developers: base/core_dumps.h */
    struct monitored_group *groups;
    size_t ngroups;
};

/* What the command line asks for: a run, or --help or --version. */
enum config_action { CONFIG_RUN, CONFIG_HELP, CONFIG_VERSION };

/* argv and envp as in main(). On failure (INVALID, IO, NOMEM, TOO_LARGE) problem holds one or
 * more lines for stderr, each naming the culprit (option, key, variable, file and line). Nothing
 * is opened for writing. With HELP and VERSION the caller must free *ret_config, too. */
enum wb_err config_load(int argc, char *const *argv, char *const *envp, struct config *ret_config,
                        enum config_action *ret_action, struct buf *problem) WB_MUST_CHECK;
/* On SIGHUP: reads the settings again and takes over those that may change while running (log
 * level, role, monitored groups, push name, presence, token ...). The names of settings that
 * changed but need a restart are appended to notes. On failure the running settings stay. */
enum wb_err config_reload(struct config *c, int argc, char *const *argv, char *const *envp,
                          struct buf *notes, struct buf *problem) WB_MUST_CHECK;
void config_free(struct config *c);

/* The text of --help. */
void config_help(struct buf *out);

/* The entry for a group in monitored_groups; NULL when it is not monitored. */
const struct monitored_group *config_group(const struct config *c, const struct jid *jid);

#endif
