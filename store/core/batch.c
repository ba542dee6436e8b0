#include "store/core/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/fault.h"
#include "store/core/meta.h"
#include "store/core/names.h"
#include "store/core/state.h"

void store_on_batch(struct store *s, const struct batch_listener *l, void *ctx)
{
    if (s->nlisteners >= BATCH_LISTENERS_MAX)
        abort(); /* a mistake of ours, which the first start shows */
    s->listeners[s->nlisteners].to = l;
    s->listeners[s->nlisteners++].ctx = ctx;
}

/* Calls this function of each listener that has it. */
#define TELL(s, what)                                                                              \
    do {                                                                                           \
        for (size_t i_ = 0; i_ < (s)->nlisteners; i_++) {                                          \
            if ((s)->listeners[i_].to->what)                                                       \
                (s)->listeners[i_].to->what((s)->listeners[i_].ctx);                               \
        }                                                                                          \
    } while (0)
/* The same for a function that can fail; goes to out with the first error. */
#define TRY_TELL(s, what)                                                                          \
    do {                                                                                           \
        err = WB_OK;                                                                               \
        for (size_t i_ = 0; err == WB_OK && i_ < (s)->nlisteners; i_++) {                          \
            if ((s)->listeners[i_].to->what)                                                       \
                err = (s)->listeners[i_].to->what((s)->listeners[i_].ctx);                         \
        }                                                                                          \
        TRY(err);                                                                                  \
    } while (0)

static bool anything_dirty(const struct store *s)
{
    for (size_t i = 0; i < s->nlisteners; i++) {
        if (s->listeners[i].to->dirty && s->listeners[i].to->dirty(s->listeners[i].ctx))
            return true;
    }
    return false;
}

bool store_batch_open(const struct store *s)
{
    return s->wa.in_tx || s->msg.in_tx || s->wa.failed != WB_OK || s->msg.failed != WB_OK ||
           anything_dirty(s);
}

static enum wb_err commit_whatsapp(struct store *s)
{
    enum wb_err err;

    if (anything_dirty(s))
        TRY(db_begin(&s->wa));
    if (!s->wa.in_tx)
        return WB_OK;
    TRY_TELL(s, write);
    TRY(FAULT_ERROR("commit.ratchets"));
    TRY(store_meta_not_foreign(s));
    TRY(db_commit(&s->wa));
    TELL(s, written);
out:
    return err;
}

/* Another program wrote whatsapp.db while we had it: what we decoded before may be old, and is
 * neither written nor used. Everything is read anew; the server delivers again. */
static enum wb_err check_alone(struct store *s)
{
    bool written = false;
    enum wb_err err;

    TRY(db_written_by_others(&s->wa, &written));
    if (!written)
        return WB_OK;
    store_rollback(s);
    TRY_TELL(s, written_by_others);
    snprintf(s->wa.error, sizeof s->wa.error, "another program has written whatsapp.db");
    err = WB_ERR_LOCKED;
out:
    return err;
}

enum wb_err store_commit(struct store *s)
{
    enum wb_err err;

    TRY(s->msg.failed);
    TRY(s->wa.failed);
    TRY(store_check_names(s));
    TRY(check_alone(s));
    if (s->mark)
        TRY(store_mark_keep(s));
    TRY(FAULT_ERROR("commit.begin"));
    TRY(db_commit(&s->msg));
    TELL(s, messages_committed);
    TRY(FAULT_ERROR("commit.between"));
    TRY(commit_whatsapp(s));
    FAULT_POINT("commit.done");
out:
    if (err != WB_OK)
        store_rollback(s);
    return err;
}

bool store_checkpoint_due(const struct store *s)
{
    return db_checkpoint_due(&s->wa) || db_checkpoint_due(&s->msg);
}

void store_checkpoint(struct store *s)
{
    if (!store_batch_open(s))
        db_checkpoint(db_checkpoint_due(&s->msg) ? &s->msg : &s->wa);
}

/* Is there room for a batch? A write of a few bytes may find room in the log where a batch does
 * not, and the server would deliver again and again in vain. */
static enum wb_err room_for_batch(const char *path)
{
    struct statvfs v;

    /* A file system that does not count its blocks counts as having room. */
    if (statvfs(path, &v) != 0 || v.f_blocks == 0 || v.f_frsize == 0)
        return WB_OK;
    return v.f_bavail >= STORE_ROOM_MIN / v.f_frsize ? WB_OK : WB_ERR_NO_SPACE;
}

const char *store_full_path(struct store *s)
{
    const bool messages =
        room_for_batch(s->msg_path) != WB_OK || (s->msg.error[0] && !s->wa.error[0]);

    return messages ? s->msg_path : s->wa_path;
}

enum wb_err store_probe(struct store *s, int64_t now)
{
    enum wb_err err;

    TRY(room_for_batch(s->wa_path));
    TRY(room_for_batch(s->msg_path));
    TRY(store_meta_put_int(s, STORE_META_PROBE, now));
    TRY(db_begin(&s->msg));
    TRY_TELL(s, probe);
out:
    return err;
}

void store_rollback(struct store *s)
{
    db_rollback(&s->msg);
    db_rollback(&s->wa);
    TELL(s, forget);
    s->mark = s->wa.mark = s->msg.mark = false;
}

enum wb_err store_mark(struct store *s)
{
    if (s->mark)
        return WB_ERR_STATE;
    s->mark = s->wa.mark = s->msg.mark = true;
    TELL(s, mark);
    return WB_OK;
}

enum wb_err store_mark_keep(struct store *s)
{
    enum wb_err err;

    if (!s->mark)
        return WB_ERR_STATE;
    s->mark = false;
    TRY(db_mark_keep(&s->msg));
    TRY(db_mark_keep(&s->wa));
    TELL(s, mark_keep);
out:
    if (err != WB_OK)
        store_rollback(s);
    return err;
}

enum wb_err store_mark_undo(struct store *s)
{
    enum wb_err err;

    if (!s->mark)
        return WB_ERR_STATE;
    s->mark = false;
    TRY(db_mark_undo(&s->msg));
    TRY(db_mark_undo(&s->wa));
    TRY_TELL(s, mark_undo);
out:
    if (err != WB_OK)
        store_rollback(s);
    return err;
}
