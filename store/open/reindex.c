#include "store/open/reindex.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "store/backup/backup_copy.h"
#include "store/backup/indexes_anew.h"
#include "store/core/state.h"
#include "store/files/files.h"

/* The copy has another name until it is complete: a file with a copy's name is complete. */
static enum wb_err keep_copy(struct store *s, const char *path, char ret[STORE_PATH_MAX],
                             char why[256])
{
    const struct backup_job job = {.clock = s->clock};
    char copy[STORE_PATH_MAX], unfinished[STORE_PATH_MAX + 32] = "";
    struct db from = {0};
    enum wb_err err;

    TRY(files_free_name(path, "damaged", clock_unix_s(s->clock), copy));
    snprintf(unfinished, sizeof unfinished, "%s" REINDEX_UNFINISHED, path);
    unlink(unfinished); /* of a run that was ended */
    TRY(backup_snapshot(&from, path));
    TRY(backup_copy(&from, unfinished, &job));
    FAULT_POINT("reindex.copied");
    TRY(rename(unfinished, copy) == 0 ? WB_OK : wb_err_of_errno(errno));
    memcpy(ret, copy, sizeof copy);
    err = files_sync_dir_of(copy);
out:
    if (err != WB_OK) {
        if (unfinished[0])
            unlink(unfinished);
        snprintf(why, 256, "its indexes are damaged, and no copy can be kept of it: %.160s",
                 from.error[0] ? from.error : wb_err_text(err));
    }
    db_close(&from);
    return err;
}

static const char *base_of(const char *path)
{
    const char *base = strrchr(path, '/');

    return base ? base + 1 : path;
}

static void add(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void add(char *out, size_t size, const char *fmt, ...)
{
    const size_t n = strlen(out);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(out + n, size - n, fmt, ap);
    va_end(ap);
}

static void tell(struct store_open_info *info, const char *path, const char *finding,
                 const struct indexes_anew *n, const char *copy)
{
    char *out = info->mended;
    const size_t size = sizeof info->mended;

    add(out, size, "%s%s had damaged indexes (%.100s); they were made anew, ", out[0] ? "; " : "",
        base_of(path), finding);
    if (n->same.removed)
        add(out, size, "%" PRId64 " rows gave way to newer ones with the same key, ",
            n->same.removed);
    if (n->same.numbered)
        add(out, size, "%" PRId64 " messages got a change_seq of their own, ", n->same.numbered);
    if (!n->same.removed && !n->same.numbered)
        add(out, size, "no row was changed, ");
    if (n->kept)
        add(out, size, "those of %zu tables could not be and stay as they are, ", n->kept);
    if (n->lost_rows)
        add(out, size, "messages may be missing: entries stood there without their rows, ");
    add(out, size, "the file as it was: %s", base_of(copy));
}

void store_note_ignored(struct store_open_info *info, const char *path, const char *finding)
{
    if (finding[0])
        add(info->ignored, sizeof info->ignored,
            "%s%s is used as it is, although SQLite's full check says \"%.150s\": its quick check "
            "finds nothing, and new indexes do not mend it",
            info->ignored[0] ? "; " : "", base_of(path), finding);
}

static enum wb_err mend(struct store *s, struct db *d, bool is_copy, struct store_open_info *info)
{
    char copy[STORE_PATH_MAX] = "", finding[sizeof d->error], why[256] = "";
    struct indexes_anew n = {.whatsapp = d == &s->wa};
    enum wb_err err;

    n.ratchets = n.whatsapp && !is_copy;
    memcpy(finding, d->error, sizeof finding);
    if (!is_copy)
        TRY(keep_copy(s, d->path, copy, why));
    TRY(indexes_make_anew(d, &n));
    d->error[0] = 0;
    d->corrupt = false;
    if (n.for_nothing)
        store_note_ignored(info, d->path, finding);
    else if (!is_copy)
        tell(info, d->path, finding, &n, copy);
    s->lost_rows = s->lost_rows || (n.lost_rows && !n.whatsapp && !is_copy);
out:
    if (copy[0] && (err != WB_OK || n.for_nothing))
        unlink(copy); /* not needed: the file itself was not changed */
    if (err != WB_OK) {
        info->file = n.whatsapp ? STORE_FILE_WHATSAPP : STORE_FILE_MESSAGES;
        snprintf(info->text, sizeof info->text, "%.240s: %s", d->path,
                 why[0]        ? why
                 : d->error[0] ? d->error
                               : wb_err_text(err));
    }
    return err;
}

enum wb_err store_reindex(struct store *s, const struct store_config *config,
                          struct store_open_info *info)
{
    enum wb_err err = WB_OK;

    if (s->wa_indexes)
        TRY(mend(s, &s->wa, config->is_copy, info));
    if (s->msg_indexes)
        TRY(mend(s, &s->msg, config->is_copy, info));
out:
    return err;
}
