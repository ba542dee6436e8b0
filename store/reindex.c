#include "store/reindex.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/backup_copy.h"
#include "store/db_check.h"
#include "store/files.h"
#include "store/state.h"

static enum wb_err keep_copy(struct store *s, const char *path, char ret[STORE_PATH_MAX],
                             char why[256])
{
    const struct backup_job job = {.clock = s->clock};
    char copy[STORE_PATH_MAX];
    struct db from = {0};
    enum wb_err err;
    TRY(files_free_name(path, "damaged", clock_unix_s(s->clock), copy));
    memcpy(ret, copy, sizeof copy);
    TRY(backup_snapshot(&from, path));
    TRY(backup_copy(&from, copy, &job));
    err = files_sync_dir_of(copy);
out:
    if (err != WB_OK)
        snprintf(why, 256, "its indexes are damaged, and no copy can be kept of it: %.160s",
                 from.error[0] ? from.error : wb_err_text(err));
    db_close(&from);
    return err;
}

/* All or nothing. ratchets: what may be old is not mended. */
static enum wb_err make_anew(struct db *d, bool ratchets)
{
    struct db_faulty faulty;
    bool indexes, may_be_old = false, lacked = false;
    enum wb_err err = WB_OK;
    if (ratchets)
        err = db_faulty_look(d, &faulty);
    if (err == WB_ERR_DB) { /* a build of SQLite that cannot tell */
        memset(&faulty, 0, sizeof faulty);
        err = WB_OK;
    }
    TRY(err);
    TRY(db_begin_unmarked(d));
    err = db_exec(d, "REINDEX");
    if (err == WB_ERR_DB)
        err = WB_ERR_DB_CORRUPT; /* rows that break the rule of a unique index */
    TRY(err);
    if (ratchets)
        TRY(db_faulty_lacked_rows(d, &faulty, &lacked));
    may_be_old = ratchets && !lacked;
    TRY(may_be_old ? WB_ERR_DB_CORRUPT : WB_OK);
    TRY(db_check(d, true, &indexes));
    err = db_commit(d);
out:
    if (err != WB_OK) {
        char text[sizeof d->error];
        memcpy(text, d->error, sizeof text);
        db_rollback(d);
        snprintf(d->error, sizeof d->error, "%s",
                 may_be_old ? "an index has entries whose rows are gone or older: sessions may be"
                              " old"
                            : text);
    }
    return err;
}

static void tell(struct store_open_info *info, const char *path, const char *finding,
                 const char *copy)
{
    const char *base = strrchr(path, '/'), *copy_base = strrchr(copy, '/');
    const size_t n = strlen(info->mended);
    snprintf(info->mended + n, sizeof info->mended - n,
             "%s%s had damaged indexes (%.100s); they were made anew, no row was changed; the file "
             "as it was: %s",
             n ? "; " : "", base ? base + 1 : path, finding, copy_base ? copy_base + 1 : copy);
}

static enum wb_err mend(struct store *s, struct db *d, bool is_copy, struct store_open_info *info)
{
    char copy[STORE_PATH_MAX] = "", finding[sizeof d->error], why[256] = "";
    const bool whatsapp = d == &s->wa;
    enum wb_err err;
    memcpy(finding, d->error, sizeof finding);
    if (!is_copy)
        TRY(keep_copy(s, d->path, copy, why));
    TRY(make_anew(d, whatsapp && !is_copy));
    d->error[0] = 0;
    d->corrupt = false;
    if (!is_copy)
        tell(info, d->path, finding, copy);
out:
    if (err != WB_OK) {
        if (copy[0])
            unlink(copy); /* the file itself is what it was */
        info->file = whatsapp ? STORE_FILE_WHATSAPP : STORE_FILE_MESSAGES;
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
