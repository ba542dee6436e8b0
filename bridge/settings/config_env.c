/* Settings of the environment and of the command line. */
#include <stdio.h>
#include <string.h>

#include "bridge/settings/config_private.h"

const char *config_find_env(char *const *envp, const char *name)
{
    size_t n = strlen(name);

    for (; *envp; envp++)
        if (strncmp(*envp, name, n) == 0 && (*envp)[n] == '=')
            return *envp + n + 1;
    return NULL;
}

bool config_read_env(struct config *c, char *const *envp, struct buf *problem)
{
    bool ok = true;

    for (size_t i = 0; i < config_nsettings; i++) {
        const struct setting *s = &config_settings[i];
        const char *value = config_find_env(envp, s->env);

        /* An empty variable counts as unset, as in "ROLE=" of a unit's environment file. */
        if (value && value[0])
            ok = config_set(c, s, value, s->env, problem) && ok;
    }
    return ok;
}

/* "--name", "--name=value": the setting (NULL: none such) and the value behind '=' (NULL: none). */
static const struct setting *match(const char *arg, const char **ret_value)
{
    size_t n;

    if (strncmp(arg, "--", 2) != 0)
        return NULL;
    arg += 2;
    n = strcspn(arg, "=");
    *ret_value = arg[n] ? arg + n + 1 : NULL;
    for (size_t i = 0; i < config_nsettings; i++)
        if (strlen(config_settings[i].option) == n &&
            strncmp(config_settings[i].option, arg, n) == 0)
            return &config_settings[i];
    return NULL;
}

/* Is it that option without a value, or "-h" for "--help"? */
static bool is_flag(const char *arg, const char *option)
{
    return (strncmp(arg, "--", 2) == 0 && strcmp(arg + 2, option) == 0) ||
           (strcmp(arg, "-h") == 0 && strcmp(option, "help") == 0);
}

const char *config_find_arg(int argc, char *const *argv, const char *option)
{
    const char *found = NULL; /* the last occurrence counts, as with every option */

    for (int i = 1; i < argc; i++) {
        const char *value;
        const struct setting *s = match(argv[i], &value);

        if (s && strcmp(s->option, option) == 0)
            found = value ? value : i + 1 < argc ? argv[i + 1] : NULL;
        if (s && s->argument && !value)
            i++; /* the next argument is the option's value, even if it begins with "--" */
        else if (!s && is_flag(argv[i], option))
            return "";
    }
    return found;
}

bool config_read_args(struct config *c, int argc, char *const *argv, struct buf *problem)
{
    bool ok = true;

    for (int i = 1; i < argc; i++) {
        const char *value;
        const struct setting *s = match(argv[i], &value);
        char source[64];

        if (!s) {
            buf_printf(problem, "%.100s: %s (see --help)\n", argv[i],
                       argv[i][0] == '-' ? "no such option" : "an argument without an option");
            ok = false;
            continue;
        }
        snprintf(source, sizeof source, "--%s", s->option);
        if (!value && !s->argument)
            value = "true";
        if (!value && i + 1 < argc)
            value = argv[++i];
        /* An empty value mostly comes from an unset variable of a script; an empty --server-url,
         * for example, would silently mean WhatsApp's own server. */
        if (!value || !value[0]) {
            buf_printf(problem, "%s: a value is missing\n", source);
            ok = false;
            continue;
        }
        ok = config_set(c, s, value, source, problem) && ok;
    }
    return ok;
}
