#include "bridge/send/out_content.h"

#include "bridge/core/context.h"
#include "bridge/core/peer_time.h"
#include "bridge/people/mention_in.h"
#include "proto/content_encode.h"
#include "proto/limits.h"
#include "store/messages/contacts.h"
#include "store/messages/messages.h"
#include "store/outbox/sealed.h"
#include "store/session/retry.h"

/* ---- what is sent ---- */

/* The quoted copy carries no quotes and mentions of its own: it is built anew from the stored row.
 * A message that is neither text nor a file is quoted by its readable text. */
static enum wb_err quote(const struct store_message_row *row, struct arena *a, struct buf *out)
{
    struct content c;

    if (!row->raw.n || content_decode(row->raw, a, &c) != WB_OK || !c.media.present)
        return content_encode_text(store_message_text(row), NULL, out);
    if (c.kind == CONTENT_IMAGE || c.kind == CONTENT_VIDEO || c.kind == CONTENT_AUDIO ||
        c.kind == CONTENT_DOCUMENT || c.kind == CONTENT_STICKER)
        return content_encode_media(c.kind, &c.media, c.text, NULL, out);
    return content_encode_text(store_message_text(row), NULL, out);
}

/* The sender of the quoted message, in the form of the chat. */
static struct jid quoted_sender(const struct bridge *b, const struct out_work *w,
                                const struct store_message_row *row)
{
    bool lid = jid_is_none(&w->group.jid) ? w->to.server == JID_LID
                                          : w->group.addressing == STORE_ADDRESSING_LID;
    struct jid as_lid = row->from_me ? b->own_lid : row->sender_lid;
    struct jid as_pn = row->from_me ? b->own_pn : row->sender_pn;

    if (jid_is_none(&w->group.jid) && !row->from_me) {
        as_lid = w->lid;
        as_pn = w->pn;
    }
    if (lid ? jid_is_none(&as_lid) : !jid_is_none(&as_pn))
        return jid_bare(as_pn);
    return jid_bare(as_lid);
}

static enum wb_err add_reply(struct bridge *b, struct out_work *w, struct content_extras *x,
                             struct buf *quoted)
{
    struct store_message_row row;
    struct jid chat = jid_is_none(&w->group.jid) && !jid_is_none(&w->pn) ? w->pn : w->to;
    struct jid sender;
    char text[JID_TEXT_MAX];
    enum wb_err err;

    TRY(store_message_get(b->store, &chat, w->request.reply_to, NULL, &w->arena, &row));
    TRY(quote(&row, &w->arena, quoted));
    sender = quoted_sender(b, w, &row);
    x->reply_id = w->request.reply_to;
    x->reply_from = arena_copy(&w->arena, span_cstr(jid_text(&sender, text)));
    x->quoted = buf_span(quoted);
    if (!x->reply_from.p)
        err = WB_ERR_NOMEM;
out:
    return err;
}

/* A message in a chat whose messages disappear says so itself (P-SD-43). */
static enum wb_err add_timer(struct bridge *b, const struct out_work *w, struct content_extras *x)
{
    uint32_t seconds = w->group.ephemeral_s;
    int64_t set_at = 0;
    enum wb_err err = WB_OK;

    if (jid_is_none(&w->group.jid))
        err = store_chat_timer_get(b->store, &w->to, &seconds, &set_at);
    if (err != WB_OK || seconds == 0)
        return err == WB_ERR_NOT_FOUND ? WB_OK : err;
    x->has_expiration = true;
    /* A value that an older bridge has stored may be out of range. */
    x->expiration = peer_expiration_s(seconds);
    x->ephemeral_setting_timestamp = set_at > 0 ? peer_time_stanza_s(b, (uint64_t)set_at) : 0;
    return WB_OK;
}

enum wb_err out_content_make(struct bridge *b, struct out_work *w)
{
    struct content_extras x = {.mentioned = w->mentions.mentioned,
                               .nmentioned = w->mentions.nmentioned,
                               .mentions_all = w->mentions.all};
    struct buf quoted = buf_new(MESSAGE_PLAINTEXT_MAX);
    enum wb_err err = WB_OK;

    buf_clear(&w->plain);
    if (!span_is_null(w->request.reply_to))
        TRY(add_reply(b, w, &x, &quoted));
    TRY(add_timer(b, w, &x));
    err = content_encode_text(w->mentions.text, &x, &w->plain);
out:
    buf_free(&quoted);
    return err;
}

/* ---- what is stored ---- */

/* The addressing that the send used; in a private chat the list of devices for which it was sealed
 * tells it. */
static enum wb_err addressing_of(struct bridge *b, const struct jid *chat, struct span id,
                                 struct arena *a, enum store_addressing *ret_addressing)
{
    struct store_sealed_match m;
    struct store_group g;
    enum wb_err err;

    *ret_addressing = STORE_ADDRESSING_LID;
    if (chat->server != JID_GROUP) {
        err = store_sealed_find(b->store, id, chat, &m);
        if (err == WB_OK && m.person && m.as.server == JID_PN)
            *ret_addressing = STORE_ADDRESSING_PN;
        return err == WB_ERR_NOT_FOUND ? WB_OK : err;
    }
    err = store_group_get(b->store, chat, a, &g);
    if (err == WB_OK)
        *ret_addressing = g.addressing;
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

static enum wb_err put_row(struct bridge *b, struct store_message *m, const struct content *c)
{
    enum store_message_outcome outcome;
    struct buf mentions = buf_new(MENTION_TEXT_BYTES_MAX);
    char quoted[JID_TEXT_MAX];
    struct jid quoted_jid;
    bool me = false;
    enum wb_err err;

    TRY(mention_in_list(b, &c->context, &mentions, &me));
    m->mentions = mentions.n ? buf_span(&mentions) : SPAN_NULL;
    if (c->context.stanza_id.n) {
        TRY(mention_in_person(b, c->context.participant, &quoted_jid));
        m->quoted_id = c->context.stanza_id;
        m->quoted_sender = span_cstr(jid_text(&quoted_jid, quoted));
    }
    err = store_message_put(b->store, m, &outcome);
out:
    buf_free(&mentions);
    return err;
}

enum wb_err out_content_store(struct bridge *b, const struct jid *chat, const char *id, int64_t t,
                              struct message_said *ret_said)
{
    struct arena a = arena_new(SEND_ARENA_MAX);
    struct store_message m = {.id = span_cstr(id),
                              .chat = *chat,
                              .sender = jid_bare(b->own_pn),
                              .sender_alt = jid_bare(b->own_lid),
                              .from_me = true,
                              .timestamp = t,
                              .received_at = bridge_server_now_s(b)};
    struct span plain;
    struct content c;
    enum wb_err err;

    err = store_retry_sent_get(b->store, chat, m.id, &a, &plain);
    if (err == WB_ERR_NOT_FOUND) {
        log_error(b->log, "send", "%s was accepted, but its text is not kept any more", id);
        arena_free(&a);
        return WB_OK;
    }
    TRY(err);
    TRY(content_decode(plain, &a, &c));
    TRY(addressing_of(b, chat, m.id, &a, &m.addressing));
    m.content = c.text;
    m.kind = content_kind_word(c.kind == CONTENT_EXTENDED_TEXT ? CONTENT_TEXT : c.kind);
    TRY(put_row(b, &m, &c));
    message_said_note(b, ret_said, m.kind, m.content);
out:
    arena_free(&a);
    return err;
}
