/* Decodes content that was sealed with the secret of another message: votes, reactions, comments,
 * edits, answers to events (P-RC-52, P-X2-19). */
#include "proto/content.h"
#include "proto/wire_field.h"
#include "proto/wire_map.h"

enum { EVENT_GOING = 1, EVENT_NOT_GOING = 2, EVENT_MAYBE = 3 };
/* More guests than anybody brings along: a limit, since the peer chooses the number. */
enum { GUESTS_MAX = 1000 };

bool content_is_sealed(const struct content *c)
{
    switch ((int)c->kind) {
    case CONTENT_POLL_VOTE:
    case CONTENT_ENC_REACTION:
    case CONTENT_ENC_COMMENT:
    case CONTENT_ENC_EVENT_RESPONSE:
    case CONTENT_SECRET_EDIT:
        return true;
    default:
        return false;
    }
}

/* ReactionMessage without its key: the sealed message has it outside. */
static enum wb_err open_reaction(struct span plain, struct content *c)
{
    static const struct wire_slot slots[] = {
        {2, SLOT_SPAN, offsetof(struct content, text), NULL},
        {4, SLOT_I64, offsetof(struct content, timestamp_ms), NULL},
        {0, SLOT_SPAN, 0, NULL}};

    c->kind = CONTENT_REACTION;
    return wire_map_read(slots, plain, c);
}

/* PollVoteMessage: the hashes of the chosen options. */
static enum wb_err open_vote(struct span plain, struct arena *a, struct content *c)
{
    enum wb_err err = wire_collect(plain, 1, a, &c->options, &c->noptions);

    if (err == WB_OK && c->noptions == 0)
        c->text = SPAN_LIT("taken back");
    return err;
}

static struct span answer_text(int32_t answer)
{
    switch (answer) {
    case EVENT_GOING:
        return SPAN_LIT("going");
    case EVENT_NOT_GOING:
        return SPAN_LIT("not going");
    case EVENT_MAYBE:
        return SPAN_LIT("maybe");
    default:
        return SPAN_LIT("unknown answer");
    }
}

/* EventResponseMessage. */
static enum wb_err open_answer(struct span plain, struct arena *a, struct content *c)
{
    struct answer {
        int32_t answer, guests;
        int64_t timestamp_ms;
    } r = {0, 0, 0};
    static const struct wire_slot slots[] = {
        {1, SLOT_I32, offsetof(struct answer, answer), NULL},
        {2, SLOT_I64, offsetof(struct answer, timestamp_ms), NULL},
        {3, SLOT_I32, offsetof(struct answer, guests), NULL},
        {0, SLOT_SPAN, 0, NULL}};
    struct buf text = buf_new(64);
    enum wb_err err;

    TRY(wire_map_read(slots, plain, &r));
    c->kind = CONTENT_EVENT_RESPONSE;
    c->timestamp_ms = r.timestamp_ms;
    buf_append(&text, answer_text(r.answer));
    if (r.guests > 0 && r.guests <= GUESTS_MAX)
        buf_printf(&text, ", with %d more", (int)r.guests);
    TRY(buf_err(&text));
    c->text = arena_copy(a, buf_span(&text));
    if (!c->text.p)
        err = WB_ERR_TOO_LARGE;
out:
    buf_free(&text);
    return err;
}

/* A whole Message: a comment, the new content of something, or one more option of a poll. */
static enum wb_err open_message(struct span plain, struct arena *a, struct content *c)
{
    struct content *inner = arena_alloc(a, sizeof *inner);
    enum wb_err err = inner ? WB_OK : WB_ERR_TOO_LARGE;

    TRY(err);
    TRY(content_decode(plain, a, inner));
    if (c->kind == CONTENT_ENC_COMMENT) {
        c->kind = CONTENT_COMMENT;
        c->inner = inner;
        return inner->kind == CONTENT_NONE ? WB_ERR_MALFORMED : WB_OK;
    }
    if (inner->kind == CONTENT_POLL_ADD_OPTION) {
        c->kind = CONTENT_POLL_ADD_OPTION;
        c->text = inner->text;
        return WB_OK;
    }
    /* An edit of a plain message has the new content inside; edits of events and polls are the new
     * content themselves. */
    c->kind = CONTENT_EDIT;
    c->timestamp_ms = inner->timestamp_ms;
    c->inner = inner->kind == CONTENT_EDIT ? inner->inner : inner;
    if (!c->inner || c->inner->kind == CONTENT_NONE || c->inner->kind == CONTENT_PROTOCOL)
        err = WB_ERR_MALFORMED;
out:
    return err;
}

enum wb_err content_open(const struct content *sealed, struct span plain, struct arena *a,
                         struct content *ret)
{
    struct content c = *sealed;
    enum wb_err err;

    switch ((int)c.kind) {
    case CONTENT_POLL_VOTE:
        err = open_vote(plain, a, &c);
        break;
    case CONTENT_ENC_REACTION:
        err = open_reaction(plain, &c);
        break;
    case CONTENT_ENC_EVENT_RESPONSE:
        err = open_answer(plain, a, &c);
        break;
    default:
        err = open_message(plain, a, &c);
        break;
    }
    if (err == WB_OK)
        *ret = c;
    return err;
}
