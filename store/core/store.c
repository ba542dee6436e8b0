#include "store/core/store.h"

#include <stdio.h>
#include <string.h>

#include "store/core/state.h"

void store_release_memory(struct store *s)
{
    db_release_memory(&s->wa);
    db_release_memory(&s->msg);
}

void store_set_wait(struct store *s, enum store_wait wait)
{
    static const int ms[] = {[STORE_WAIT_USUAL] = DB_BUSY_TIMEOUT_MS,
                             [STORE_WAIT_SHORT] = DB_HURRIED_WAIT_MS,
                             [STORE_WAIT_NONE] = 0};

    s->wait_ms = ms[wait];
    db_set_wait(&s->wa, s->wait_ms, s->hurried);
    db_set_wait(&s->msg, s->wait_ms, s->hurried);
}

bool store_is_held(const struct store *s, enum store_file *ret_file)
{
    const bool messages = strstr(s->msg.error, "locked") != NULL;

    if (!messages && !strstr(s->wa.error, "locked"))
        return false;
    *ret_file = messages ? STORE_FILE_MESSAGES : STORE_FILE_WHATSAPP;
    return true;
}

const char *store_error_text(struct store *s)
{
    if (s->wa.error[0] && s->msg.error[0])
        snprintf(s->error, sizeof s->error, "whatsapp.db: %s; messages.db: %s", s->wa.error,
                 s->msg.error);
    else
        snprintf(s->error, sizeof s->error, "%s%s", s->wa.error, s->msg.error);
    s->wa.error[0] = s->msg.error[0] = 0;
    return s->error;
}

const char *store_error_why(struct store *s, enum wb_err err)
{
    const char *text = store_error_text(s);

    return text[0] ? text : wb_err_text(err);
}

enum store_time_format store_time_format(const struct store *s)
{
    return s->time_format;
}

bool store_time_format_changed(const struct store *s)
{
    return s->time_format_changed;
}
