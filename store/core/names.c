#include "store/core/names.h"

#include <stdio.h>

#include "store/core/state.h"

enum store_mishap store_mishap(const struct store *s, enum store_file *ret_file)
{
    bool messages = s->moved == STORE_FILE_NONE ? s->msg.corrupt && !s->wa.corrupt
                                                : s->moved == STORE_FILE_MESSAGES;

    *ret_file = messages ? STORE_FILE_MESSAGES : STORE_FILE_WHATSAPP;
    if (s->moved != STORE_FILE_NONE)
        return STORE_MISHAP_MOVED;
    if (s->wa.corrupt || s->msg.corrupt)
        return STORE_MISHAP_DAMAGED;
    *ret_file = STORE_FILE_NONE;
    return STORE_MISHAP_NONE;
}

enum wb_err store_check_names(struct store *s)
{
    struct db *gone = db_look_at_names(&s->wa) != DB_NAMES_OURS    ? &s->wa
                      : db_look_at_names(&s->msg) != DB_NAMES_OURS ? &s->msg
                                                                   : NULL;

    if (!gone)
        return WB_OK;
    s->moved = gone == &s->wa ? STORE_FILE_WHATSAPP : STORE_FILE_MESSAGES;
    snprintf(gone->error, sizeof gone->error, "it or its log was removed or replaced");
    return WB_ERR_MOVED;
}
