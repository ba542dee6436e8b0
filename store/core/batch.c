#include "store/core/batch.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/fault.h"
#include "store/backup/rescue.h"
#include "store/core/meta.h"
#include "store/core/state.h"
#include "store/messages/message_row.h"
#include "store/session/lid_map.h"
#include "store/session/whatsapp_schema.h"

bool store_batch_open(const struct store *s)
{
    return s->wa.in_tx || s->msg.in_tx || s->wa.failed != WB_OK || s->msg.failed != WB_OK ||
           record_cache_dirty(s->sessions) || record_cache_dirty(s->sender_keys);
}

static enum wb_err commit_whatsapp(struct store *s)
{
    enum wb_err err;
    if (record_cache_dirty(s->sessions) || record_cache_dirty(s->sender_keys))
        TRY(db_begin(&s->wa));
    if (!s->wa.in_tx)
        return WB_OK;
    TRY(record_cache_flush(s->sessions));
    TRY(record_cache_flush(s->sender_keys));
    TRY(FAULT_ERROR("commit.ratchets"));
    TRY(db_exec(&s->wa, "UPDATE bridge_meta SET value = 0 WHERE name = 'foreign' AND value <> 0"));
    TRY(db_commit(&s->wa));
    record_cache_trim(s->sessions);
    record_cache_trim(s->sender_keys);
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
    s->pn_sender_keys = PN_KEYS_UNKNOWN;
    TRY(whatsapp_drop_caches(&s->wa));
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
    store_chats_clear(s);
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
    /* A file system that does not count its blocks is believed. */
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
    /* A number that is never given to a row; readers of change_seq do not mind gaps. */
    err = db_exec(&s->msg, "UPDATE bridge_change_seq SET value = value + 1");
out:
    return err;
}

void store_rollback(struct store *s)
{
    db_rollback(&s->msg);
    db_rollback(&s->wa);
    record_cache_clear(s->sessions);
    record_cache_clear(s->sender_keys);
    if (s->lids)
        store_lids_clear(s);
    store_chats_clear(s);
    s->mark = s->wa.mark = s->msg.mark = false;
    s->mark_row = 0;
}

enum wb_err store_mark(struct store *s)
{
    if (s->mark)
        return WB_ERR_STATE;
    s->mark = s->wa.mark = s->msg.mark = true;
    s->mark_row = 0;
    record_cache_mark(s->sessions);
    record_cache_mark(s->sender_keys);
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
    record_cache_mark_keep(s->sessions);
    record_cache_mark_keep(s->sender_keys);
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
    if (s->mark_row)
        TRY(row_remove(s, s->mark_row));
    TRY(db_mark_undo(&s->wa));
    record_cache_mark_undo(s->sessions);
    record_cache_mark_undo(s->sender_keys);
    store_lids_clear(s);
    store_chats_clear(s);
out:
    if (err != WB_OK)
        store_rollback(s);
    return err;
}
