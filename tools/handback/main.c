/* bridge-handback: makes a store ready for a Go bridge that knows no LIDs. */
#include <stdio.h>
#include <string.h>

#include "base/core_dumps.h"
#include "base/path_text.h"
#include "base/secret.h"
#include "store/open/handback_job.h"
#include "tools/store_tool.h"

static const char usage[] =
    "usage: bridge-handback --store DIR [--dry-run]\n"
    "\n"
    "Makes the store ready for a Go bridge whose whatsmeow knows no LIDs (from before April 2025, "
    "like\n"
    "the build that whatsapp-mcp pins): sessions, identities and sender keys, which "
    "whatsapp-bridge "
    "keeps\n"
    "under LIDs, are filed under phone numbers, with all that is in them. A backup of both "
    "databases is\n"
    "made first. Stop the bridge before. To come back just start whatsapp-bridge again: it takes "
    "what the\n"
    "Go bridge has written. A newer Go bridge needs none of this.\n"
    "  --store DIR              the bridge's store directory\n"
    "  --db-path FILE           messages.db, when it is not in the store (also --messages)\n"
    "  --whatsapp-db-path FILE  whatsapp.db, when it is not in the store\n"
    "  --dry-run                say what would be done, and leave everything as it is\n"
    "  --core-dumps             for developers: core dumps and debuggers may see the keys (also\n"
    "                           " CORE_DUMPS_ENV "=true)\n"
    "  -h, --help, --version\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 in use (by whom is printed)\n";

static const struct store_tool tool = {"bridge-handback", usage, false};

static const char *some(size_t n, const char *one, const char *more)
{
    return n == 1 ? one : more;
}

static void print_left(const struct handback_result *r)
{
    const struct handback_counts *c = &r->counts;

    if (c->no_number)
        printf("  %zu %s alone: nobody has said yet which %s\n", c->no_number,
               some(c->no_number, "record stays under a LID", "records stay under LIDs"),
               some(c->no_number, "number that is", "numbers those are"));
    if (c->receive_only)
        printf("  %zu %s with us: the Go bridge sets up\n  %s\n", c->receive_only,
               some(c->receive_only, "session only receives, since a restore, and stays",
                    "sessions only receive, since a restore, and stay"),
               some(c->receive_only, "a new one", "new ones"));
    if (c->unreadable)
        printf("  %zu %s\n", c->unreadable,
               some(c->unreadable, "record cannot be read, and is left as it is",
                    "records cannot be read, and are left as they are"));
    if (r->waiting)
        printf("  %zu %s when it\n  runs again (as far as %s)\n", r->waiting,
               some(r->waiting,
                    "message waits to be sent: only whatsapp-bridge knows of it, and sends it",
                    "messages wait to be sent: only whatsapp-bridge knows of them, and sends them"),
               some(r->waiting, "it has not expired", "they have not expired"));
}

static void print_option(struct buf *out, const char *option, const char *value)
{
    if (!value)
        return;
    buf_printf(out, " --%s ", option);
    path_shell_word(out, value);
}

/* Programs that read messages.db beside the old build may expect times as text. */
static void print_times(const struct store_tool_args *a)
{
    struct buf command = buf_new(16 * STORE_PATH_MAX);

    buf_append_cstr(&command, "bridge-convert-timestamps");
    print_option(&command, "store", a->store);
    print_option(&command, "db-path", a->messages);
    print_option(&command, "whatsapp-db-path", a->whatsapp);
    printf("The times in messages.db are numbers; if the readers of the Go bridge want text:\n"
           "  %s --to text\n",
           buf_text(&command));
    buf_free(&command);
}

static void print_result(const struct store_tool_args *a, const struct handback_result *r)
{
    const struct handback_counts *c = &r->counts;

    printf("%s under phone numbers: %zu %s, %zu %s, %zu %s\n", a->dry_run ? "Would file" : "Filed",
           c->sessions, some(c->sessions, "session", "sessions"), c->identities,
           some(c->identities, "identity", "identities"), c->sender_keys,
           some(c->sender_keys, "sender key", "sender keys"));
    print_left(r);
    if (r->backup[0])
        printf("As it was before: %s/%s\n", a->backups, r->backup);
    if (r->times == STORE_TIME_INTEGER)
        print_times(a);
    if (!a->dry_run)
        printf("Now start the Go bridge on %s. To come back: stop it, and start whatsapp-bridge.\n",
               a->store);
}

int main(int argc, char **argv)
{
    struct store_tool_args a;
    struct handback_result r;
    int status;

    core_dumps_guard(argc, argv);
    if (!store_tool_args(&tool, argc, argv, &a, &status))
        return status;
    if (secret_init() != WB_OK)
        return TOOL_FAILED;
    const struct handback_job job = {
        .whatsapp_path = a.whatsapp_path,
        .messages_path = a.messages_path,
        .backups_dir = a.backups,
        .command = tool.name,
        .dry_run = a.dry_run,
        .clock = &clock_system,
        .rng = &rng_system,
    };
    enum wb_err err = store_handback_job(&job, &r);
    if (r.tightened[0] && err != WB_ERR_INVALID) /* with INVALID this text is the error itself */
        fprintf(stderr, "bridge-handback: %s\n", r.tightened);
    if (r.mended[0])
        fprintf(stderr, "bridge-handback: %s\n", r.mended);
    if (err != WB_OK) {
        fprintf(stderr, "bridge-handback: %s. %s\n", r.text[0] ? r.text : wb_err_text(err),
                r.changed                       ? "The store was handed back before that."
                : r.tightened[0] || r.mended[0] ? "Nothing was handed back."
                                                : "Nothing was changed.");
        return err == WB_ERR_LOCKED ? TOOL_LOCKED : TOOL_FAILED;
    }
    print_result(&a, &r);
    return 0;
}
