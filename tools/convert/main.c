/* bridge-convert-timestamps: the times of a messages.db from text to numbers, or back. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/core_dumps.h"
#include "base/secret.h"
#include "store/core/guard.h"
#include "store/open/time_convert.h"
#include "tools/store_tool.h"

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

static const struct store_tool tool = {"bridge-convert-timestamps", usage, true};

static void print_result(const struct store_tool_args *a, const struct time_convert_result *r)
{
    printf("%s to %s: %" PRId64 " message%s, %" PRId64 " chat%s\n",
           a->dry_run ? "Would convert" : "Converted", a->to, r->messages,
           r->messages == 1 ? "" : "s", r->chats, r->chats == 1 ? "" : "s");
    if (r->unreadable)
        printf("Left as they are, being no times: %" PRId64 "\n", r->unreadable);
    if (r->backup[0])
        printf("As it was before: %s/%s\n", a->backups, r->backup);
}

/* Says which rights of others were taken away. */
static void print_modes(const struct time_convert_result *r, const char *messages_path,
                        enum wb_err err)
{
    struct buf text = buf_new(4 * STORE_PATH_MAX);

    if (r->tightened[0] && err != WB_ERR_INVALID) /* with INVALID this text is the error itself */
        fprintf(stderr, "bridge-convert-timestamps: %s\n", r->tightened);
    if (r->readers_shut_out) {
        store_shut_out_text(messages_path, &text);
        fprintf(stderr, "bridge-convert-timestamps: %s\n", buf_text(&text));
    }
    buf_free(&text);
}

int main(int argc, char **argv)
{
    struct store_tool_args a;
    struct time_convert_result r;
    int status;

    core_dumps_guard(argc, argv);
    if (!store_tool_args(&tool, argc, argv, &a, &status))
        return status;
    if (secret_init() != WB_OK)
        return TOOL_FAILED;
    const struct time_convert_job job = {
        .whatsapp_path = a.whatsapp_path,
        .messages_path = a.messages_path,
        .backups_dir = a.backups,
        .command = tool.name,
        .to = strcmp(a.to, "text") == 0 ? STORE_TIME_TEXT : STORE_TIME_INTEGER,
        .dry_run = a.dry_run,
        .clock = &clock_system,
    };
    enum wb_err err = store_time_convert(&job, &r);
    print_modes(&r, job.messages_path, err);
    if (err != WB_OK) {
        fprintf(stderr, "bridge-convert-timestamps: %s. %s was changed.\n",
                r.text[0] ? r.text : wb_err_text(err), r.tightened[0] ? "No time" : "Nothing");
        return err == WB_ERR_LOCKED ? TOOL_LOCKED : TOOL_FAILED;
    }
    print_result(&a, &r);
    return 0;
}
