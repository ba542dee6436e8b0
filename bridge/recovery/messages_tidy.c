#include "bridge/recovery/messages_tidy.h"

#include <stdlib.h>

#include "base/fault.h"
#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "store/core/batch.h"
#include "store/messages/messages_tidy.h"

enum {
    SLICE_PAUSE_MS = 10, /* others are answered in between */
    LOOK_MS = 60 * 1000,
};

struct messages_tidy {
    struct bridge *b;
    struct store_tidy at;
    struct timer timer;
    bool failed; /* a failure was logged already */
    bool looked; /* all of messages.db was looked through once since the start */
};

static void on_slice(void *ctx);

static void schedule(struct messages_tidy *t, int64_t ms, timer_fn *fn)
{
    timer_start(t->b->timers, &t->timer, ms, fn, t);
}

/* No other program should write in messages.db while we run; if one does, it is noticed here. */
static void on_look(void *ctx)
{
    struct messages_tidy *t = ctx;
    bool written = false;

    if (store_messages_written(t->b->store, &written) == WB_OK && written)
        on_slice(t);
    else
        schedule(t, LOOK_MS, on_look);
}

static void tell(const struct messages_tidy *t)
{
    const bool text = store_time_format(t->b->store) == STORE_TIME_TEXT;

    const char *other = text ? "numbers" : "text", *ours = text ? "text" : "numbers";

    if ((t->at.times || t->at.chats) && !t->looked && store_time_format_changed(t->b->store))
        log_info(t->b->log, "store",
                 "%zu messages and %zu chats had their times as %s: they were brought to %s, as "
                 "timestamp_format says",
                 t->at.times, t->at.chats, other, ours);
    else if (t->at.times || t->at.chats)
        log_info(t->b->log, "store",
                 "another program had written %zu messages and %zu chats with their times as %s: "
                 "they were brought to %s, as this messages.db keeps them",
                 t->at.times, t->at.chats, other, ours);
    if (t->at.summaries)
        log_info(
            t->b->log, "store",
            "%zu messages without words of their own, such as files, have their description in "
            "the column summary now; content is empty there, as in the Go bridge's rows",
            t->at.summaries);
}

/* A slice failed; rows that were not committed are found again later. */
static void failed(struct messages_tidy *t, enum wb_err why)
{
    if (!t->failed)
        log_warn(t->b->log, "store",
                 "what another program wrote in messages.db cannot be put into the form of the "
                 "file now (%s); it is tried again",
                 wb_err_text(why));
    t->failed = true;
    t->at = (struct store_tidy){0};
    schedule(t, LOOK_MS, on_slice);
}

/* Is it an error that concerns every write, so that nothing can be acknowledged? */
static bool is_of_the_disk(enum wb_err err)
{
    return err == WB_ERR_NO_SPACE || err == WB_ERR_IO || err == WB_ERR_DB_CORRUPT;
}

static void on_slice(void *ctx)
{
    struct messages_tidy *t = ctx;
    bool more = false;
    enum wb_err err;

    /* First the open batch of other parts is committed, so that a failed slice does not roll it
     * back. */
    if (batch_commit(t->b) != WB_OK) { /* batch_commit() has logged why */
        schedule(t, LOOK_MS, on_slice);
        return;
    }
    err = store_messages_tidy(t->b->store, &t->at, &more);
    FAULT_POINT("tidy.slice");
    if (err == WB_OK)
        err = batch_commit(t->b);
    else if (is_of_the_disk(err))
        batch_fail(t->b, err);
    else
        store_rollback(t->b->store); /* batch_fail() would close the connection */
    if (err != WB_OK) {
        failed(t, err);
    } else if (more) {
        schedule(t, SLICE_PAUSE_MS, on_slice);
    } else {
        tell(t);
        t->failed = false;
        t->looked = true;
        t->at = (struct store_tidy){0};
        schedule(t, LOOK_MS, on_look);
    }
}

void messages_tidy_start(struct messages_tidy *t)
{
    bool ignored;

    if (!t)
        return;
    /* Changes count from here on; an error shows again at the first slice. */
    (void)(store_messages_written(t->b->store, &ignored) == WB_OK);
    schedule(t, 0, on_slice);
}

enum wb_err messages_tidy_new(struct bridge *b, struct messages_tidy **ret)
{
    struct messages_tidy *t = calloc(1, sizeof *t);

    if (!t)
        return WB_ERR_NOMEM;
    t->b = b;
    *ret = t;
    return WB_OK;
}

void messages_tidy_free(struct messages_tidy *t)
{
    if (!t)
        return;
    timer_stop(t->b->timers, &t->timer);
    free(t);
}
