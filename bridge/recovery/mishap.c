#include "bridge/recovery/mishap.h"

#include <stdio.h>

#include "bridge/bridge.h"
#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "store/backup/rescue.h"
#include "store/core/store.h"

enum {
    LOOK_MS = 5 * 1000, /* at the names, where no commit does it */
    AGAIN_MS = 2 * 1000,
    CHECK_AGAIN_MS = 10 * 60 * 1000,
};

static void begin_anew(struct bridge *b, bool damaged)
{
    b->mishap.begin_anew = true;
    b->mishap.damaged = damaged;
    b->mishap.pending = false;
    mishap_stop(b);
    log_error(b->log, "store", "%s; starting anew with a full check", b->mishap.text);
    bridge_finish(b); /* callers that wait are answered */
}

static void rescue(struct bridge *b)
{
    char text[512];
    enum wb_err err;

    if (!b->mishap.pending)
        batch_fail(b, WB_ERR_MOVED); /* nothing is acknowledged from here on */
    events_emit_kind(&b->events, BRIDGE_EV_STALL);
    err = store_rescue(b->store, text);
    if (err == WB_OK) {
        snprintf(b->mishap.text, sizeof b->mishap.text, "%s", text);
        begin_anew(b, false);
        return;
    }
    if (!b->mishap.pending)
        log_error(b->log, "store",
                  "a database was removed or replaced while it is in use, and what is still open "
                  "cannot be written down: %s. DO NOT STOP the bridge: that is tried again "
                  "until it works",
                  store_error_why(b->store, err));
    b->mishap.pending = true;
}

static void look(struct bridge *b)
{
    enum store_file file;

    switch (store_mishap(b->store, &file)) {
    case STORE_MISHAP_NONE:
        break;
    case STORE_MISHAP_DAMAGED:
        if (b->mishap.checked && clock_mono_ms(b->clock) - b->started_ms < CHECK_AGAIN_MS)
            break;
        snprintf(b->mishap.text, sizeof b->mishap.text, "%s was found damaged while in use",
                 file == STORE_FILE_MESSAGES ? "messages.db" : "whatsapp.db");
        begin_anew(b, true);
        break;
    case STORE_MISHAP_MOVED:
        rescue(b);
        break;
    }
}

void mishap_suspected(struct bridge *b, const char *text)
{
    if (b->mishap.checked || b->mishap.begin_anew || b->mishap.pending)
        return;
    snprintf(b->mishap.text, sizeof b->mishap.text, "a backup found damage (%.400s)", text);
    begin_anew(b, true);
}

void mishap_look(struct bridge *b)
{
    if (!b->mishap.begin_anew && !b->mishap.pending)
        look(b);
}

static void on_timer(void *ctx)
{
    struct bridge *b = ctx;

    /* What it finds stays noted in the store. */
    (void)(store_check_names(b->store) == WB_OK);
    look(b);
    if (!b->mishap.begin_anew)
        timer_start(b->timers, &b->mishap.timer, b->mishap.pending ? AGAIN_MS : LOOK_MS, on_timer,
                    b);
}

void mishap_start(struct bridge *b)
{
    timer_start(b->timers, &b->mishap.timer, LOOK_MS, on_timer, b);
}

void mishap_stop(struct bridge *b)
{
    timer_stop(b->timers, &b->mishap.timer);
}
