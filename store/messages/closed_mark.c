/* closed_mark.c - how we left a large messages.db, written into whatsapp.db at the end: reading all
 * of it at every start would delay that by 3 s per GB. What was not closed by us, or changed since
 * in any way, is checked. */
#include "store/messages/closed_mark.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "store/core/meta.h"
#include "store/core/state.h"
#include "store/db/db_schema.h"

enum { MARK_MAX = 120 };

/* Smaller ones are checked at every start: at most a second. */
static const off_t LARGE = 256 << 20;

/* "" for a small file, and for one with a log: that one was not closed by its last user. */
static void describe(const char *path, char out[static MARK_MAX])
{
    char log[STORE_PATH_MAX + 8];
    struct stat st, log_st;

    out[0] = 0;
    snprintf(log, sizeof log, "%s-wal", path);
    if (stat(path, &st) != 0 || st.st_size < LARGE ||
        (stat(log, &log_st) == 0 && log_st.st_size > 0))
        return;
    snprintf(out, MARK_MAX, "%" PRIuMAX " %" PRIuMAX " %" PRIdMAX " %" PRIdMAX ".%09ld",
             (uintmax_t)st.st_dev, (uintmax_t)st.st_ino, (intmax_t)st.st_size,
             (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

enum wb_err messages_closed_put(struct store *s)
{
    char mark[MARK_MAX];
    enum wb_err err;

    describe(s->msg_path, mark);
    if (!mark[0])
        return WB_OK; /* an older mark does not fit any more */
    TRY(store_meta_put(s, STORE_META_CLOSED, span_cstr(mark)));
    err = db_commit(&s->wa);
out:
    return err;
}

bool messages_closed_holds(struct store *s)
{
    char mark[MARK_MAX];
    struct buf left = buf_new(STORE_META_MAX);
    bool ours = false;
    bool holds = false;

    describe(s->msg_path, mark);
    if (!mark[0])
        return false;
    /* A whatsapp.db of the Go bridge has no such table. */
    if (db_has_table(&s->wa, "bridge_meta", &ours) == WB_OK && ours &&
        store_meta_get(s, STORE_META_CLOSED, &left) == WB_OK)
        holds = strcmp(buf_cstr(&left), mark) == 0;
    buf_free(&left);
    return holds;
}
