#include "bridge/calls/commands.h"

#include "base/fault.h"
#include "bridge/conn/conn.h"
#include "bridge/core/batch.h"
#include "bridge/core/context.h"
#include "bridge/recovery/backups.h"
#include "store/core/batch.h"
#include "store/open/open.h"
#include "store/session/account.h"

enum { UNLINK_MS = 3000 };

void bridge_reconnect(struct bridge *b, command_done_fn *done, void *ctx)
{
    if (conn_reconnect(b->conn) == WB_OK)
        done(ctx, CMD_OK, "connecting");
    else
        done(ctx, CMD_CONFLICT, bridge_no_qr_reason(b));
}

/* Does whatsapp.db hold other numbers? Pairing and unlinking set the whole file aside, and with it
 * the sessions of other numbers (no session may be lost). */
static bool holds_others(struct bridge *b)
{
    size_t n;

    return store_account_list(b->store, NULL, 0, &n) == WB_OK && n > 1;
}

#define OTHERS_TEXT                                                                                \
    "whatsapp.db holds linked devices of other numbers too, whose sessions would be set aside "    \
    "with it; give each number a --store of its own first"
#define UNLINKING_TEXT "an unlink is under way"

void bridge_pair(struct bridge *b, command_done_fn *done, void *ctx)
{
    enum wb_err err;

    if (b->unlinking.done || holds_others(b)) {
        done(ctx, CMD_CONFLICT, b->unlinking.done ? UNLINKING_TEXT : OTHERS_TEXT);
        return;
    }
    err = conn_pair(b->conn);
    if (err == WB_OK)
        done(ctx, CMD_OK, "a QR will be at GET /api/qr in a few seconds");
    else if (err == WB_ERR_STATE)
        done(ctx, CMD_CONFLICT,
             "this bridge is paired; POST /api/unlink first if it shall be linked anew");
    else
        done(ctx, CMD_INTERNAL, wb_err_text(err));
}

/* ---- unlink ---- */

static void unlink_done(struct bridge *b, enum cmd_result r, const char *text)
{
    command_done_fn *done = b->unlinking.done;

    b->unlinking.done = NULL;
    if (done)
        done(b->unlinking.ctx, r, text);
}

/* The session is backed up, or the backup has failed; either way the file is only renamed, never
 * deleted. */
static void set_aside(void *ctx, bool go_on)
{
    struct bridge *b = ctx;
    char path[STORE_PATH_MAX];
    enum wb_err err;

    if (!go_on) {
        unlink_done(
            b, CMD_INTERNAL,
            "the bridge is stopping before the session's file could be set aside: it stays in "
            "its place until POST /api/pair. At WhatsApp this device is unlinked");
        return;
    }
    FAULT_POINT("aside.backup");
    TRY(batch_commit(b));
    TRY(store_set_aside_session(b->store, "unlinked", path));
    log_info(b->log, "pair", "unlinked; the session was set aside as %s", path);
out:
    conn_unlinked(b->conn);
    if (err == WB_OK)
        unlink_done(b, CMD_OK, "unlinked; the session's file was set aside");
    else
        unlink_done(b, CMD_INTERNAL,
                    "the session's file could not be set aside and stays in its place, unused. At "
                    "WhatsApp this device is unlinked");
}

static void on_unlinked(struct bridge *b, uint64_t key, const struct iq_reply *reply)
{
    enum wb_err err;

    (void)key;
    if (reply->err != WB_OK) {
        if (reply->err == WB_ERR_REFUSED)
            unlink_done(
                b, CMD_REFUSED,
                "WhatsApp refused to unlink this device, so the session is kept: unlink it on "
                "the phone, under Linked devices");
        else /* the request was sent, and may have been carried out */
            unlink_done(
                b, CMD_OUTCOME_UNKNOWN,
                "WhatsApp did not answer. The session is kept; the phone shows under Linked "
                "devices whether this device is unlinked, and can unlink it");
        return;
    }
    /* From now on this counts as a logout by the server: nothing more is sent or written under this
     * account. It is written down, so that a stop in between does not lose it. */
    err = store_logged_out_set(b->store, "unlinked by the operator", clock_unix_s(b->clock));
    if (err != WB_OK)
        batch_fail(b, err);
    else if (batch_commit(b) != WB_OK)
        log_error(b->log, "pair", "the unlinking could not be written down");
    conn_unlink(b->conn);
    backups_before_unlink(b->backups, set_aside, b);
}

/* Why an unlink is not possible when we are not online. */
static const char *why_no_unlink(const struct conn *c)
{
    struct conn_report report;

    conn_report(c, &report);
    if (conn_reason(c) == CONN_WHY_LOGGED_OUT)
        return "this device is unlinked already: POST /api/pair links it anew";
    if (!report.paired)
        return "no phone is linked: there is nothing to unlink";
    return "not connected: unlink on the phone, or try again later";
}

void bridge_unlink(struct bridge *b, command_done_fn *done, void *ctx)
{
    struct arena a = arena_new(16 * 1024);
    struct node *iq = iq_new(&a, "set", "md", NULL);
    struct node *n = node_child_new(&a, iq, "remove-companion-device");
    enum wb_err err = WB_ERR_STATE;

    if (b->unlinking.done || holds_others(b)) {
        arena_free(&a);
        done(ctx, CMD_CONFLICT, b->unlinking.done ? UNLINKING_TEXT : OTHERS_TEXT);
        return;
    }
    node_attr_jid(&a, n, "jid", &b->own_pn);
    node_attr_text(&a, n, "reason", "user_initiated");
    b->unlinking.done = done;
    b->unlinking.ctx = ctx;
    if (conn_online(b->conn))
        err = iq_send(&b->iq, &a, iq, UNLINK_MS, on_unlinked, 0);
    arena_free(&a);
    if (err == WB_ERR_RATE_LIMITED)
        unlink_done(
            b, CMD_RATE_LIMITED,
            "WhatsApp wants a pause before this is asked again; unlink on the phone, or try "
            "again later");
    else if (err != WB_OK)
        unlink_done(b, CMD_NOT_CONNECTED, why_no_unlink(b->conn));
}
