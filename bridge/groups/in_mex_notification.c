/* <notification type=mex>: only the state of our own account matters here (P-X2-06: time-lock). The
 * name in the JSON tells the subject; op_name may change. */
#include "bridge/core/context.h"
#include "bridge/groups/in_group_notification.h"
#include "bridge/people/mex.h"
#include "bridge/people/time_lock.h"

static enum wb_err mex_apply(struct bridge *b, const struct stanza *s, void *parsed)
{
    enum wb_err err = WB_OK;

    (void)parsed;
    for (const struct node *n = node_child(s->node, "update"); n && err == WB_OK;
         n = node_next(n, "update")) {
        struct mex_time_lock lock;
        enum wb_err read = mex_time_lock_parse(node_content_bytes(n), MEX_LOCK_NOTIFIED, &lock);

        if (read == WB_OK)
            err = time_lock_told(b->time_lock, &lock);
        else if (read != WB_ERR_NOT_FOUND)
            log_debug(b->log, "notification", "mex: %s", wb_err_text(read));
    }
    return err;
}

const struct stanza_handler in_notification_mex_handler = {"mex", STANZA_ACK_ALWAYS, NULL,
                                                           mex_apply};
