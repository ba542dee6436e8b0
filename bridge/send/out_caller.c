#include "bridge/send/out_caller.h"

#include <stdlib.h>

#include "bridge/core/context.h"

static bool has_id(enum cmd_result r)
{
    return r == CMD_OK || r == CMD_ACCEPTED || r == CMD_OUTCOME_UNKNOWN;
}

void out_caller_tell(send_done_fn *done, void *ctx, const char *id, const struct jid *chat,
                     const struct out_outcome *o)
{
    char text[JID_TEXT_MAX] = "";
    struct send_result r = {.result = o->result,
                            .message_id = id && has_id(o->result) ? span_cstr(id) : SPAN_NULL,
                            .timestamp_s = o->timestamp_s,
                            .server_code = o->server_code,
                            .restricted_s = o->restricted_s,
                            .text = span_cstr(o->text)};

    if (chat)
        jid_text(chat, text);
    r.recipient = span_cstr(text);
    done(ctx, &r);
}

bool out_caller_is_sealed(const struct out_item *it)
{
    return it->lane == NULL;
}

const char *out_caller_state(const struct out_item *it)
{
    return out_caller_is_sealed(it) ? "sealed" : "queued";
}

void out_caller_remove(struct out_caller *w)
{
    struct bridge *b = w->item->b;
    struct out_message_state *s = b->out_message;
    struct out_caller **at = &w->item->callers;

    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    timer_stop(b->timers, &w->timer);
    s->ncallers--;
    if (s->finish.done && s->ncallers == 0)
        timer_start(b->timers, &s->finish.timer, 0, s->finish.over, b);
}

void out_caller_end(struct out_caller *w, const struct out_outcome *o)
{
    send_done_fn *done = w->done;
    void *ctx = w->ctx;
    char id[STORE_MESSAGE_ID_MAX + 1];
    struct jid chat = w->item->chat;

    memcpy(id, w->item->id, sizeof id);
    out_caller_remove(w);
    free(w);
    out_caller_tell(done, ctx, id, &chat, o);
}

struct out_outcome out_caller_unknown_outcome(void)
{
    return (struct out_outcome){
        .result = CMD_OUTCOME_UNKNOWN,
        .text =
            "WhatsApp has not confirmed the message yet; it may have been delivered. It is sent "
            "again under the same id after a reconnect: do not repeat it without a key"};
}

void out_caller_answer(struct out_item *it, const struct out_outcome *o)
{
    while (it->callers)
        out_caller_end(it->callers, o);
}

void out_caller_unknown(struct out_item *it)
{
    struct out_outcome o = out_caller_unknown_outcome();
    struct out_caller *w = it->callers;

    while (w) {
        struct out_caller *next = w->next;

        if (!w->keyed)
            out_caller_end(w, &o);
        w = next;
    }
}

void out_caller_free(struct out_item *it)
{
    while (it->callers) {
        struct out_caller *w = it->callers;

        out_caller_remove(w);
        free(w);
    }
}
