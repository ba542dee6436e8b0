#include "store/open/reindex.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "store/backup/backup_copy.h"
#include "store/core/state.h"
#include "store/db/db_check.h"
#include "store/db/stmt.h"
#include "store/files/files.h"
#include "store/session/same_keys.h"

/* Under a name of its own until it is complete: what bears a copy's name is one. */
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

struct anew {
    bool whatsapp;
    bool only_try;
    bool ratchets; /* whose rows must not be old: no copy, which is made harmless by other means */
    struct db_faulty faulty;
    bool known; /* what was wrong */
    struct same_keys same;
    size_t kept; /* tables whose indexes cannot be made anew */
    char kept_why[160];
    bool lost_rows;   /* entries stood there whose rows are gone, or other ones */
    bool may_be_old;  /* and these may be sessions */
    bool for_nothing; /* no index could be mended, and nothing was changed */
};

static enum wb_err look(struct db *d, struct anew *n)
{
    enum wb_err err = db_faulty_look(d, &n->faulty);
    n->known = err == WB_OK;
    if (err == WB_ERR_DB) { /* a build of SQLite that cannot tell */
        memset(&n->faulty, 0, sizeof n->faulty);
        err = WB_OK;
    }
    return err;
}

static enum wb_err one_table(struct db *d, const char *table, struct anew *n)
{
    char *sql = sqlite3_mprintf("REINDEX main.\"%w\"", table);
    enum wb_err err, made;
    if (!sql)
        return WB_ERR_NOMEM;
    TRY(db_exec(d, "SAVEPOINT one_table"));
    made = db_exec(d, sql);
    if (made == WB_ERR_DB) {
        if (n->kept++ == 0)
            snprintf(n->kept_why, sizeof n->kept_why, "%.150s", d->error);
        TRY(db_exec(d, "ROLLBACK TO one_table"));
        made = WB_OK;
    }
    TRY(made);
    err = db_exec(d, "RELEASE one_table");
out:
    sqlite3_free(sql);
    return err;
}

static enum wb_err each_table(struct db *d, struct anew *n)
{
    char table[128] = "";
    struct stmt q;
    enum wb_err err;
    for (;;) {
        TRY(stmt_read(&q, d,
                      "SELECT min(name) FROM sqlite_master WHERE type = 'table' AND name > ?"));
        stmt_text(&q, table);
        err = stmt_step(&q);
        if (err == WB_OK)
            stmt_col_text(&q, 0, table, sizeof table);
        stmt_end(&q);
        TRY(err);
        if (!table[0])
            break;
        TRY(one_table(d, table, n));
    }
out:
    return err;
}

/* Rows that one key has twice are seen to where REINDEX meets them. */
static enum wb_err new_indexes(struct db *d, struct anew *n)
{
    enum wb_err err;
    TRY(db_exec(d, "SAVEPOINT anew"));
    err = db_exec(d, "REINDEX");
    if (err == WB_ERR_DB) {
        TRY(db_exec(d, "ROLLBACK TO anew"));
        TRY(same_keys_remove(d, n->whatsapp, &n->same));
        TRY(look(d, n)); /* the rows that are gone take their entries along */
        TRY(each_table(d, n));
        /* Whether the others are old cannot be told. */
        if (n->whatsapp && n->kept) {
            snprintf(d->error, sizeof d->error, "%s", n->kept_why);
            err = WB_ERR_DB_CORRUPT;
        }
    }
    TRY(err);
    err = db_exec(d, "RELEASE anew");
out:
    return err;
}

/* What stays as it was is no worse than before. */
static enum wb_err check_anew(struct db *d, struct anew *n, size_t before)
{
    struct db_found found;
    enum wb_err err = db_check(d, true, &found);
    if (err != WB_ERR_DB_CORRUPT || !n->kept || found.indexes == 0)
        return err;
    n->for_nothing = n->same.removed == 0 && n->same.numbered == 0 && found.indexes >= before;
    return WB_OK;
}

/* All or nothing. */
static enum wb_err make_anew(struct db *d, struct anew *n)
{
    bool lacked = false;
    enum wb_err err;
    TRY(db_exec(d, "PRAGMA foreign_keys = OFF"));
    TRY(look(d, n));
    const size_t before = n->faulty.findings;
    TRY(db_begin_unmarked(d));
    TRY(new_indexes(d, n));
    if (!n->kept)
        TRY(db_faulty_lacked_rows(d, &n->faulty, &lacked));
    n->may_be_old = n->ratchets && !lacked;
    n->lost_rows = n->known && !n->kept && !lacked;
    TRY(n->may_be_old ? WB_ERR_DB_CORRUPT : WB_OK);
    TRY(check_anew(d, n, before));
    if (!n->for_nothing && !n->only_try)
        err = db_commit(d);
out:
    if (err != WB_OK || n->for_nothing || n->only_try) {
        char text[sizeof d->error];
        memcpy(text, d->error, sizeof text);
        db_rollback(d);
        snprintf(d->error, sizeof d->error, "%s",
                 n->may_be_old ? "an index has entries whose rows are gone or older: sessions may"
                                 " be old"
                               : text);
    }
    if (err == WB_OK)
        err = db_exec(d, "PRAGMA foreign_keys = ON");
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
                 const struct anew *n, const char *copy)
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
    struct anew n = {.whatsapp = d == &s->wa};
    enum wb_err err;
    n.ratchets = n.whatsapp && !is_copy;
    memcpy(finding, d->error, sizeof finding);
    if (!is_copy)
        TRY(keep_copy(s, d->path, copy, why));
    TRY(make_anew(d, &n));
    d->error[0] = 0;
    d->corrupt = false;
    if (n.for_nothing)
        store_note_ignored(info, d->path, finding);
    else if (!is_copy)
        tell(info, d->path, finding, &n, copy);
    s->lost_rows = s->lost_rows || (n.lost_rows && !n.whatsapp && !is_copy);
out:
    if (copy[0] && (err != WB_OK || n.for_nothing))
        unlink(copy); /* the file itself is what it was */
    if (err != WB_OK) {
        info->file = n.whatsapp ? STORE_FILE_WHATSAPP : STORE_FILE_MESSAGES;
        snprintf(info->text, sizeof info->text, "%.240s: %s", d->path,
                 why[0]        ? why
                 : d->error[0] ? d->error
                               : wb_err_text(err));
    }
    return err;
}

enum wb_err store_reindex_helps(const char *path, bool *ret)
{
    struct anew n = {.whatsapp = false, .only_try = true};
    struct db d = {0};
    enum wb_err err;
    TRY(db_open(&d, path));
    err = make_anew(&d, &n);
    *ret = err != WB_OK || !n.for_nothing;
    if (err == WB_ERR_DB_CORRUPT)
        err = WB_OK;
out:
    db_close(&d);
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
