/* Messages that our phone hands on: those that we could not read and asked for (P-RC-45, P-RC-46),
 * and those of its history (P-HI-09). */
#include <string.h>

#include "bridge/core/context.h"
#include "bridge/core/msgid.h"
#include "bridge/core/own_message.h"
#include "bridge/core/peer_time.h"
#include "bridge/people/identity.h"
#include "bridge/receive/in_message.h"
#include "bridge/receive/in_message_private.h"
#include "proto/peer_wire.h"
#include "proto/web_message.h"
#include "store/messages/phone_requests.h"
#include "store/session/lid_map.h"

/* Chat and sender of a WebMessageInfo (P-HI-09); MALFORMED when they are no addresses. */
static enum wb_err read_source(struct bridge *b, const struct web_message *w, struct in_message *m)
{
    struct span sender = w->participant.n ? w->participant : w->key.participant;
    enum wb_err err;

    TRY(jid_parse(w->key.remote_jid, &m->chat));
    m->chat = jid_bare(jid_unhosted(m->chat));
    m->group = m->chat.server == JID_GROUP || m->chat.server == JID_BROADCAST;
    m->lid_addressing = m->chat.server == JID_LID;
    m->from_me = w->key.from_me;
    if (m->from_me) {
        m->sender = b->own_pn;
        m->sender_alt = b->own_lid;
    } else {
        m->sender = m->chat;
        if (m->group)
            TRY(jid_parse(sender, &m->sender));
        m->sender = jid_bare(jid_unhosted(m->sender));
        TRY(identity_other_form(b, &m->sender, &m->sender_alt));
    }
    if (!m->chat.user[0] || !jid_is_person(&m->sender) || !m->sender.user[0])
        return WB_ERR_MALFORMED;
out:
    return err;
}

enum wb_err in_message_read_web(struct bridge *b, struct arena *a, struct span in,
                                int64_t fallback_t, struct in_message_web *ret)
{
    struct web_message w;
    struct in_message m;
    enum wb_err err;

    memset(&m, 0, sizeof m);
    TRY(web_message_decode(in, &w));
    if (!msgid_valid(w.key.id))
        return WB_ERR_MALFORMED;
    m.id = m.stanza_id = w.key.id;
    m.t = peer_time_s(b, w.timestamp > 0 ? (uint64_t)w.timestamp : 0, fallback_t);
    m.push_name = w.push_name;
    TRY(read_source(b, &w, &m));
    TRY(content_decode(w.message, a, &ret->c));
    ret->m = m;
    ret->secret = w.secret;
out:
    return err;
}

enum wb_err in_message_take_web(struct bridge *b, struct in_message_web *w)
{
    bool row = false;
    enum wb_err err = WB_OK;

    if (w->c.kind == CONTENT_PROTOCOL)
        return WB_OK;
    TRY(in_message_store(b, &w->m, &w->c, &row));
    TRY(in_message_sealed_secret(b, &w->m, span_is_null(w->secret) ? w->c.secret : w->secret));
    if (w->c.kind != CONTENT_NONE)
        TRY(retry_owed_done(b, &w->m));
out:
    return err;
}

enum wb_err in_message_resent_same(struct bridge *b, const struct jid *one, const struct jid *other,
                                   bool *ret_same, bool *ret_maybe)
{
    struct jid x, y;
    enum wb_err err;

    TRY(store_canonical(b->store, one, &x));
    TRY(store_canonical(b->store, other, &y));
    *ret_same = jid_same_user(&x, &y);
    if (ret_maybe)
        *ret_maybe = *ret_same || (jid_is_person(&x) && jid_is_person(&y) && x.server != y.server);
out:
    return err;
}

/* Is m the message that the request was for: same chat, sender and id? A phone may name a person by
 * a form that we do not know. */
static enum wb_err is_asked_for(struct bridge *b, const struct store_phone_request *r,
                                const struct in_message *m, bool *ret_asked)
{
    bool same, chat = false, sender = false;
    enum wb_err err;

    TRY(in_message_resent_same(b, &r->chat, &m->chat, &same, &chat));
    TRY(in_message_resent_same(b, &r->sender, &m->sender, &same, &sender));
    *ret_asked = chat && sender && span_eq_cstr(m->id, r->id);
out:
    return err;
}

static enum wb_err take_one(struct bridge *b, const struct stanza *s, struct span in,
                            const struct store_phone_request *r, int64_t t)
{
    struct in_message_web w;
    bool asked = false, for_secret = false;
    enum wb_err err;

    TRY(in_message_read_web(b, s->arena, in, t, &w));
    TRY(is_asked_for(b, r, &w.m, &asked));
    if (!asked) {
        b->trust.unasked_answers++;
        log_warn(b->log, "message", "our phone hands on another message than the one asked for");
        return WB_OK;
    }
    TRY(retry_owed_is_for_secret(b, &r->chat, &r->sender, w.m.id, &for_secret));
    TRY(in_message_take_web(b, &w));
    /* A poll fetched for the sake of a vote may be years old: it is stored, but is no news. */
    if (w.m.stored && !for_secret)
        TRY(in_message_state_news_add(b, &w.m, s->received_ms));
out:
    return err;
}

static enum wb_err resent_apply(struct bridge *b, const struct own_message *o)
{
    const struct stanza *s = o->stanza;
    struct store_phone_request asked;
    struct peer_response r;
    enum wb_err err;

    TRY(peer_response_decode(o->payload, s->arena, &r));
    if (r.type != PEER_PLACEHOLDER_RESEND)
        return WB_OK;
    err = store_phone_request_get(b->store, r.stanza_id, &asked);
    if (err == WB_ERR_NOT_FOUND) {
        b->trust.unasked_answers += r.n;
        log_warn(b->log, "message", "our phone answers what nobody asked, or was answered before");
        return WB_OK;
    }
    TRY(err);
    for (size_t i = 0; i < r.n; i++) {
        if (span_is_null(r.results[i].web_message))
            continue;
        err = take_one(b, s, r.results[i].web_message, &asked, o->t);
        if (err != WB_OK && wb_err_class(err) != WB_CLASS_PEER)
            return err;
        if (err != WB_OK)
            log_warn(b->log, "message", "a message resent by our phone: %s", wb_err_text(err));
    }
    TRY(in_message_sealed_phone_answered(b, &asked.chat, &asked.sender, span_cstr(asked.id)));
    err = store_phone_request_done(b->store, r.stanza_id);
out:
    return err;
}

const struct own_message_row own_message_resent = {PROTOCOL_PEER_RESPONSE, resent_apply};
