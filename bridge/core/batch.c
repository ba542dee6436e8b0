#include "bridge/core/batch.h"

#include <stdio.h>

#include "base/path_text.h"
#include "bridge/core/context.h"
#include "bridge/core/iq_pause_keep.h"
#include "store/core/batch.h"

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
        events_emit_kind(&b->events, BRIDGE_EV_BATCH_ENDS);
        if (b->iq.pauses_unwritten)
            iq_pauses_keep(b);
        err = store_commit(b->store);
        if (err != WB_OK) {
            batch_fail(b, err);
            return err;
        }
        b->iq.pauses_unwritten = false;
        /* This commit may have written one database while another program holds the other: only the
         * probe writes both. */
        if (b->store_failed && (!b->store_held || b->store_probing)) {
            b->store_failed = b->store_probe_failed = b->store_held = false;
            batch_set_wait(b);
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
    /* Acks that did not leave are no error of the store: the server delivers again what they
     * acknowledge. */
    if (err != WB_OK && err != WB_ERR_STATE)
        b->link.drop(b->link.conn, CONN_WHY_PROTOCOL);
    return WB_OK;
}

/* With a full disk nothing can be acknowledged. A write to the databases shows whether there is
 * room again, without bothering the server. */
static void on_probe(void *ctx)
{
    struct bridge *b = ctx;
    const bool was_full = b->store_probe_failed;

    /* An open batch will show it, too; a database that was moved away is written by mishap.c. */
    if (b->store_moved || batch_is_open(b)) {
        timer_start(b->timers, &b->store_probe, STORE_PROBE_MS, on_probe, b);
        return;
    }
    if (batch_probe(b))
        b->link.store_works(b->link.conn, was_full);
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
    b->store_probing = true;
    err = batch_commit(b);
    b->store_probing = false;
    return err == WB_OK;
}

void batch_set_wait(struct bridge *b)
{
    store_set_wait(b->store, b->store_failed ? STORE_WAIT_NONE
                             : b->finishing  ? STORE_WAIT_SHORT
                                             : STORE_WAIT_USUAL);
}

/* Is a database held by another program? SQLite's text ("database is locked") does not say by
 * whom. */
static bool note_held(struct bridge *b)
{
    enum store_file file;

    if (!store_is_held(b->store, &file))
        return false;
    snprintf(b->store_trouble, sizeof b->store_trouble,
             "%s is held by another program, which has begun to write and does not end",
             file == STORE_FILE_MESSAGES ? "messages.db" : "whatsapp.db");
    (void)store_error_text(b->store); /* cleared: our text replaces it */
    return true;
}

static void note_failure(struct bridge *b, enum wb_err why)
{
    /* The path is read before the text, because reading the text forgets the file. */
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
}

void batch_note_trouble(struct bridge *b, enum wb_err why)
{
    /* DB: some handlers return it in place of LOCKED, which means something else to their
     * callers. */
    b->store_held = (why == WB_ERR_LOCKED || why == WB_ERR_DB) && note_held(b);
    if (!b->store_held)
        note_failure(b, why);
    if (!b->store_failed)
        log_error(b->log, "store",
                  "cannot store: %s; nothing is acknowledged, WhatsApp will deliver again; a write "
                  "is tried every %d s",
                  b->store_trouble, STORE_PROBE_MS / 1000);
    b->store_failed = true;
    batch_set_wait(b);
    timer_start(b->timers, &b->store_probe, STORE_PROBE_MS, on_probe, b);
}

void batch_fail(struct bridge *b, enum wb_err why)
{
    batch_note_trouble(b, why);
    store_rollback(b->store);
    outgoing_drop(b);
    b->batch = (struct batch){0};
    events_emit_kind(&b->events, BRIDGE_EV_BATCH_FAILED);
    b->link.drop(b->link.conn, CONN_WHY_STORE);
}
