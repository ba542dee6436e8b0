#include "store/db_check.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TEXT(x)   #x
#define NUMBER(x) TEXT(x)
#define FINDINGS  10000
_Static_assert(FINDINGS == DB_FINDINGS_MAX, "one limit");

/* Finds `what` in a finding of SQLite's, and the index's name behind it. NULL: of another kind. */
static const char *index_behind(const char *finding, const char *what)
{
    const char *at = strstr(finding, what);
    return at ? at + strlen(what) : NULL;
}

enum { MISSING, COUNT, DIFFERS, OTHER };

/* SQLite's words (sqlite3Pragma(), the same since 3.8; "values differ" and "end-of-record" since
 * 3.41). A name of a table that looks like them stands behind other words. */
static int kind_of(const char *finding, const char **ret_index)
{
    static const char count[] = "wrong # of entries in index ";
    if (strncmp(finding, "row ", 4) == 0) {
        if ((*ret_index = index_behind(finding, " missing from index ")))
            return MISSING;
        if ((*ret_index = index_behind(finding, " values differ from index ")))
            return DIFFERS;
    }
    if (strncmp(finding, "rowid not at end-of-record for row ", 35) == 0 &&
        (*ret_index = index_behind(finding, " of index ")))
        return DIFFERS;
    if (strncmp(finding, count, sizeof count - 1) == 0) {
        *ret_index = finding + sizeof count - 1;
        return COUNT;
    }
    return OTHER;
}

/* Runs a check. DB_CORRUPT: d->error is the first finding; *ret_indexes: all are about indexes. */
static enum wb_err findings(struct db *d, const char *sql, bool *ret_indexes)
{
    sqlite3_stmt *stmt = NULL;
    const char *index;
    bool found = false, only = true;
    int rc = sqlite3_prepare_v2(d->h, sql, -1, &stmt, NULL);
    char first[sizeof d->error] = "";
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(stmt);
        if (rc != SQLITE_ROW)
            break;
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        if (text && strcmp(text, "ok") == 0)
            continue;
        only = only && text && kind_of(text, &index) != OTHER;
        if (!found)
            snprintf(first, sizeof first, "%s", text ? text : "no answer");
        found = true;
    }
    enum wb_err err = db_error(d, rc);
    sqlite3_finalize(stmt);
    *ret_indexes = err == WB_OK && found && only;
    if (err == WB_OK && found) {
        memcpy(d->error, first, sizeof first);
        err = WB_ERR_DB_CORRUPT;
    }
    return err;
}

static enum wb_err quick(struct db *d, bool *ret_indexes)
{
    return findings(d, "PRAGMA quick_check(" NUMBER(FINDINGS) ")", ret_indexes);
}

static enum wb_err full(struct db *d, bool *ret_indexes)
{
    char pragma[64];
    enum wb_err err, checked;
    snprintf(pragma, sizeof pragma, "PRAGMA cache_size = -%d", DB_CHECK_CACHE_KB);
    TRY(db_exec(d, pragma));
    checked = findings(d, "PRAGMA integrity_check(" NUMBER(FINDINGS) ")", ret_indexes);
    snprintf(pragma, sizeof pragma, "PRAGMA cache_size = -%d", DB_CACHE_KB);
    char text[sizeof d->error];
    memcpy(text, d->error, sizeof text);
    TRY(db_exec(d, pragma));
    db_release_memory(d);
    memcpy(d->error, text, sizeof text);
    err = checked;
out:
    return err;
}

static bool is_small(const struct db *d)
{
    struct stat st;
    return stat(d->path, &st) == 0 && st.st_size <= DB_CHECK_INDEXES_BYTES;
}

enum wb_err db_check(struct db *d, bool thorough, bool *ret_indexes)
{
    bool indexes = false;
    enum wb_err err;
    *ret_indexes = false;
    if (thorough)
        return full(d, ret_indexes);
    err = quick(d, ret_indexes);
    if (err != WB_OK || !is_small(d))
        return err;
    err = full(d, &indexes);
    /* More than quick_check demands of a file, and nothing that new indexes would mend: it is used
     * as it is, as a large one would be. */
    if (err == WB_ERR_DB_CORRUPT && !indexes) {
        d->corrupt = false;
        d->error[0] = 0;
        return WB_OK;
    }
    *ret_indexes = indexes;
    return err;
}

/* ---- what is wrong with the indexes -------------------------------------------------------- */

/* As its pages have them. */
static enum wb_err count_entries(struct db *d, const char *index, int64_t *ret)
{
    sqlite3_stmt *stmt = NULL;
    int rc =
        sqlite3_prepare_v2(d->h, "SELECT total(ncell) FROM dbstat WHERE name = ?", -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(stmt, 1, index, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    enum wb_err err = db_error(d, rc);
    if (err == WB_OK)
        *ret = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return err;
}

static struct db_faulty_index *faulty_of(struct db_faulty *f, const char *index)
{
    for (size_t i = 0; i < f->n; i++) {
        if (strcmp(f->list[i].name, index) == 0)
            return &f->list[i];
    }
    if (f->n == DB_FAULTY_MAX || strlen(index) >= sizeof f->list[0].name)
        return NULL;
    struct db_faulty_index *one = &f->list[f->n++];
    snprintf(one->name, sizeof one->name, "%s", index);
    return one;
}

enum wb_err db_faulty_look(struct db *d, struct db_faulty *ret)
{
    struct db_faulty f = {.lack_rows = true};
    sqlite3_stmt *stmt = NULL;
    int count = 0;
    enum wb_err err;
    int rc =
        sqlite3_prepare_v2(d->h, "PRAGMA integrity_check(" NUMBER(FINDINGS) ")", -1, &stmt, NULL);
    while ((rc == SQLITE_OK || rc == SQLITE_ROW) && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        const char *index = NULL;
        int kind = text ? kind_of(text, &index) : OTHER;
        struct db_faulty_index *one =
            kind == MISSING || kind == COUNT ? faulty_of(&f, index) : NULL;
        if (one && kind == MISSING)
            one->missing++;
        f.lack_rows = f.lack_rows && one && ++count < DB_FINDINGS_MAX;
    }
    err = db_error(d, rc);
    sqlite3_finalize(stmt);
    TRY(err);
    for (size_t i = 0; i < f.n; i++)
        TRY(count_entries(d, f.list[i].name, &f.list[i].entries));
    *ret = f;
out:
    return err;
}

enum wb_err db_faulty_lacked_rows(struct db *d, const struct db_faulty *f, bool *ret)
{
    bool only = f->lack_rows;
    enum wb_err err = WB_OK;
    for (size_t i = 0; i < f->n && only; i++) {
        int64_t now = 0;
        TRY(count_entries(d, f->list[i].name, &now));
        only = f->list[i].entries + f->list[i].missing == now;
    }
    *ret = only;
out:
    return err;
}
