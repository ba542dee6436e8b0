#include "bridge/recovery/mishap.h"

#include <stdio.h>
#include <stdlib.h>

#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "store/backup/rescue.h"
#include "store/core/names.h"
#include "store/core/store.h"

enum {
    LOOK_MS = 5 * 1000, /* how often the files' names are checked while no commit does so */
    AGAIN_MS = 2 * 1000,
    CHECK_AGAIN_MS = 10 * 60 * 1000,
};

struct mishap {
    struct bridge *b;
    struct timer timer;
    bool begin_anew, damaged, checked;
    char text[600]; /* for people */
};

static void begin_anew(struct mishap *m, bool damaged)
{
    struct bridge *b = m->b;

    m->begin_anew = true;
    m->damaged = damaged;
    b->store_moved = false;
    timer_stop(b->timers, &m->timer);
    log_error(b->log, "store", "%s; starting anew with a full check", m->text);
    events_emit_kind(&b->events, BRIDGE_EV_BEGIN_ANEW);
}

static void rescue(struct mishap *m)
{
    struct bridge *b = m->b;
    char text[512];
    enum wb_err err;

    if (!b->store_moved)
        batch_fail(b, WB_ERR_MOVED); /* from here on nothing is acknowledged */
    events_emit_kind(&b->events, BRIDGE_EV_STALL);
    err = store_rescue(b->store, text);
    if (err == WB_OK) {
        snprintf(m->text, sizeof m->text, "%s", text);
        begin_anew(m, false);
        return;
    }
    if (!b->store_moved)
        log_error(b->log, "store",
                  "a database was removed or replaced while it is in use, and what is still open "
                  "cannot be written down: %s. DO NOT STOP the bridge: that is tried again "
                  "until it works",
                  store_error_why(b->store, err));
    b->store_moved = true;
}

static void look(struct mishap *m)
{
    struct bridge *b = m->b;
    enum store_file file;

    switch (store_mishap(b->store, &file)) {
    case STORE_MISHAP_NONE:
        break;
    case STORE_MISHAP_DAMAGED:
        if (m->checked && clock_mono_ms(b->clock) - b->started_ms < CHECK_AGAIN_MS)
            break;
        snprintf(m->text, sizeof m->text, "%s was found damaged while in use",
                 file == STORE_FILE_MESSAGES ? "messages.db" : "whatsapp.db");
        begin_anew(m, true);
        break;
    case STORE_MISHAP_MOVED:
        rescue(m);
        break;
    }
}

void mishap_suspected(struct mishap *m, const char *text)
{
    if (m->checked || m->begin_anew || m->b->store_moved)
        return;
    snprintf(m->text, sizeof m->text, "a backup found damage (%.400s)", text);
    begin_anew(m, true);
}

void mishap_look(struct mishap *m)
{
    if (!m->begin_anew && !m->b->store_moved)
        look(m);
}

const char *mishap_begin_anew(const struct mishap *m, bool *ret_damaged)
{
    *ret_damaged = m->damaged;
    return m->begin_anew ? m->text : NULL;
}

static void on_timer(void *ctx)
{
    struct mishap *m = ctx;
    struct bridge *b = m->b;

    /* The store keeps a note of a failed check, which look() reads. */
    (void)(store_check_names(b->store) == WB_OK);
    look(m);
    if (!m->begin_anew)
        timer_start(b->timers, &m->timer, b->store_moved ? AGAIN_MS : LOOK_MS, on_timer, m);
}

enum wb_err mishap_new(struct bridge *b, bool checked, struct mishap **ret_m)
{
    struct mishap *m = calloc(1, sizeof *m);

    if (!m)
        return WB_ERR_NOMEM;
    m->b = b;
    m->checked = checked;
    timer_start(b->timers, &m->timer, LOOK_MS, on_timer, m);
    *ret_m = m;
    return WB_OK;
}

void mishap_free(struct mishap *m)
{
    if (!m)
        return;
    timer_stop(m->b->timers, &m->timer);
    free(m);
}
