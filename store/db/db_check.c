#include "store/db/db_check.h"

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

enum { MISSING, COUNT, DIFFERS, TWICE, OTHER };

/* SQLite's words (sqlite3Pragma(), the same since 3.8; "values differ" and "end-of-record" since
 * 3.41). A name of a table that looks like them stands behind other words. */
static int kind_of(const char *finding, const char **ret_index)
{
    static const char count[] = "wrong # of entries in index ";
    static const char twice[] = "non-unique entry in index ";

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
    if (strncmp(finding, twice, sizeof twice - 1) == 0) {
        *ret_index = finding + sizeof twice - 1;
        return TWICE;
    }
    return OTHER;
}

/* What one check found. */
struct answers {
    size_t indexes, others;
    char index[160], other[160]; /* the first of each kind */
};

static void sort_in(struct answers *a, const char *text)
{
    const char *index;
    const bool of_index = text && kind_of(text, &index) != OTHER;
    char *first = of_index ? a->index : a->other;

    if ((of_index ? a->indexes++ : a->others++) == 0)
        snprintf(first, sizeof a->index, "%s", text ? text : "no answer");
}

/* DB_CORRUPT only where the check itself could not go on. */
static enum wb_err findings(struct db *d, const char *sql, struct answers *ret)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(d->h, sql, -1, &stmt, NULL);

    memset(ret, 0, sizeof *ret);
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(stmt);
        if (rc != SQLITE_ROW)
            break;
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        if (!text || strcmp(text, "ok") != 0)
            sort_in(ret, text);
    }
    enum wb_err err = db_error(d, rc);
    sqlite3_finalize(stmt);
    return err;
}

static enum wb_err quick(struct db *d, struct answers *ret)
{
    return findings(d, "PRAGMA quick_check(" NUMBER(FINDINGS) ")", ret);
}

static enum wb_err full(struct db *d, bool thorough, struct answers *ret)
{
    char pragma[64], text[sizeof d->error];
    enum wb_err err, checked;

    snprintf(pragma, sizeof pragma, "PRAGMA cache_size = -%d",
             thorough ? DB_CHECK_THOROUGH_CACHE_KB : DB_CHECK_CACHE_KB);
    TRY(db_exec(d, pragma));
    checked = findings(d, "PRAGMA integrity_check(" NUMBER(FINDINGS) ")", ret);
    snprintf(pragma, sizeof pragma, "PRAGMA cache_size = -%d", DB_CACHE_KB);
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

static enum wb_err say_damaged(struct db *d, const char *finding)
{
    snprintf(d->error, sizeof d->error, "%s", finding);
    return WB_ERR_DB_CORRUPT;
}

enum wb_err db_check(struct db *d, bool thorough, struct db_found *ret)
{
    const bool whole = thorough || is_small(d);
    struct answers a, q;
    enum wb_err err;

    memset(ret, 0, sizeof *ret);
    err = whole ? full(d, thorough, &a) : quick(d, &a);
    /* Does the finding go beyond what quick_check demands of a file? */
    if (whole && ((err == WB_OK && a.others) || (err == WB_ERR_DB_CORRUPT && !thorough))) {
        if (err != WB_OK)
            snprintf(a.other, sizeof a.other, "%.150s", d->error);
        TRY(quick(d, &q));
        if (!q.others) {
            memcpy(ret->ignored, a.other, sizeof ret->ignored);
            a.others = 0;
            d->corrupt = false;
            d->error[0] = 0;
        } else {
            memcpy(a.other, q.other, sizeof a.other);
        }
        err = WB_OK;
    }
    TRY(err);
    if (a.others)
        return say_damaged(d, a.other);
    ret->indexes = a.indexes;
    if (a.indexes)
        return say_damaged(d, a.index);
out:
    return err;
}

/* ---- what is wrong with the indexes ---- */

/* Counts the entries in the index's pages. */
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
        f.findings += kind != OTHER;
        if (kind == DIFFERS || (kind != OTHER && kind != TWICE && !one) ||
            ++count == DB_FINDINGS_MAX)
            f.lack_rows = false;
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
