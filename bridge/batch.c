#include "bridge/batch.h"

#include <stdio.h>

#include "base/path_text.h"
#include "bridge/bridge.h"
#include "bridge/conn.h"
#include "bridge/in_message.h"
#include "bridge/iq_pause_keep.h"
#include "store/inbox.h"

bool batch_is_open(const struct bridge *b)
{
    return store_batch_open(b->store) || b->outgoing.nqueued > 0;
}

enum wb_err batch_commit(struct bridge *b)
{
    bool wrote = store_batch_open(b->store);
    enum wb_err err;

    pauses_mark(b->pauses, "commit");

    if (wrote) {
        in_message_count(b);
        if (b->iq.pauses_unwritten)
            iq_pauses_keep(b);
        err = store_commit(b->store);
        if (err != WB_OK) {
            batch_fail(b, err);
            return err;
        }
        b->iq.pauses_unwritten = false;
        if (b->store_failed) {
            b->store_failed = b->store_probe_failed = false;
            timer_stop(b->timers, &b->store_probe);
            log_info(b->log, "store", "writing works again");
            events_emit_kind(&b->events, BRIDGE_EV_STATE);
        }
        events_emit_kind(&b->events, BRIDGE_EV_BATCH_DONE);
    }
    b->batch = (struct batch){0};
    if (b->outgoing.nqueued == 0)
        return WB_OK;
    err = outgoing_release(b);
    /* Acks that did not leave are not an error of the store: the server delivers again. */
    if (err != WB_OK && err != WB_ERR_STATE)
        conn_drop(b->conn, CONN_WHY_PROTOCOL);
    return WB_OK;
}

/* With a full disk nothing could be acknowledged: whether there is room again shows a write,
 * without bothering the server. */
static void on_probe(void *ctx)
{
    struct bridge *b = ctx;
    const bool was_full = b->store_probe_failed;

    /* What is open shows it as well; what was moved away is written by mishap.c. */
    if (b->mishap.pending || batch_is_open(b)) {
        timer_start(b->timers, &b->store_probe, STORE_PROBE_MS, on_probe, b);
        return;
    }
    if (batch_probe(b))
        conn_store_works(b->conn, was_full);
    else
        b->store_probe_failed = true;
}

bool batch_probe(struct bridge *b)
{
    enum wb_err err;

    if (!b->store_failed)
        return true;
    err = store_probe(b->store, clock_unix_s(b->clock));
    if (err != WB_OK) {
        batch_note_trouble(b, err);
        store_rollback(b->store);
        return false;
    }
    return batch_commit(b) == WB_OK;
}

void batch_note_trouble(struct bridge *b, enum wb_err why)
{
    /* The directory first: the text forgets which file it was. */
    const char *path = why == WB_ERR_NO_SPACE ? store_full_path(b->store) : "";
    char directory[PATH_DIRECTORY_BYTES];
    const char *more = store_error_text(b->store);

    path_directory(path, directory);
    if (why == WB_ERR_NO_SPACE)
        snprintf(b->store_trouble, sizeof b->store_trouble, "no space left in %s%s%.100s",
                 directory, more[0] ? ": " : "", more);
    else
        snprintf(b->store_trouble, sizeof b->store_trouble, "%s%s%.300s", wb_err_text(why),
                 more[0] ? ": " : "", more);
    if (!b->store_failed)
        log_error(b->log, "store",
                  "cannot store: %s; nothing is acknowledged, WhatsApp will deliver again; a write "
                  "is tried every %d s",
                  b->store_trouble, STORE_PROBE_MS / 1000);
    b->store_failed = true;
    timer_start(b->timers, &b->store_probe, STORE_PROBE_MS, on_probe, b);
}

void batch_fail(struct bridge *b, enum wb_err why)
{
    batch_note_trouble(b, why);
    store_rollback(b->store);
    outgoing_drop(b);
    b->batch = (struct batch){0};
    events_emit_kind(&b->events, BRIDGE_EV_BATCH_FAILED);
    conn_drop(b->conn, CONN_WHY_STORE);
}
