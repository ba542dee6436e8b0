#include "bridge/send/out_outcome.h"

#include <inttypes.h>
#include <stdio.h>

#include "bridge/core/context.h"

void out_outcome_say(struct out_outcome *o, enum cmd_result result, const char *text)
{
    *o = (struct out_outcome){.result = result};
    snprintf(o->text, sizeof o->text, "%s", text);
}

enum wb_err out_outcome_store(struct bridge *b, const char *id, const struct out_outcome *o)
{
    struct buf text = buf_new(OUT_TEXT_MAX + 16);
    enum wb_err err;

    buf_printf(&text, "%" PRIu32 " %s", o->server_code, o->text);
    TRY(buf_err(&text));
    TRY(store_outbox_fail(b->store, id, cmd_result_code(o->result), bridge_server_now_s(b)));
    err = store_outbox_answer(b->store, id, buf_span(&text));
out:
    buf_free(&text);
    return err;
}

/* The reason in the row may be no cmd_result (set by a restore, say): then the outcome is
 * unknown. */
static enum cmd_result result_of_reason(const char *reason)
{
    for (enum cmd_result r = CMD_BAD_REQUEST; r < CMD_RESULT_COUNT; r++)
        if (strcmp(cmd_result_code(r), reason) == 0)
            return r;
    return CMD_OUTCOME_UNKNOWN;
}

void out_outcome_of_row(const struct store_outbox_row *row, struct out_outcome *ret)
{
    struct out_outcome o = {.result = CMD_OK, .timestamp_s = row->server_time};
    const uint8_t *blank = row->answer.n ? memchr(row->answer.p, ' ', row->answer.n) : NULL;

    if (row->state == OUTBOX_FAILED) {
        o.result = result_of_reason(row->reason);
        if (strcmp(row->reason, OUTBOX_RESTORED_UNKNOWN) == 0)
            out_outcome_say(
                &o, o.result,
                "the session was restored from a backup made before this message's end was "
                "known; it may have been sent, and is not sent again");
        else
            snprintf(o.text, sizeof o.text, "the message failed: %s", row->reason);
        if (blank) {
            size_t head = (size_t)(blank - row->answer.p);
            uint64_t code = 0;

            if (span_to_u64(SPAN(row->answer.p, head), &code))
                o.server_code = (uint32_t)code;
            snprintf(o.text, sizeof o.text, "%.*s", (int)(row->answer.n - head - 1),
                     (const char *)blank + 1);
        }
    }
    *ret = o;
}
