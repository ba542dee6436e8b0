#include "bridge/calls/outbox_view.h"

#include "bridge/core/context.h"
#include "bridge/send/out_message.h"
#include "bridge/send/out_outcome.h"
#include "bridge/send/out_request.h"

_Static_assert((int)OUTBOX_PAGE_MAX == (int)OUTBOX_LIST_MAX, "one page is one list of the store");

static const char *const states[] = {
    [OUTBOX_QUEUED] = "queued",       [OUTBOX_SEALED] = "sealed", [OUTBOX_SENT] = "sent",
    [OUTBOX_DELIVERED] = "delivered", [OUTBOX_READ] = "read",     [OUTBOX_FAILED] = "failed",
};
enum { NSTATES = sizeof states / sizeof states[0] };

/* The state that a word names; false: no such word. */
static bool state_of(struct span word, int *ret_state)
{
    for (int i = 0; i < NSTATES; i++)
        if (span_eq_cstr(word, states[i])) {
            *ret_state = i;
            return true;
        }
    return false;
}

static struct span copy(struct arena *a, const char *text)
{
    return text[0] ? arena_copy(a, span_cstr(text)) : SPAN_NULL;
}

static struct outbox_entry entry_of(const struct store_outbox_row *row, struct arena *a)
{
    const bool failed = row->state == OUTBOX_FAILED;
    struct outbox_entry e = {.seq = row->seq,
                             .message_id = copy(a, row->message_id),
                             .key = copy(a, row->key),
                             .chat = row->chat,
                             .state = states[row->state],
                             .created_at = row->created_at,
                             .sealed_at = row->sealed_at,
                             .sent_at = row->server_time,
                             .failed_at = failed ? row->acked_at : 0,
                             .recipients = row->recipients,
                             .delivered = row->delivered,
                             .read = row->read};

    /* A send without a key waits as long as its caller does, so it has no expiry time to show. */
    if (row->expires_at > row->created_at)
        e.expires_at = row->expires_at;
    if (failed) {
        struct out_outcome o;

        out_outcome_of_row(row, &o);
        e.reason = copy(a, row->reason);
        e.detail = copy(a, o.text);
        e.server_code = o.server_code;
    }
    return e;
}

enum cmd_result bridge_outbox_list(struct bridge *b, const struct outbox_query *q, struct arena *a,
                                   struct outbox_entry **ret_entries, size_t *ret_n)
{
    struct store_outbox_filter f = {.state = OUTBOX_ANY_STATE,
                                    .oldest_first = q->oldest_first,
                                    .beyond = q->beyond,
                                    .limit = q->limit};
    struct store_outbox_row *rows = NULL;
    struct outbox_entry *entries;
    struct jid chat;
    size_t n = 0;
    enum wb_err err;

    if (!span_is_null(q->state) && !state_of(q->state, &f.state))
        return CMD_BAD_REQUEST;
    if (!span_is_null(q->chat)) {
        if (out_request_recipient(q->chat, &chat) != WB_OK)
            return CMD_BAD_RECIPIENT;
        f.chat = &chat;
    }
    err = store_outbox_list(b->store, &f, a, &rows, &n);
    if (err != WB_OK && err != WB_ERR_STATE)
        return CMD_INTERNAL;
    entries = arena_alloc(a, (n + 1) * sizeof *entries);
    if (!entries)
        return CMD_INTERNAL;
    for (size_t i = 0; i < n; i++)
        entries[i] = entry_of(&rows[i], a);
    *ret_entries = entries;
    *ret_n = n;
    return CMD_OK;
}

static enum cmd_result find(struct bridge *b, struct span name, struct arena *a,
                            struct store_outbox_row *ret)
{
    const char *text = name.n ? arena_cstr(a, name) : NULL;
    enum wb_err err = WB_ERR_NOT_FOUND;

    if (text)
        err = store_outbox_by_id(b->store, text, a, ret);
    if (text && err == WB_ERR_NOT_FOUND)
        err = store_outbox_by_key(b->store, text, a, ret);
    if (err == WB_ERR_NOT_FOUND || err == WB_ERR_STATE)
        return CMD_NOT_FOUND;
    return err == WB_OK ? CMD_OK : CMD_INTERNAL;
}

enum cmd_result bridge_outbox_get(struct bridge *b, struct span name, struct arena *a,
                                  struct outbox_entry *ret)
{
    struct store_outbox_row row;
    struct out_request r;
    enum cmd_result result = find(b, name, a, &row);

    if (result != CMD_OK)
        return result;
    *ret = entry_of(&row, a);
    if (row.state == OUTBOX_QUEUED && out_request_decode(row.request, a, &r) == WB_OK)
        ret->text = r.text;
    return CMD_OK;
}

enum cmd_result bridge_outbox_cancel(struct bridge *b, struct span name, struct arena *a,
                                     struct outbox_entry *ret)
{
    struct store_outbox_row row;
    enum cmd_result result = find(b, name, a, &row);

    if (result != CMD_OK)
        return result;
    if (row.state == OUTBOX_QUEUED) {
        if (out_message_cancel(b, span_cstr(row.message_id)) != WB_OK)
            return CMD_INTERNAL;
        /* The row tells whether that could be stored. */
        result = find(b, name, a, &row);
        if (result == CMD_OK && row.state == OUTBOX_QUEUED)
            result = CMD_INTERNAL;
        if (result != CMD_OK)
            return result;
    }
    *ret = entry_of(&row, a);
    return span_eq_cstr(ret->reason, cmd_result_code(CMD_CANCELLED)) ? CMD_OK : CMD_NOT_QUEUED;
}
