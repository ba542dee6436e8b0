/* config_private.h - the table of settings; for the files of this room. */
#ifndef BRIDGE_SETTINGS_CONFIG_PRIVATE_H
#define BRIDGE_SETTINGS_CONFIG_PRIVATE_H

#include "bridge/settings/config.h"

/* Reads value into c; false: *ret_why says in a few words what is wanted. */
typedef bool setting_fn(struct config *c, size_t offset, const char *value, const char **ret_why);

struct setting {
    const char *option;   /* without "--" */
    const char *argument; /* in the help; NULL: an option without a value */
    const char *yaml;
    const char *env;
    const char *fallback; /* the default, as text; "" is "not set" */
    const char *help;
    setting_fn *set;
    size_t offset; /* of the field in struct config */
    size_t size;   /* of the field */
    bool text;     /* the field is an owned char * */
    bool live;     /* SIGHUP may change it */
};

/* config_table.c */
extern const struct setting config_settings[];
extern const size_t config_nsettings;

enum { PATH_BYTES_MAX = 4000 };

/* Puts a copy into a field that is an owned char *. False: no memory. */
bool config_put_text(struct config *c, size_t offset, const char *value);

/* Where a value came from, for messages: "--port", "WHATSAPP_PORT", "bridge.yaml:3: port". */
struct config_source {
    const char *text;
};

/* Sets one setting. A bad value: false, and one line about it is appended to problem. */
bool config_set(struct config *c, const struct setting *s, const char *value, const char *source,
                struct buf *problem);
/* Adds one monitored group. */
bool config_add_group(struct config *c, const char *jid, const char *name, const char *source,
                      struct buf *problem);
void config_clear_groups(struct config *c);
setting_fn config_set_groups;

/* config_yaml.c: false after appending to problem. */
bool config_read_yaml(struct config *c, const char *path, struct buf *problem);
/* config_files.c: checks the files that the settings name; false after appending to problem. */
bool config_check_files(const struct config *c, struct buf *problem);
/* config_env.c */
bool config_read_env(struct config *c, char *const *envp, struct buf *problem);
bool config_read_args(struct config *c, int argc, char *const *argv, struct buf *problem);
/* The value of one option or variable, looked up before the settings are read (for --config,
 * --help); NULL when absent. */
const char *config_find_arg(int argc, char *const *argv, const char *option);
const char *config_find_env(char *const *envp, const char *name);

#endif
