/* Handles our phone's notification of a part of its history. */
#include "bridge/core/context.h"
#include "bridge/core/own_message.h"
#include "bridge/history/history_offered.h"
#include "bridge/history/history_request.h"
#include "bridge/receive/out_receipt.h"
#include "proto/history_wire.h"
#include "proto/peer_wire.h"

/* Messages are stored only from history that we asked for. From history that the phone offers by
 * itself, at pairing, only the facts that sending needs are read (history_offered.h). */
static enum wb_err take(struct bridge *b, const struct own_message *o, bool *ret_taken)
{
    struct history_notification n;
    enum wb_err err;

    *ret_taken = true;
    TRY(history_notification_decode(o->payload, o->arena, &n));
    if (n.sync_type == HISTORY_ON_DEMAND)
        err = history_request_answer(b, &n);
    else
        err = history_offered(b, o->id, &n, o->payload, ret_taken);
out:
    if (err != WB_OK && wb_err_class(err) == WB_CLASS_PEER) {
        log_warn(b->log, "history", "a part of our phone's history cannot be used: %s",
                 wb_err_text(err));
        err = WB_OK;
    }
    return err;
}

static enum wb_err history_apply(struct bridge *b, const struct own_message *o)
{
    bool taken = true;
    enum wb_err err = take(b, o, &taken);

    /* Without this receipt the phone sends the notification again. */
    if (err == WB_OK && taken)
        err = in_message_answer(o->m, out_receipt_own(b, o->arena, o->id, "hist_sync"));
    return err;
}

const struct own_message_row own_message_history = {PROTOCOL_HISTORY_SYNC_NOTIFICATION,
                                                    history_apply};
