#include "bridge/batch.h"

#include <stdio.h>

#include "bridge/bridge.h"
#include "bridge/conn.h"
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
        err = store_commit(b->store);
        if (err != WB_OK) {
            batch_fail(b, err);
            return err;
        }
        if (b->store_failed) {
            b->store_failed = false;
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

void batch_note_trouble(struct bridge *b, enum wb_err why)
{
    const char *more = store_error_text(b->store);

    snprintf(b->store_trouble, sizeof b->store_trouble, "%s%s%s", wb_err_text(why),
             more[0] ? ": " : "", more);
    if (!b->store_failed)
        log_error(b->log, "store",
                  "cannot store: %s; nothing is acknowledged, WhatsApp will deliver again",
                  b->store_trouble);
    b->store_failed = true;
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
