/* config_groups.c - the monitored groups among the settings. */
#include <stdlib.h>
#include <string.h>

#include "bridge/settings/config_private.h"
#include "bridge/settings/limits.h"

void config_clear_groups(struct config *c)
{
    for (size_t i = 0; i < c->ngroups; i++)
        free(c->groups[i].name);
    free(c->groups);
    c->groups = NULL;
    c->ngroups = 0;
}

bool config_add_group(struct config *c, const char *jid, const char *name, const char *source,
                      struct buf *problem)
{
    struct monitored_group g;
    struct monitored_group *more;

    if (jid_parse_cstr(jid, &g.jid) != WB_OK || g.jid.server != JID_GROUP || !g.jid.user[0]) {
        buf_printf(problem, "%s: '%.80s' is not the JID of a group (...@g.us)\n", source, jid);
        return false;
    }
    if (c->ngroups >= CONFIG_GROUPS_MAX) {
        buf_printf(problem, "%s: more than %d groups\n", source, CONFIG_GROUPS_MAX);
        return false;
    }
    g.name = strdup(name);
    more = realloc(c->groups, (c->ngroups + 1) * sizeof *more);
    if (!g.name || !more) {
        free(g.name);
        if (more)
            c->groups = more;
        return false;
    }
    c->groups = more;
    c->groups[c->ngroups++] = g;
    return true;
}

/* "JID[=NAME],JID[=NAME]..." of the environment and the command line. */
bool config_set_groups(struct config *c, size_t offset, const char *value, const char **ret_why)
{
    char *all = strdup(value);
    char *rest = all;
    bool ok = all != NULL;

    (void)offset;
    *ret_why = "JID[=NAME], separated by commas; a group's JID ends in @g.us";
    config_clear_groups(c);
    while (ok && rest && *rest) {
        char *item = strsep(&rest, ",");
        char *name = strchr(item, '=');
        struct buf quiet = buf_new(1024);

        if (name)
            *name++ = '\0';
        ok = config_add_group(c, item, name ? name : "", "", &quiet);
        buf_free(&quiet);
    }
    free(all);
    return ok;
}

const struct monitored_group *config_group(const struct config *c, const struct jid *jid)
{
    for (size_t i = 0; i < c->ngroups; i++)
        if (jid_same_user(&c->groups[i].jid, jid))
            return &c->groups[i];
    return NULL;
}
