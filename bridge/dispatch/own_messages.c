#include "bridge/dispatch/own_messages.h"

#include "bridge/appstate/app_state.h"
#include "bridge/history/history_offered.h"
#include "bridge/people/in_people_notification.h"
#include "bridge/receive/in_message.h"

#include "bridge/core/context.h"

static const struct own_message_row *const rows[] = {
    &own_message_app_state_keys,
    &own_message_lid_mappings,
    &own_message_history,
    &own_message_resent,
};

static const struct own_message_row *row_of(int type)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i]->type == type)
            return rows[i];
    return NULL;
}

/* The phone alone has keys, pairs and history of the account, and its key is known for certain
 * (trust.h). Other linked devices may only do what a person may: write, edit, take back. */
enum wb_err own_message_dispatch(struct bridge *b, const struct own_message *o)
{
    const struct own_message_row *row = row_of(o->type);

    if (o->device != 0) {
        log_info(b->log, "message",
                 "protocol message %d of our own device %u: only the phone's "
                 "would count",
                 o->type, o->device);
        return WB_OK;
    }
    if (row)
        return row->apply(b, o);
    log_debug(b->log, "message", "protocol message %d of our own phone", o->type);
    return WB_OK;
}
