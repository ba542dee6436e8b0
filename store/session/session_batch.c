#include "store/session/session_batch.h"

#include "store/core/state.h"
#include "store/session/lid_map.h"
#include "store/session/whatsapp_schema.h"

static bool records_dirty(const void *ctx)
{
    return record_cache_dirty(ctx);
}

static enum wb_err records_write(void *ctx)
{
    return record_cache_flush(ctx);
}

static void records_written(void *ctx)
{
    record_cache_trim(ctx);
}

static void records_forget(void *ctx)
{
    record_cache_clear(ctx);
}

static void records_mark(void *ctx)
{
    record_cache_mark(ctx);
}

static void records_mark_keep(void *ctx)
{
    record_cache_mark_keep(ctx);
}

static enum wb_err records_mark_undo(void *ctx)
{
    record_cache_mark_undo(ctx);
    return WB_OK;
}

static void lids_forget(void *ctx)
{
    store_lids_clear(ctx);
}

static enum wb_err lids_mark_undo(void *ctx)
{
    store_lids_clear(ctx);
    return WB_OK;
}

/* Device lists and the like, which are only true while nobody else uses the file. */
static enum wb_err drop_caches(void *ctx)
{
    struct store *s = ctx;

    s->pn_sender_keys = PN_KEYS_UNKNOWN;
    return whatsapp_drop_caches(&s->wa);
}

void session_follow_batch(struct store *s)
{
    static const struct batch_listener records = {.dirty = records_dirty,
                                                  .write = records_write,
                                                  .written = records_written,
                                                  .forget = records_forget,
                                                  .mark = records_mark,
                                                  .mark_keep = records_mark_keep,
                                                  .mark_undo = records_mark_undo};
    static const struct batch_listener lids = {.forget = lids_forget, .mark_undo = lids_mark_undo};
    static const struct batch_listener tables = {.written_by_others = drop_caches};

    store_on_batch(s, &records, s->sessions);
    store_on_batch(s, &records, s->sender_keys);
    store_on_batch(s, &lids, s);
    store_on_batch(s, &tables, s);
}
