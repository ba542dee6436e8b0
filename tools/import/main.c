/* bridge-import: takes over the linked device of another program. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/core_dumps.h"
#include "base/path_text.h"
#include "base/secret.h"
#include "tools/empty_value.h"
#include "tools/import/import.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_LOCKED = 3 };

static const char usage[] =
    "usage: bridge-import baileys DIR --store DIR [--dry-run]\n"
    "\n"
    "Makes STORE/whatsapp.db out of a multi-file auth state of Baileys (creds.json and the key "
    "files\n"
    "beside it), so that whatsapp-bridge goes on as the same linked device, without pairing. The\n"
    "directory is only read; a whatsapp.db that is there is never overwritten.\n"
    "  --store DIR   the bridge's store directory; made when it is missing\n"
    "  --dry-run     read and check everything, write nothing\n"
    "  --core-dumps  for developers: core dumps and debuggers may see the keys (also\n"
    "                " CORE_DUMPS_ENV "=true)\n"
    "  -h, --help, --version\n"
    "Stop the Baileys program first.\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 the store is in use.\n";

/* false: standard error has one line that says what is wrong with the arguments. */
static bool rightly_used(int n, char **words, const char *store)
{
    const char *why = NULL;

    if (n > 0 && strcmp(words[0], "baileys") != 0) {
        fprintf(stderr,
                "bridge-import: '%s' cannot be imported, only 'baileys'. The store of a Go bridge "
                "needs no import: start whatsapp-bridge on it\n",
                words[0]);
        return false;
    }
    if (n < 2)
        why = n == 0 ? "what to import is missing: baileys DIR" : "baileys: DIR is missing";
    else if (n > 2)
        why = "one argument too many";
    else if (!store)
        why = "--store is missing";
    if (why)
        fprintf(stderr, "bridge-import: %s; see --help\n", why);
    return !why;
}

static void print_counts(const struct import_report *r, bool carried)
{
    for (enum file_kind k = FILE_LID_MAPPING; k < FILE_KIND_COUNT; k++) {
        const struct import_count *c = &r->counts[k];

        if (carried && c->carried)
            printf("  %-32s %zu\n", file_kind_word(k), c->carried);
        if (!carried && c->lost)
            printf("  %-32s %zu (first: %s%s%s)\n", file_kind_word(k), c->lost, c->first_lost,
                   c->first_why ? ": " : "", c->first_why ? wb_err_text(c->first_why) : "");
    }
}

static bool any_lost(const struct import_report *r)
{
    for (enum file_kind k = FILE_LID_MAPPING; k < FILE_KIND_COUNT; k++)
        if (r->counts[k].lost)
            return true;
    return false;
}

static void print_report(const struct import_options *o, const struct import_report *r)
{
    char jid[JID_TEXT_MAX], lid[JID_TEXT_MAX];
    struct buf store = buf_new(4 * STORE_PATH_MAX); /* a quote in the path takes four bytes */

    printf("%s %s%s%s\n", o->dry_run ? "Would import" : "Imported", jid_text(&r->jid, jid),
           jid_is_none(&r->lid) ? "" : ", ", jid_is_none(&r->lid) ? "" : jid_text(&r->lid, lid));
    printf("Carried over: the identity of the linked device, and\n");
    print_counts(r, true);
    printf("  no prekey id up to %u is used again\n", (unsigned)r->prekey_high);
    if (any_lost(r)) {
        printf("Not carried over:\n");
        print_counts(r, false);
        printf("  A session, sender key or list that is missing is set up afresh on first use.\n");
    }
    printf("Never in a Baileys directory: chats and messages (messages.db begins empty), and what "
           "was\n"
           "sent lately, so that a contact who asks for such a message again gets none.\n");
    if (o->dry_run)
        return;
    path_shell_word(&store, o->store);
    printf(
        "\n"
        "Start it: whatsapp-bridge --phone +%s --store %s\n"
        "From the first connection on the encryption keys move on here. The Baileys program must\n"
        "never be started again with %s: two programs on one session destroy it.\n"
        "To go back, before the bridge was started: move %s/whatsapp.db away and start Baileys.\n"
        "Afterwards: link Baileys anew, in an empty directory.\n",
        r->jid.user, buf_text(&store), o->from, o->store);
    buf_free(&store);
}

static int exit_status(enum wb_err err)
{
    return err == WB_OK ? 0 : err == WB_ERR_LOCKED ? EXIT_LOCKED : EXIT_FAILED;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"store", required_argument, NULL, 's'}, {"dry-run", no_argument, NULL, 'n'},
        {"core-dumps", no_argument, NULL, 'c'},  {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},     {NULL, 0, NULL, 0}};
    struct import_options o = {.clock = &clock_system, .rng = &rng_system};
    struct import_report report;
    int c, at = 0;

    core_dumps_guard(argc, argv);
    while ((c = getopt_long(argc, argv, "h", options, &at)) != -1) {
        if (empty_value("bridge-import", options[at].name, optarg))
            return EXIT_USAGE;
        if (c == 's') {
            o.store = optarg;
        } else if (c == 'n') {
            o.dry_run = true;
        } else if (c == 'c') {
            continue; /* core_dumps_guard() has seen it */
        } else if (c == 'v') {
            puts("bridge-import " WB_VERSION);
            return 0;
        } else {
            if (c == 'h') /* else getopt has said what is wrong with it */
                fputs(usage, stdout);
            return c == 'h' ? 0 : EXIT_USAGE;
        }
    }
    if (!rightly_used(argc - optind, argv + optind, o.store))
        return EXIT_USAGE;
    o.from = argv[optind + 1];
    if (secret_init() != WB_OK)
        return EXIT_FAILED;
    enum wb_err err = import_baileys(&o, &report);
    if (err == WB_OK)
        print_report(&o, &report);
    else
        fprintf(stderr, "bridge-import: %s\nNothing was changed.\n", report.text);
    return exit_status(err);
}
