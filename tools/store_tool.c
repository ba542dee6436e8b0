#include "tools/store_tool.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "tools/empty_value.h"

enum { GOOD = 0, TOLD = '?' }; /* results of read_options(), besides 'h' and 'v' */

/* Prints one line: the whole help would hide what is wrong. */
static int wrong(const struct store_tool *t, const char *what, const char *how)
{
    fprintf(stderr, "%s: %s%s; see --help\n", t->name, what, how);
    return TOLD;
}

static int judge(const struct store_tool *t, const struct store_tool_args *a, char *left_over)
{
    if (left_over)
        return wrong(t, left_over, ": one argument too many");
    if (!a->store)
        return wrong(t, "--store", " is missing");
    if (!t->takes_to)
        return GOOD;
    if (!a->to)
        return wrong(t, "--to", " is missing");
    if (strcmp(a->to, "integer") == 0 || strcmp(a->to, "text") == 0)
        return GOOD;
    fprintf(stderr, "%s: --to: '%s' is not integer or text; see --help\n", t->name, a->to);
    return TOLD;
}

static int read_options(const struct store_tool *t, int argc, char **argv,
                        struct store_tool_args *a)
{
    static const struct option all[] = {{"to", required_argument, NULL, 't'},
                                        {"store", required_argument, NULL, 's'},
                                        {"db-path", required_argument, NULL, 'm'},
                                        {"messages", required_argument, NULL, 'm'},
                                        {"whatsapp-db-path", required_argument, NULL, 'w'},
                                        {"dry-run", no_argument, NULL, 'n'},
                                        {"core-dumps", no_argument, NULL, 'c'},
                                        {"help", no_argument, NULL, 'h'},
                                        {"version", no_argument, NULL, 'v'},
                                        {NULL, 0, NULL, 0}};
    const struct option *options = t->takes_to ? all : all + 1;
    int c, at = 0;

    while ((c = getopt_long(argc, argv, "h", options, &at)) != -1) {
        if (empty_value(t->name, options[at].name, optarg))
            return TOLD;
        if (c == 's')
            a->store = optarg;
        else if (c == 'm')
            a->messages = optarg;
        else if (c == 'w')
            a->whatsapp = optarg;
        else if (c == 't')
            a->to = optarg;
        else if (c == 'n')
            a->dry_run = true;
        else if (c == 'c') /* core_dumps_guard() has seen it */
            continue;
        else /* '?': getopt has said what is wrong with it */
            return c;
    }
    return judge(t, a, argv[optind]);
}

/* The path that was given, or else that of name in the store. */
static bool path(char out[static STORE_PATH_MAX], const char *given, const char *store,
                 const char *name)
{
    int n = given ? snprintf(out, STORE_PATH_MAX, "%s", given)
                  : snprintf(out, STORE_PATH_MAX, "%s/%s", store, name);

    return n > 0 && n < STORE_PATH_MAX;
}

bool store_tool_args(const struct store_tool *t, int argc, char **argv,
                     struct store_tool_args *ret_args, int *ret_status)
{
    struct store_tool_args *a = ret_args;
    int other;

    *a = (struct store_tool_args){0};
    *ret_status = TOOL_USAGE;
    other = read_options(t, argc, argv, a);
    if (other == 'h')
        fputs(t->usage, stdout);
    else if (other == 'v')
        printf("%s %s\n", t->name, WB_VERSION);
    if (other == 'h' || other == 'v')
        *ret_status = 0;
    if (other != GOOD)
        return false;
    if (path(a->whatsapp_path, a->whatsapp, a->store, "whatsapp.db") &&
        path(a->messages_path, a->messages, a->store, "messages.db") &&
        path(a->backups, NULL, a->store, "backups"))
        return true;
    fprintf(stderr, "%s: the path is too long\n", t->name);
    return false;
}
