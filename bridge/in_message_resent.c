/* Messages that our phone hands on: again, because we could not read them (P-RC-45, P-RC-46), and
 * out of its history (P-HI-09). */
#include <string.h>

#include "bridge/bridge.h"
#include "bridge/in_message_private.h"
#include "bridge/peer_time.h"
#include "proto/peer_wire.h"
#include "proto/web_message.h"
#include "store/lid_map.h"

/* The other form of a person, JID_NONE when it is not known. */
static enum wb_err other_form(struct bridge *b, const struct jid *j, struct jid *ret)
{
    enum wb_err err = WB_ERR_NOT_FOUND;

    *ret = (struct jid){0};
    if (j->server == JID_PN)
        err = store_lid_of_pn(b->store, j, ret);
    else if (j->server == JID_LID)
        err = store_pn_of_lid(b->store, j, ret);
    return err == WB_ERR_NOT_FOUND ? WB_OK : err;
}

/* Chat and sender by P-HI-09; MALFORMED when they are no addresses. */
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
        TRY(other_form(b, &m->sender, &m->sender_alt));
    }
    if (!m->chat.user[0] || !jid_is_person(&m->sender) || !m->sender.user[0])
        return WB_ERR_MALFORMED;
out:
    return err;
}

enum wb_err in_message_take_web(struct bridge *b, struct arena *a, struct span in,
                                int64_t fallback_t, struct in_message *ret)
{
    struct web_message w;
    struct in_message m;
    struct content c;
    bool row = false;
    enum wb_err err;

    memset(&m, 0, sizeof m);
    TRY(web_message_decode(in, &w));
    if (!in_message_id_valid(w.key.id))
        return WB_ERR_MALFORMED;
    m.id = m.stanza_id = w.key.id;
    m.t = peer_time_s(b, w.timestamp > 0 ? (uint64_t)w.timestamp : 0, fallback_t);
    m.push_name = w.push_name;
    TRY(read_source(b, &w, &m));
    TRY(content_decode(w.message, a, &c));
    if (c.kind != CONTENT_PROTOCOL) {
        TRY(in_message_store(b, &m, &c, &row));
        if (c.kind != CONTENT_NONE)
            TRY(retry_owed_done(b, &m));
    }
    *ret = m;
out:
    return err;
}

static enum wb_err take_one(struct bridge *b, const struct stanza *s, struct span in,
                            struct in_message *outer)
{
    struct in_message m;
    enum wb_err err;

    TRY(in_message_take_web(b, s->arena, in, outer->t, &m));
    if (m.stored)
        TRY(in_message_news_add(b, &m, s->received_ms));
out:
    return err;
}

enum wb_err in_message_resent(struct bridge *b, const struct stanza *s, struct in_message *m,
                              struct span payload)
{
    struct peer_response r;
    enum wb_err err;

    TRY(peer_response_decode(payload, s->arena, &r));
    if (r.type != PEER_PLACEHOLDER_RESEND)
        return WB_OK;
    for (size_t i = 0; i < r.n; i++) {
        if (span_is_null(r.results[i].web_message))
            continue;
        err = take_one(b, s, r.results[i].web_message, m);
        if (err != WB_OK && wb_err_class(err) != WB_CLASS_PEER)
            return err;
        if (err != WB_OK)
            log_warn(b->log, "message", "a message resent by our phone: %s", wb_err_text(err));
    }
    err = WB_OK;
out:
    return err;
}
