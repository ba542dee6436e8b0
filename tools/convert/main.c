/* bridge-convert-timestamps: the times of a messages.db from text to numbers, or back. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/core_dumps.h"
#include "base/secret.h"
#include "store/time_convert.h"
#include "tools/empty_value.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_LOCKED = 3 };
enum { EMPTY = 'e' }; /* of read_options(): an empty value, which was told */

static const char usage[] =
    "usage: bridge-convert-timestamps --store DIR --to integer|text [--dry-run]\n"
    "\n"
    "Rewrites the times in messages.db: to Unix seconds, or to the text that a Go bridge writes, "
    "in\n"
    "the time zone of this machine. A backup of both databases is made first. Stop the bridge and\n"
    "what reads the database before, and set timestamp_format to auto or to the new format.\n"
    "  --store DIR              the bridge's store directory\n"
    "  --db-path FILE           messages.db, when it is not in the store (also --messages)\n"
    "  --whatsapp-db-path FILE  whatsapp.db, when it is not in the store\n"
    "  --to integer|text        the format wanted\n"
    "  --dry-run                count only, write nothing\n"
    "  --core-dumps             for developers: core dumps and debuggers may see the keys (also\n"
    "                           " CORE_DUMPS_ENV "=true)\n"
    "  -h, --help, --version\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 the store is in use.\n";

struct options {
    const char *store, *messages, *whatsapp, *to;
    bool dry_run;
};

/* One line: the whole help would hide it. */
static int wrong(const char *what, const char *how)
{
    fprintf(stderr, "bridge-convert-timestamps: %s%s; see --help\n", what, how);
    return '?';
}

static int wrong_format(const char *to)
{
    fprintf(stderr, "bridge-convert-timestamps: --to: '%s' is not integer or text; see --help\n",
            to);
    return '?';
}

/* 0, 'h' for help, 'v' for the version, or '?': standard error has one line that says what is
 * wrong. */
static int read_options(int argc, char **argv, struct options *ret)
{
    static const struct option options[] = {{"store", required_argument, NULL, 's'},
                                            {"db-path", required_argument, NULL, 'm'},
                                            {"messages", required_argument, NULL, 'm'},
                                            {"whatsapp-db-path", required_argument, NULL, 'w'},
                                            {"to", required_argument, NULL, 't'},
                                            {"dry-run", no_argument, NULL, 'n'},
                                            {"core-dumps", no_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};
    int c, at = 0;

    while ((c = getopt_long(argc, argv, "h", options, &at)) != -1) {
        if (empty_value("bridge-convert-timestamps", options[at].name, optarg))
            return EMPTY;
        if (c == 's')
            ret->store = optarg;
        else if (c == 'm')
            ret->messages = optarg;
        else if (c == 'w')
            ret->whatsapp = optarg;
        else if (c == 't')
            ret->to = optarg;
        else if (c == 'n')
            ret->dry_run = true;
        else if (c == 'c') /* core_dumps_guard() has seen it */
            continue;
        else /* '?': getopt has said what is wrong with it */
            return c;
    }
    if (optind != argc)
        return wrong(argv[optind], ": one argument too many");
    if (!ret->store)
        return wrong("--store", " is missing");
    if (!ret->to)
        return wrong("--to", " is missing");
    if (strcmp(ret->to, "integer") != 0 && strcmp(ret->to, "text") != 0)
        return wrong_format(ret->to);
    return 0;
}

static bool path(char out[static STORE_PATH_MAX], const char *store, const char *name)
{
    int n = snprintf(out, STORE_PATH_MAX, "%s/%s", store, name);

    return n > 0 && n < STORE_PATH_MAX;
}

static void print_result(const struct options *o, const struct time_convert_result *r,
                         const char *backups)
{
    printf("%s to %s: %" PRId64 " message%s, %" PRId64 " chat%s\n",
           o->dry_run ? "Would convert" : "Converted", o->to, r->messages,
           r->messages == 1 ? "" : "s", r->chats, r->chats == 1 ? "" : "s");
    if (r->unreadable)
        printf("Left as they are, being no times: %" PRId64 "\n", r->unreadable);
    if (r->backup[0])
        printf("As it was before: %s/%s\n", backups, r->backup);
}

/* What has become of the rights of others. */
static void print_modes(const struct time_convert_result *r, const char *messages_path,
                        enum wb_err err)
{
    struct buf text = buf_new(4 * STORE_PATH_MAX);

    if (r->tightened[0] && err != WB_ERR_INVALID) /* with which it is the failure */
        fprintf(stderr, "bridge-convert-timestamps: %s\n", r->tightened);
    if (r->readers_shut_out) {
        store_shut_out_text(messages_path, &text);
        fprintf(stderr, "bridge-convert-timestamps: %s\n", buf_text(&text));
    }
    buf_free(&text);
}

int main(int argc, char **argv)
{
    char whatsapp[STORE_PATH_MAX], messages[STORE_PATH_MAX], backups[STORE_PATH_MAX];
    struct options o = {0};
    struct time_convert_result r;
    core_dumps_guard(argc, argv);
    int other = read_options(argc, argv, &o);

    if (other == 'h')
        fputs(usage, stdout);
    if (other == 'v')
        puts("bridge-convert-timestamps " WB_VERSION);
    if (other)
        return other == '?' || other == EMPTY ? EXIT_USAGE : 0;
    if (!path(whatsapp, o.store, "whatsapp.db") || !path(messages, o.store, "messages.db") ||
        !path(backups, o.store, "backups")) {
        fprintf(stderr, "bridge-convert-timestamps: the path is too long\n");
        return EXIT_USAGE;
    }
    if (secret_init() != WB_OK)
        return EXIT_FAILED;
    struct time_convert_job job = {
        .whatsapp_path = o.whatsapp ? o.whatsapp : whatsapp,
        .messages_path = o.messages ? o.messages : messages,
        .backups_dir = backups,
        .command = "bridge-convert-timestamps",
        .to = strcmp(o.to, "text") == 0 ? STORE_TIME_TEXT : STORE_TIME_INTEGER,
        .dry_run = o.dry_run,
        .clock = &clock_system,
    };
    enum wb_err err = store_time_convert(&job, &r);
    print_modes(&r, job.messages_path, err);
    if (err != WB_OK) {
        fprintf(stderr, "bridge-convert-timestamps: %s. %s was changed.\n",
                r.text[0] ? r.text : wb_err_text(err), r.tightened[0] ? "No time" : "Nothing");
        return err == WB_ERR_LOCKED ? EXIT_LOCKED : EXIT_FAILED;
    }
    print_result(&o, &r, backups);
    return 0;
}
